"""Calls to the REST API: one token for all, one repeat after an expiry, and no other retry."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

import requests
from requests_toolbelt import MultipartEncoder

from connector.adapters.base import TokenLife
from connector.adapters.salesforce.auth import Token, TokenProvider, log_in
from connector.adapters.salesforce.failures import call_error
from connector.adapters.salesforce.faults import SESSION_EXPIRED, read_faults
from connector.adapters.salesforce.json_text import NOT_JSON, decode
from connector.adapters.salesforce.quota import ApiUsage
from connector.adapters.salesforce.rules import Duplicates
from connector.adapters.salesforce.session import SalesforceSession, is_untrusted_certificate, was_never_sent
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.clock import Clock
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    OutcomeUnknownError,
    UnavailableError,
)
from connector.exchanges import note

_JSON = "application/json; charset=UTF-8"
_CSV = "text/csv; charset=UTF-8"
_USAGE = re.compile(r"(?<![\w-])api-usage=(?P<used>\d+)/(?P<allowed>\d+)")

Body: TypeAlias = bytes | Callable[[], MultipartEncoder] | None


class Transport:
    """The REST API of one org, for any number of threads."""

    def __init__(self, settings: SalesforceSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._tokens = TokenProvider(lambda: log_in(settings, clock))
        # requests does not promise that two threads may share a session: each call borrows one.
        self._idle: list[SalesforceSession] = []
        self._idle_lock = threading.Lock()
        self._instance_url = ""
        self.usage: ApiUsage | None = None

    def instance_url(self) -> str:
        """Give the address of the API; logs in only if no call has told it yet.

        Raises: AccessRefusedError, ThrottledError, UnavailableError, never after a call that was answered.
        """
        return self._instance_url or self._tokens.current().instance_url

    def token_life(self) -> TokenLife | None:
        """Give what is known of the token in use; None when there is none."""
        held = self._tokens.held
        return None if held is None else held.life

    def read(self, path: str) -> object:
        """GET and give the JSON value.

        Raises: any `ConnectorError`; a read leaves nothing in doubt, so never `OutcomeUnknownError`.
        """
        answer = self._call("GET", path, None)
        body = decode(answer.content)
        if answer.status_code != requests.codes.ok:
            raise self._refusal(answer, body, wrote=False)
        if body is NOT_JSON:
            raise UnavailableError(f"Salesforce answered {_path_only(path)} with something else than JSON")
        return body

    def read_if_known(self, path: str) -> object | None:
        """GET and give the JSON value, None if Salesforce says that there is no such thing (404)."""
        try:
            return self.read(path)
        except AccessRefusedError as error:
            if error.remote is not None and error.remote.status == requests.codes.not_found:
                return None
            raise

    def write(self, path: str, body: bytes | None, *, method: str = "POST") -> object:
        """Send what changes something and give the JSON value.

        Raises: OutcomeUnknownError when it may have been committed; else what refused the whole call.
        """
        return self._written(self._call(method, path, body))

    def upload(self, path: str, make_body: Callable[[], MultipartEncoder]) -> object:
        """POST a file and give the JSON value. `make_body` gives the body from its beginning, each time.

        Raises: as `write`.
        """
        return self._written(self._call("POST", path, make_body))

    def put_csv(self, path: str, content: bytes) -> None:
        """PUT a CSV file.

        Raises: OutcomeUnknownError when it may have been taken; else what refused it.
        """
        answer = self._call("PUT", path, content, kind=_CSV)
        if answer.status_code >= requests.codes.multiple_choices:
            raise self._refusal(answer, decode(answer.content), wrote=True)

    def get_csv(self, path: str) -> bytes:
        """GET a CSV file.

        Raises: any `ConnectorError`; a read leaves nothing in doubt, so never `OutcomeUnknownError`.
        """
        answer = self._call("GET", path, None, kind=_CSV)
        if answer.status_code != requests.codes.ok:
            raise self._refusal(answer, decode(answer.content), wrote=False)
        return answer.content

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._idle_lock:
            idle, self._idle = self._idle, []
        for session in idle:
            session.close()

    def _written(self, answer: requests.Response) -> object:
        value = decode(answer.content)
        if answer.status_code >= requests.codes.multiple_choices:
            raise self._refusal(answer, value, wrote=True)
        if value is NOT_JSON:
            raise OutcomeUnknownError("Salesforce took the call, but its answer is cut short or not JSON")
        return value

    def _call(self, method: str, path: str, body: Body, *, kind: str = _JSON) -> requests.Response:
        token = self._tokens.current()
        answer = self._send(method, path, body, token, kind)
        if not _is_expired(answer):
            return answer
        # Salesforce refused the session before doing anything, so even a write may be sent once more.
        answer = self._send(method, path, body, self._tokens.renew(token), kind)
        if _is_expired(answer):
            raise AccessRefusedError(
                "Salesforce refuses a session that it has just opened",
                remedy="Check the user's login IP ranges and the org's session settings.",
                remote=read_faults(answer.status_code, decode(answer.content))[0].remote,
            )
        return answer

    def _send(self, method: str, path: str, body: Body, token: Token, kind: str) -> requests.Response:
        accept = (kind if method == "GET" else _JSON).partition(";")[0]
        headers = {"Authorization": f"Bearer {token.value}", "Accept": accept}
        if method != "GET":
            if self._settings.duplicates is Duplicates.ALLOW:
                headers["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
            headers["Content-Type"] = kind
        data = body() if callable(body) else body
        if isinstance(data, MultipartEncoder):
            headers["Content-Type"] = data.content_type
        try:
            with self._borrowed_session() as session:
                answer = session.request(method, f"{token.instance_url}{path}", data=data, headers=headers)
        except requests.exceptions.RequestException as error:
            note(method, path, f"no whole answer ({type(error).__name__})")
            raise _wire_error(error, wrote=method != "GET") from error
        except OSError as error:  # requests says so for a CA bundle that is not there
            raise UnavailableError(
                f"cannot use ca_bundle {self._settings.ca_bundle}: {error.strerror}"
            ) from error
        note(method, path, answer.status_code)
        self._instance_url = token.instance_url
        self._note_usage(answer.headers.get("Sforce-Limit-Info", ""))
        return answer

    @contextmanager
    def _borrowed_session(self) -> Iterator[SalesforceSession]:
        with self._idle_lock:
            session = self._idle.pop() if self._idle else SalesforceSession(self._settings)
        try:
            yield session
        except BaseException:
            session.close()  # what is left in its connection belongs to nobody
            raise
        with self._idle_lock:
            self._idle.append(session)

    def _note_usage(self, header: str) -> None:
        match = _USAGE.search(header)
        if match is not None:
            self.usage = ApiUsage(used=int(match["used"]), allowed=int(match["allowed"]), at=self._clock())

    def _refusal(self, answer: requests.Response, body: object, *, wrote: bool) -> ConnectorError:
        return call_error(
            answer.status_code,
            body,
            wrote=wrote,
            now=self._clock(),
            retry_after=answer.headers.get("Retry-After"),
        )


def _is_expired(answer: requests.Response) -> bool:
    if answer.status_code != requests.codes.unauthorized:
        return False
    fault = read_faults(answer.status_code, decode(answer.content))[0]
    # The same code also says that the app may not use the REST API at all, which no login cures.
    return fault.code == SESSION_EXPIRED and "not valid for use" not in fault.message


def _wire_error(error: requests.exceptions.RequestException, *, wrote: bool) -> ConnectorError:
    kind = type(error).__name__  # its text names hosts and addresses over and over
    if is_untrusted_certificate(error):
        return UnavailableError(
            "the server's certificate is not trusted here",
            remedy="Set ca_bundle to your company's certificates.",
        )
    if wrote and not was_never_sent(error):
        return OutcomeUnknownError(
            f"no whole answer came from Salesforce ({kind}): it may have taken the call"
        )
    return UnavailableError(
        f"Salesforce cannot be reached ({kind})",
        remedy="Check the network, proxy, instance_url and ca_bundle.",
    )


def _path_only(path: str) -> str:
    return path.partition("?")[0]
