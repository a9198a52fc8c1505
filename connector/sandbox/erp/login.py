"""Who may call: nobody asked, HTTP Basic, a WS-Security user name token, or a session from `Login`."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from lxml.etree import _Element as Element

from connector.sandbox.erp.habits import Habits
from connector.sandbox.erp.service_files import COMMON
from connector.sandbox.erp.soap import SoapFaultError

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss"
WSSE = f"{_OASIS}-wssecurity-secext-1.0.xsd"
WSU = f"{_OASIS}-wssecurity-utility-1.0.xsd"
SESSION = f"{{{COMMON}}}Session"
SECURITY = f"{{{WSSE}}}Security"
DRIFT = timedelta(minutes=5)


class Guard:
    """Checks every call, and remembers sessions and the nonces that were used."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._sessions: dict[str, datetime] = {}
        self._nonces: set[str] = set()

    def open_session(self, habits: Habits, user: str, password: str) -> str | None:
        """Give the id of a new session; None for a wrong user or password."""
        if not (_equal(user, habits.user) and _equal(password, habits.password)):
            return None
        session_id = secrets.token_hex(16)
        self._sessions[session_id] = self._clock() + habits.session_lifetime
        return session_id

    def end_sessions(self) -> None:
        """Forget every session, as a restart of the ERP does."""
        self._sessions.clear()

    def check(self, habits: Habits, authorization: str, headers: Sequence[Element]) -> None:
        """Let a call pass.

        Raises: SoapFaultError, with HTTP status 401 for Basic.
        """
        match habits.login:
            case "basic":
                _check_basic(habits, authorization)
            case "session":
                self._check_session(headers)
            case "wsse":
                self._check_token(habits, headers)

    def _check_session(self, headers: Sequence[Element]) -> None:
        block = next((header for header in headers if header.tag == SESSION), None)
        session_id = "" if block is None else block.findtext(f"{{{COMMON}}}sessionId") or ""
        if self._sessions.get(session_id, self._clock()) <= self._clock():
            raise SoapFaultError("Client.SessionExpired", "The session has expired or was never opened")

    def _check_token(self, habits: Habits, headers: Sequence[Element]) -> None:
        security = next((header for header in headers if header.tag == SECURITY), None)
        token = None if security is None else security.find(f"{{{WSSE}}}UsernameToken")
        if token is None or not _equal(_text(token, WSSE, "Username"), habits.user):
            raise _failed_authentication()
        if habits.wsse_timestamp:
            self._check_moment(_text(security, WSU, "Timestamp/Created"))
        password = token.find(f"{{{WSSE}}}Password")
        if password is None:
            raise _failed_authentication()
        if password.get("Type", "").endswith("#PasswordDigest"):
            self._check_digest(habits, token, password.text or "")
        elif not _equal(password.text or "", habits.password):
            raise _failed_authentication()

    def _check_digest(self, habits: Habits, token: Element, digest: str) -> None:
        nonce, created = _text(token, WSSE, "Nonce"), _text(token, WSU, "Created")
        self._check_moment(created)
        if nonce in self._nonces:
            raise _failed_authentication()
        try:
            seed = base64.b64decode(nonce, validate=True) + created.encode() + habits.password.encode()
        except binascii.Error as error:
            raise _failed_authentication() from error
        if not _equal(digest, base64.b64encode(hashlib.sha1(seed).digest()).decode()):  # noqa: S324 the standard's own
            raise _failed_authentication()
        self._nonces.add(nonce)

    def _check_moment(self, created: str) -> None:
        try:
            moment = datetime.fromisoformat(created)
        except ValueError as error:
            raise _failed_authentication() from error
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if abs(self._clock() - moment) > DRIFT:
            raise SoapFaultError("Client.MessageExpired", "The token was made too long ago")


def _check_basic(habits: Habits, authorization: str) -> None:
    expected = base64.b64encode(f"{habits.user}:{habits.password}".encode()).decode()
    if not _equal(authorization, f"Basic {expected}"):
        challenge = {"www-authenticate": 'Basic realm="erp"'}
        raise SoapFaultError("Client.Authentication", "Wrong user or password", status=401, headers=challenge)


def _failed_authentication() -> SoapFaultError:
    return SoapFaultError("Client.FailedAuthentication", "The security token could not be authenticated")


def _text(element: Element, namespace: str, path: str) -> str:
    steps = "/".join(f"{{{namespace}}}{step}" for step in path.split("/"))
    return str(element.findtext(steps) or "").strip()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
