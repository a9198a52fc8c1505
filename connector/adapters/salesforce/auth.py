"""Logs in to Salesforce and keeps one token for all threads. The token never leaves but in a header."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeGuard
from urllib.parse import urlsplit

import jwt
import requests
from simple_salesforce.login import token_login

from connector.adapters.base import TokenLife
from connector.adapters.loopback import is_loopback
from connector.adapters.oauth_times import end_after, moment_of
from connector.adapters.salesforce.failures import login_error
from connector.adapters.salesforce.json_text import decode
from connector.adapters.salesforce.session import SalesforceSession, is_untrusted_certificate
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.clock import Clock
from connector.errors import AccessRefusedError, ConnectorError, UnavailableError
from connector.references import Secret

_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_JWT_LIFE = timedelta(minutes=3)  # Salesforce refuses assertions that live longer


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What a login gave: the access token and the address of the API."""

    access_token: str = field(repr=False)
    instance_url: str
    life: TokenLife


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token, and which login it came from."""

    value: str = field(repr=False)
    instance_url: str
    generation: int
    life: TokenLife


class TokenProvider:
    """One token for all threads: many of them meeting one expiry cause one login."""

    def __init__(self, login: Callable[[], Login]) -> None:
        self._login = login
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._logins = 0
        self._last_failure: ConnectorError | None = None

    @property
    def held(self) -> Token | None:
        """The token, if there is one now."""
        return self._token

    def current(self) -> Token:
        """Give the token, logging in first if there is none.

        Raises: AccessRefusedError, ThrottledError, UnavailableError.
        """
        return self._token or self._replace(None)

    def renew(self, refused: Token) -> Token:
        """Give a token newer than the one that was refused; log in only if nobody has done so since.

        Raises: AccessRefusedError, ThrottledError, UnavailableError.
        """
        return self._replace(refused)

    def _replace(self, refused: Token | None) -> Token:
        logins_seen = self._logins
        with self._lock:
            if self._token is not None and self._token is not refused:
                return self._token
            if self._logins != logins_seen and self._last_failure is not None:
                # The login that this thread waited for failed: trying the same again only
                # brings the org's login limit nearer.
                raise self._last_failure
            self._token = self._log_in()
            return self._token

    def _log_in(self) -> Token:
        self._token = None
        self._last_failure = None
        try:
            login = self._login()
        except ConnectorError as error:
            self._last_failure = error
            raise
        finally:
            self._logins += 1  # counted at the end: whoever came meanwhile shares what this one gave
        return Token(
            value=login.access_token,
            instance_url=login.instance_url,
            generation=self._logins,
            life=login.life,
        )


def log_in(settings: SalesforceSettings, clock: Clock) -> Login:
    """Exchange the configured credentials for an access token. Secrets are read anew each time.

    Raises: AccessRefusedError with Salesforce's words; ThrottledError; UnavailableError.
    """
    answer: dict[str, object] = {}

    def refuse_failures(response: requests.Response, *_args: object, **_kwargs: object) -> None:
        # token_login takes any 200 for a token, a 503's HTML for refused credentials, and prints the
        # consumer key in a warning: it gets to see good answers only.
        body = decode(response.content)
        if response.status_code != requests.codes.ok or not _is_token_answer(body):
            raise login_error(
                response.status_code, body, now=clock(), retry_after=response.headers.get("Retry-After")
            )
        answer.update(body)

    with SalesforceSession(settings) as session:
        session.hooks["response"].append(refuse_failures)
        try:
            access_token, instance = token_login(
                f"{settings.login_address}/services/oauth2/token",
                _grant(settings, clock),
                settings.domain or "",
                "",
                None,
                None,
                session,
            )
        except (requests.exceptions.RequestException, OSError) as error:
            raise UnavailableError(
                f"cannot log in at {settings.login_address}: {type(error).__name__}",
                remedy=_connection_remedy(error),
            ) from error
    return Login(
        access_token=access_token,
        instance_url=settings.instance_url or _instance_url(settings, instance),
        life=_life(answer, clock()),
    )


def _life(answer: Mapping[str, object], now: datetime) -> TokenLife:
    issued_at = moment_of(answer.get("issued_at")) or now
    return TokenLife(
        name="access token", issued_at=issued_at, ends_at=end_after(issued_at, answer.get("expires_in"))
    )


def _is_token_answer(body: object) -> TypeGuard[dict[str, object]]:
    return isinstance(body, dict) and all(
        isinstance(body.get(name), str) and body[name] for name in ("access_token", "instance_url")
    )


def _grant(settings: SalesforceSettings, clock: Clock) -> dict[str, str]:
    consumer_key = _reveal(settings.consumer_key)
    if settings.private_key is None:
        return {
            "grant_type": "client_credentials",
            "client_id": consumer_key,
            "client_secret": _reveal(settings.consumer_secret),
        }
    claims = {
        "iss": consumer_key,
        "sub": settings.username,
        "aud": settings.audience or settings.login_address,
        "exp": int((clock() + _JWT_LIFE).timestamp()),
    }
    try:
        assertion = jwt.encode(claims, _reveal(settings.private_key), algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise AccessRefusedError(
            f"{settings.private_key.reference} holds no usable RSA private key ({type(error).__name__})",
            remedy="Give the unencrypted PEM key whose certificate the External Client App has.",
        ) from error
    return {"grant_type": _JWT_GRANT, "assertion": assertion}


def _reveal(secret: Secret | None) -> str:
    try:
        return secret.reveal() if secret else ""
    except ValueError as error:
        raise AccessRefusedError(f"a Salesforce credential cannot be read: {error}") from error


def _instance_url(settings: SalesforceSettings, instance: str) -> str:
    """Put the scheme back that token_login takes away, and keep the token off the open network."""
    scheme = urlsplit(settings.login_address).scheme
    address = f"{scheme}://{instance}".rstrip("/")
    if scheme == "http" and not is_loopback(urlsplit(address).hostname):
        raise AccessRefusedError(
            f"the login at {settings.login_address} named {instance}, which plain http must not reach",
            remedy="Use https in login_url, or set instance_url.",
        )
    return address


def _connection_remedy(error: OSError) -> str:
    if isinstance(error, requests.exceptions.RequestException) and is_untrusted_certificate(error):
        return "The server's certificate is not trusted here: set ca_bundle to your company's certificates."
    return "Check domain or login_url, the network, proxy and ca_bundle."
