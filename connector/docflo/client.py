"""The Docflo API over HTTP: all sixteen endpoints, one method each. The only module that imports httpx.

Nothing is retried here, redirects are not followed, and every call ends within its deadline. What a request
looks like and what an answer means is decided without I/O, in `outgoing.py`, `wire.py` and `answers.py`.
"""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
import structlog

from connector import __version__
from connector.calls import under_way
from connector.clock import Clock, utc_now
from connector.docflo import answers, outgoing, wire
from connector.docflo.budget import Budget, Lane, NoBudget
from connector.docflo.deadline import Deadline, deadline
from connector.docflo.download import Download, Received, TooLargeError, receive, save
from connector.docflo.failures import is_success, read_failure, refused_inside
from connector.docflo.jsontext import write_json
from connector.docflo.lines import Lines
from connector.docflo.ratelimit import RateLimit, read_rate_limit
from connector.docflo.settings import DocfloSettings
from connector.docflo.trust import distrust, trust
from connector.docflo.upload import Progress, watched
from connector.document import Document, Field
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

MAX_JSON_BYTES = 64 * 2**20
MAX_ERROR_BYTES = 2**20
_HEADERS = {
    "User-Agent": f"docflo-connector/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}


class DocfloClient:
    """A tenant's Docflo. Safe to share between threads."""

    def __init__(
        self,
        settings: DocfloSettings,
        *,
        clock: Clock = utc_now,
        budget: Budget | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Without a `budget`, everything may be sent. `transport` stands in for the network in tests."""
        self._settings = settings
        self._clock = clock
        self._budget = budget or NoBudget()
        self._lane = Lane.WRITE_BACK  # what a person or the last step of a delivery asks for
        self._seen = _Seen()
        self._http = _connect(settings, transport)
        self._lines = transport or _lines(
            settings
        )  # None: a proxy is in between, which httpx knows how to use
        self._timeouts = httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout).as_dict()

    def lane(self, lane: Lane) -> "DocfloClient":
        """Give this client for requests of `lane`. Connections, counts and the budget are the same."""
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

    @property
    def page_size(self) -> int:
        """Rows asked for with one listing request."""
        return self._settings.page_size

    def list_documents(self, query: outgoing.DocumentQuery) -> wire.DocumentPage:
        """Give one page.

        Shape:   at most `top` documents, in no promised order; an empty page is the end, a short one is not
        Raises:  UnexpectedResponseError when the answer holds no list
        Source:  Docflo API, "Get Documents"
        """
        as_dates = self._settings.created_from_format == "date"
        params = outgoing.document_parameters(query, page_size=self._settings.page_size, as_dates=as_dates)
        return wire.read_page(self._call("list", "GET", "/docs/v1/document", params=params))

    def create_document(
        self, file: BinaryIO, file_name: str, type_: str | None = None, progress: Progress | None = None
    ) -> wire.Uploaded:
        """Upload a document for processing, streamed. Not idempotent: sent twice, it is stored twice.

        Raises: OutcomeUnknownError when no answer came: look for the document before sending it again
        """
        data = {} if type_ is None else {"type": type_}
        source = (file_name, watched(file, progress))
        return wire.read_upload(self._upload("create", "/docs/v1/document", source, data, repeatable=False))

    def document(self, document_id: str) -> Document:
        """Give one document with its fields.

        Raises: RejectedError when there is none (404)
        """
        path = f"/docs/v1/document/byId/{outgoing.path_segment(document_id)}"
        return wire.read_asked_document(self._call("document", "GET", path), document_id)

    def analyze(
        self, file: BinaryIO, file_name: str, type_: str, progress: Progress | None = None
    ) -> Mapping[str, Field]:
        """Read a file's fields without storing it. Takes as long as the reading does."""
        source = (file_name, watched(file, progress))
        path = "/docs/v1/document/analyze"
        return wire.read_analysis(self._upload("analyze", path, source, {"type": type_}, repeatable=True))

    def download_original(self, document_id: str, folder: Path) -> Download:
        """Save the file that was uploaded into `folder`, streamed.

        Raises: RejectedError when there is none; UnexpectedResponseError when it is larger than the cap
        """
        return self._download("original", document_id, folder, "")

    def receive_original(self, document_id: str, file: BinaryIO, *, most: int) -> Received:
        """Write the file that was uploaded into `file`, streamed, up to `most` bytes.

        Raises: RejectedError when there is none (404); TooLargeError, if possible before anything is read
        """
        with self._downloading("original", document_id) as answer:
            return receive(answer.chunks(most), answer.response.headers, file, fallback=document_id)

    def download_email(self, document_id: str, folder: Path) -> Download:
        """Save the e-mail that brought the document into `folder`, as EML.

        Raises: RejectedError when the document did not come by mail (404)
        """
        return self._download("email", document_id, folder, ".eml")

    def update_model_field(self, document_type: str, name: str, change: outgoing.ModelField) -> None:
        """Add or change a field of a document type. Changes the model for everyone.

        Source: Docflo API, "Update Model Fields"; its example has another address
        """
        params = {"documentType": document_type, "name": name}
        self._change("model_field", "/docs/v1/fields", outgoing.model_field_body(change), params=params)

    def update_fields(self, document_id: str, fields: Mapping[str, outgoing.WriteValue]) -> None:
        """Set fields of a document. Idempotent, but for rows that are created.

        Raises: RejectedError when the document type has no such field (400)
        """
        path = f"/docs/v1/document/fields/{outgoing.path_segment(document_id)}"
        body = {"fields": outgoing.field_values(fields)}
        self._change("update_fields", path, body, repeatable=not outgoing.creates_rows(fields))

    def update_status(self, document_id: str, status: str) -> None:
        """Set the status of a document. Idempotent."""
        path = f"/docs/v1/document/info/{outgoing.path_segment(document_id)}"
        self._change("update_status", path, {"status": status})

    def info(self, document_id: str) -> wire.DocumentInfo:
        """Give what Docflo tells of a document besides its fields."""
        path = f"/docs/v1/document/info/{outgoing.path_segment(document_id)}"
        return wire.read_info(self._call("info", "GET", path))

    def enabled_types(self) -> tuple[answers.EnabledType, ...]:
        """Give the document types that the tenant uses."""
        return answers.read_enabled_types(self._call("enabled_types", "GET", "/docs/v1/types/enabled"))

    def type_configuration(self, type_: str) -> answers.TypeConfiguration:
        """Give a document type's fields."""
        path = f"/docs/v1/types/{outgoing.path_segment(type_)}"
        return answers.read_type_configuration(self._call("type_configuration", "GET", path), type_)

    def ai_search(
        self, query: str, score_threshold: Decimal, model_ids: Sequence[str] = ()
    ) -> tuple[answers.SearchHit, ...]:
        """Find documents by meaning. `score_threshold`: 0..1."""
        body: dict[str, object] = {"query": query, "score_threshold": score_threshold}
        if model_ids:
            body["model_ids"] = ",".join(model_ids)
        return answers.read_search(self._call("ai_search", "POST", "/docs/v1/document/ai/search", body=body))

    def ai_ask(self, query: str, types: Sequence[str] = ()) -> answers.Answer:
        """Ask the assistant about the documents."""
        body: dict[str, object] = {"query": query, **({"types": list(types)} if types else {})}
        return answers.read_answer(self._call("ai_ask", "POST", "/docs/v1/document/ai/ask", body=body))

    def logs(self, query: outgoing.LogQuery) -> tuple[answers.LogEntry, ...]:
        """Give log entries. Needs a key with rights to /logs."""
        return answers.read_logs(
            self._call("logs", "GET", "/logs/v1/log", params=outgoing.log_parameters(query))
        )

    def guest_token(self) -> answers.GuestToken:
        """Make a token for temporary access. Needs a key with rights to /auth; a repeat makes another."""
        return answers.read_guest_token(self._call("guest_token", "POST", "/auth/v1/guest-token"))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        if self._lines is not None:
            self._lines.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _change(
        self,
        operation: str,
        path: str,
        body: object,
        *,
        params: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> None:
        answer = self._call(operation, "PATCH", path, params=params, body=body, repeatable=repeatable)
        error = refused_inside(answer, repeatable=repeatable)
        if error is not None:
            raise error

    def _call(
        self,
        operation: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        repeatable: bool = True,
    ) -> bytes:
        content = None if body is None else write_json(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        request = httpx.Request(
            method,
            self._settings.base_url + path,
            params=params,
            content=content,
            headers={**_HEADERS, **headers},
            extensions={"timeout": self._timeouts},
        )
        # What must not be sent twice has a connection of its own, so that none is found closed by it.
        lines = self._lines if repeatable else None
        limit = self._settings.deadline
        with self._send(operation, request, limit, repeatable=repeatable, lines=lines) as answer:
            return answer.read(MAX_JSON_BYTES)

    def _upload(
        self,
        operation: str,
        path: str,
        file: tuple[str, BinaryIO],
        data: Mapping[str, str],
        *,
        repeatable: bool,
    ) -> bytes:
        # httpx reads the file in pieces while it sends.
        request = self._http.build_request("POST", path, data=data, files={"file": file})
        # An analysis is silent until it is done: the whole call's deadline is the only limit there is.
        limit = self._settings.upload_deadline
        request.extensions["timeout"] = httpx.Timeout(limit, connect=self._settings.connect_timeout).as_dict()
        with self._send(operation, request, limit, repeatable=repeatable) as answer:
            return answer.read(MAX_JSON_BYTES)

    def _download(self, operation: str, document_id: str, folder: Path, suffix: str) -> Download:
        cap = self._settings.max_download_mb * 2**20
        with self._downloading(operation, document_id) as answer:
            fallback = document_id + suffix
            return save(answer.chunks(cap), answer.response.headers, folder, fallback=fallback)

    def _downloading(self, operation: str, document_id: str) -> AbstractContextManager["_Answer"]:
        path = f"/docs/v1/document/download/{outgoing.path_segment(document_id)}/{operation}"
        request = self._http.build_request("GET", path, headers={"Accept": "*/*"})
        return self._send(operation, request, self._settings.upload_deadline, repeatable=True)

    @contextmanager
    def _send(
        self,
        operation: str,
        request: httpx.Request,
        seconds: float,
        *,
        repeatable: bool,
        lines: httpx.BaseTransport | None = None,
    ) -> Iterator["_Answer"]:
        """Send, count, and turn every kind of failure into ours. Errors while the body is read included.

        Over `lines`, or by httpx itself on a connection for this call alone.

        Raises: ThrottledError before anything is sent, when the budget has nothing left for our lane.
        """
        key = self._key()
        request.headers["x-tenant-id"] = self._settings.tenant_id
        request.headers["apiKey"] = key
        with (
            self._spent() as exchange,
            under_way(operation, side="docflo"),
            deadline(seconds) as limit,
        ):
            with self._seen.lock:
                self._seen.requests[operation] += 1
            began = time.monotonic()
            try:
                response = self._exchange(request, limit, lines)
                note(request.method, request.url.raw_path.decode(), response.status_code)
                try:
                    exchange.said = self._saw(operation, response, began)
                    answer = _Answer(response=response, limit=limit, key=key.encode())
                    if not is_success(response.status_code):
                        raise self._failure(request, answer, repeatable=repeatable)
                    yield answer
                finally:
                    response.close()
            except httpx.HTTPError as error:
                reason = f"{seconds:g} seconds have passed" if limit.has_passed else _reason(error)
                note(
                    request.method, request.url.raw_path.decode(), f"no whole answer ({type(error).__name__})"
                )
                raise _translated(error, request.url.host, reason, repeatable=repeatable) from error

    def _exchange(
        self, request: httpx.Request, limit: Deadline, lines: httpx.BaseTransport | None
    ) -> httpx.Response:
        if lines is None:
            request.extensions["trace"] = limit.trace
            return self._http.send(request, stream=True)
        request.extensions["deadline"] = limit
        response = lines.handle_request(request)
        response.request = request
        return response

    @contextmanager
    def _spent(self) -> Iterator["_Exchange"]:
        """Take one request from the budget, and tell it afterwards what the answer said."""
        self._budget.take(self._lane)
        exchange = _Exchange()
        try:
            yield exchange
        except ThrottledError as error:
            self._budget.refused(error.until)
            raise
        finally:
            self._budget.answered(exchange.said)

    def _failure(self, request: httpx.Request, answer: "_Answer", *, repeatable: bool) -> ConnectorError:
        try:
            body = answer.read(MAX_ERROR_BYTES)
        except (httpx.HTTPError, UnexpectedResponseError):
            body = b""  # the status alone says what to do
        error = read_failure(
            answer.response.status_code,
            answer.response.headers,
            body,
            path=request.url.path.removeprefix(urlsplit(self._settings.base_url).path),
            repeatable=repeatable,
            now=self._clock(),
        )
        is_refused = answer.response.status_code == httpx.codes.UNAUTHORIZED
        if is_refused and self._key().encode() != answer.key:
            # A refused key did nothing. There is a new one: no reason to leave Docflo alone.
            return UnavailableError("the API key was replaced while this was sent", remote=error.remote)
        return error

    def _saw(self, operation: str, response: httpx.Response, began: float) -> RateLimit | None:
        # A key that is not known is counted as nobody's: that says nothing of ours.
        is_ours = response.status_code != httpx.codes.UNAUTHORIZED
        limit = read_rate_limit(response.headers, self._clock()) if is_ours else None
        if limit is not None:
            with self._seen.lock:
                self._seen.rate_limit = limit
        log.debug(
            "docflo.request",
            operation=operation,
            path=response.url.path,  # ids, never what is searched for
            status=response.status_code,
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


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What one connector has sent and heard, over all lanes."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    requests: Counter[str] = field(default_factory=Counter)
    rate_limit: RateLimit | None = None


@dataclass(slots=True, kw_only=True)
class _Exchange:
    """One request under way, and what its answer said of the limit."""

    said: RateLimit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """A response whose body is read within the call's deadline."""

    response: httpx.Response
    limit: Deadline
    key: bytes = field(repr=False)

    def chunks(self, cap: int) -> Iterator[bytes]:
        told = self.response.headers.get("content-length", "")
        if re.fullmatch(r"[0-9]{1,18}", told) and int(told) > cap:
            raise _too_large(cap)
        received = 0
        for chunk in self.response.iter_bytes():
            received += len(chunk)
            if received > cap:
                raise _too_large(cap)
            yield chunk
        # A body without a length ends where its connection ends: it may be cut off.
        if self.limit.has_passed:
            raise httpx.ReadTimeout("the deadline has passed")

    def read(self, cap: int) -> bytes:
        # Some servers repeat the key that they refuse: nothing that reads on may carry it into a log.
        return b"".join(self.chunks(cap)).replace(self.key, b"***")


def _too_large(cap: int) -> TooLargeError:
    return TooLargeError(
        f"Docflo's answer is larger than {cap // 2**20} MB",
        remedy="docflo.max_download_mb limits what is saved, original.max_mb what is attached",
    )


def _connect(settings: DocfloSettings, transport: httpx.BaseTransport | None) -> httpx.Client:
    try:
        return httpx.Client(
            base_url=settings.base_url,
            headers={**_HEADERS, "Connection": "close"},
            follow_redirects=False,
            timeout=httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout),
            # A connection for each call: a deadline cuts its own, and none is found stale by an upload.
            limits=httpx.Limits(max_keepalive_connections=0),
            transport=transport,
            verify=trust(settings.ca_bundle),
            # A proxy that the machine is set up with is honoured, but not on the way to this machine itself.
            trust_env=settings.base_url.startswith("https:"),
        )
    except httpx.InvalidURL as error:
        message = f"docflo.base_url, or the proxy of this machine, is not an address: {error}"
        raise ConfigError(message, remedy="expected an address such as https://api.docflo.ai") from error


def _lines(settings: DocfloSettings) -> Lines | None:
    address = urlsplit(settings.base_url)
    is_proxied = address.scheme == "https" and bool({"https", "all"} & getproxies().keys())
    if is_proxied and not proxy_bypass(address.hostname or ""):
        return None
    return Lines(trust(settings.ca_bundle))


def _translated(error: httpx.HTTPError, host: str, reason: str, *, repeatable: bool) -> ConnectorError:
    problem = distrust(error)
    if problem is not None:
        return UnavailableError(
            f"the certificate of {host} is not trusted: {problem.verify_message}",
            remedy="set docflo.ca_bundle to the authority's PEM file; never switch verification off",
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return UnavailableError(
            f"cannot reach {host}: {reason}",
            remedy="check docflo.base_url and the network; nothing was sent",
        )
    if isinstance(error, httpx.LocalProtocolError):
        # Its text repeats what could not be sent, and that may be a secret.
        return ConfigError("the request to Docflo cannot be sent: a header or the file's length is not right")
    if repeatable:
        return UnavailableError(f"{host} gave no complete answer: {reason}")
    return OutcomeUnknownError(
        f"{host} gave no complete answer: {reason}", remedy="look in Docflo before sending it again"
    )


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
