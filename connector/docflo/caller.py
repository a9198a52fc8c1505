"""What holds for every call of Docflo: the key, the budget, counts and logs, and which error a failure is.

Nothing is retried here, redirects are not followed, and every call ends within its deadline.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
import structlog

from connector.calls import under_way
from connector.clock import Clock
from connector.docflo.budget import Budget, Lane
from connector.docflo.by_httpx import ByHttpx
from connector.docflo.exchange import Answer, Request, Route, T
from connector.docflo.failures import is_success, read_failure
from connector.docflo.lines import Lines
from connector.docflo.ratelimit import RateLimit, read_rate_limit
from connector.docflo.settings import DocfloSettings
from connector.docflo.trust import distrust, trust
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    ThrottledError,
    UnavailableError,
    UnexpectedResponseError,
)
from connector.exchanges import note

log = structlog.get_logger(__name__)

MAX_ERROR_BYTES = 2**20
_NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What one connector has sent and heard, over all lanes."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    requests: Counter[str] = field(default_factory=Counter)
    rate_limit: RateLimit | None = None


class Caller:
    """Sends requests for one lane. Safe to share between threads."""

    def __init__(
        self,
        settings: DocfloSettings,
        *,
        clock: Clock,
        budget: Budget,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`transport` stands in for the network in tests."""
        address = urlsplit(settings.base_url)
        self._host, self._folder = address.hostname or "", address.path
        self._settings = settings
        self._clock = clock
        self._budget = budget
        self._lane = Lane.WRITE_BACK  # what a person or the last step of a delivery asks for
        self._seen = _Seen()
        self._log = log.bind()  # once, not for each request
        trusted = trust(settings.ca_bundle)
        self._alone = ByHttpx(settings, trusted, transport)
        is_direct = transport is None and not _is_proxied(settings)
        self._kept: Route = Lines(settings, trusted) if is_direct else self._alone

    def lane(self, lane: Lane) -> Self:
        """Give this caller for requests of `lane`. Connections, counts and the budget are the same."""
        bound = copy(self)
        bound._lane = lane  # noqa: SLF001 our own copy
        return bound

    @property
    def requests(self) -> Counter[str]:
        """How many requests were sent, by operation."""
        with self._seen.lock:
            return Counter(self._seen.requests)

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the last answer said of the budget; None before the first that said anything."""
        with self._seen.lock:
            return self._seen.rate_limit

    def afford(self, least: int) -> int | None:
        """Give how many requests our lane may still send in this window; None when no limit is known.

        Raises: ThrottledError when it is fewer than `least` and the next window will have more.
        """
        return self._budget.afford(self._lane, least)

    def send(self, request: Request, read: Callable[[Answer], T]) -> T:
        """Send, count, and give what `read` makes of an answer of success.

        Every kind of failure is turned into ours, those while `read` reads the body included.
        Raises: ThrottledError before anything is sent, when the budget has nothing left for our lane.
        """
        key = self._key()
        self._budget.take(self._lane)
        said: RateLimit | None = None

        def take_note(answer: Answer) -> T:
            nonlocal said
            note(request.method, target, answer.status)
            said = self._heard(request, answer, began)
            if not is_success(answer.status):
                raise self._failure(request, answer)
            return read(answer)

        try:
            with under_way(request.operation, side="docflo"):
                with self._seen.lock:
                    self._seen.requests[request.operation] += 1
                began = time.monotonic()
                target = self._folder + request.path
                try:
                    route = self._alone if request.is_alone else self._kept
                    return route.exchange(request, key, take_note)
                except httpx.HTTPError as error:
                    note(request.method, target, f"no whole answer ({type(error).__name__})")
                    raise self._lost(error, is_repeatable=request.is_repeatable) from error
        except ThrottledError as error:
            self._budget.refused(error.until)
            raise
        finally:
            self._budget.answered(said)

    def close(self) -> None:
        """Close the connections."""
        self._alone.close()
        self._kept.close()

    def _failure(self, request: Request, answer: Answer) -> ConnectorError:
        try:
            body = answer.read(MAX_ERROR_BYTES)
        except (httpx.HTTPError, UnexpectedResponseError):
            body = b""  # the status alone says what to do
        error = read_failure(
            answer.status,
            answer.headers,
            body,
            path=request.path,
            repeatable=request.is_repeatable,
            now=self._clock(),
        )
        if answer.status == HTTPStatus.UNAUTHORIZED and self._key() != answer.key:
            # A refused key did nothing. There is a new one: no reason to leave Docflo alone.
            return UnavailableError("the API key was replaced while this was sent", remote=error.remote)
        return error

    def _heard(self, request: Request, answer: Answer, began: float) -> RateLimit | None:
        # A key that is not known is counted as nobody's: that says nothing of ours.
        is_ours = answer.status != HTTPStatus.UNAUTHORIZED
        limit = read_rate_limit(answer.headers, self._clock()) if is_ours else None
        if limit is not None:
            with self._seen.lock:
                self._seen.rate_limit = limit
        self._log.debug(
            "docflo.request",
            operation=request.operation,
            path=request.path,  # ids, never what is searched for
            status=answer.status,
            milliseconds=round((time.monotonic() - began) * 1000),
            remaining=limit.remaining if limit else None,
        )
        return limit

    def _key(self) -> str:
        try:
            # A header with blanks around it is refused, with its value in the message.
            key = self._settings.api_key.reveal().strip()
        except ValueError as error:
            raise AccessRefusedError(
                f"docflo.api_key cannot be read: {error}", remedy="restore the secret"
            ) from error
        if not key or not key.isascii() or not key.isprintable():
            message = "docflo.api_key holds what no HTTP header can carry"
            raise AccessRefusedError(message, remedy="copy the key again, without line breaks")
        return key

    def _lost(self, error: httpx.HTTPError, *, is_repeatable: bool) -> ConnectorError:
        reason = str(error) or type(error).__name__
        problem = distrust(error)
        if problem is not None:
            return UnavailableError(
                f"the certificate of {self._host} is not trusted: {problem.verify_message}",
                remedy="set docflo.ca_bundle to the authority's PEM file; never switch verification off",
            )
        if isinstance(error, _NOTHING_SENT):
            return UnavailableError(
                f"cannot reach {self._host}: {reason}",
                remedy="check docflo.base_url and the network; nothing was sent",
            )
        if isinstance(error, httpx.LocalProtocolError):
            # Its text repeats what could not be sent, and that may be a secret.
            return ConfigError(
                "the request to Docflo cannot be sent: a header or the file's length is not right"
            )
        if is_repeatable:
            return UnavailableError(f"{self._host} gave no complete answer: {reason}")
        return OutcomeUnknownError(
            f"{self._host} gave no complete answer: {reason}", remedy="look in Docflo before sending it again"
        )


def _is_proxied(settings: DocfloSettings) -> bool:
    """Tell whether a proxy is in between, which httpx knows how to use."""
    address = urlsplit(settings.base_url)
    is_named = address.scheme == "https" and bool({"https", "all"} & getproxies().keys())
    return is_named and not proxy_bypass(address.hostname or "")
