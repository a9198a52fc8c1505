"""The Docflo API over HTTP: all sixteen endpoints, one method each. The only module that imports httpx.

Nothing is retried here, redirects are not followed, and every call ends within its deadline. What a request
looks like and what an answer means is decided without I/O, in `outgoing.py`, `wire.py` and `answers.py`.
"""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, cast

import httpx
import structlog

from connector import __version__
from connector.clock import Clock, utc_now
from connector.docflo import answers, outgoing, wire
from connector.docflo.download import Download, save
from connector.docflo.failures import is_success, read_failure
from connector.docflo.jsontext import write_json
from connector.docflo.ratelimit import RateLimit, read_rate_limit
from connector.docflo.settings import DocfloSettings
from connector.document import Document, Field
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    UnavailableError,
    UnexpectedResponseError,
)

log = structlog.get_logger(__name__)

MAX_JSON_BYTES = 64 * 2**20
CHUNK = 64 * 2**10

Progress = Callable[[int], None]
"""Told how many bytes of an upload were sent so far."""


class DocfloClient:
    """A tenant's Docflo. Safe to share between threads."""

    def __init__(
        self,
        settings: DocfloSettings,
        *,
        clock: Clock = utc_now,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`transport` stands in for the network in tests."""
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._requests: Counter[str] = Counter()
        self._rate_limit: RateLimit | None = None
        timeout = httpx.Timeout(settings.read_timeout, connect=settings.connect_timeout)
        self._http = httpx.Client(
            base_url=settings.base_url,
            headers={"User-Agent": f"docflo-connector/{__version__}", "Accept": "application/json"},
            follow_redirects=False,
            timeout=timeout,
            transport=transport,
            verify=_trust(settings.ca_bundle),
            # A proxy that the machine is set up with is honoured; a .netrc must not add credentials.
            trust_env=True,
        )

    @property
    def requests(self) -> Counter[str]:
        """How many requests were sent, by operation."""
        with self._lock:
            return Counter(self._requests)

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the last answer said of the budget; None before the first that said anything."""
        with self._lock:
            return self._rate_limit

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
        source = (file_name, _watched(file, progress))
        return wire.read_upload(self._upload("create", "/docs/v1/document", source, data, repeatable=False))

    def document(self, document_id: str) -> Document:
        """Give one document with its fields.

        Raises: RejectedError when there is none (404)
        """
        path = f"/docs/v1/document/byId/{outgoing.path_segment(document_id)}"
        return wire.read_document(self._call("document", "GET", path))

    def analyze(
        self, file: BinaryIO, file_name: str, type_: str, progress: Progress | None = None
    ) -> Mapping[str, Field]:
        """Read a file's fields without storing it. Takes as long as the reading does."""
        source = (file_name, _watched(file, progress))
        path = "/docs/v1/document/analyze"
        return wire.read_analysis(self._upload("analyze", path, source, {"type": type_}, repeatable=True))

    def download_original(self, document_id: str, folder: Path) -> Download:
        """Save the file that was uploaded into `folder`, streamed.

        Raises: RejectedError when there is none; UnexpectedResponseError when it is larger than the cap
        """
        return self._download("original", document_id, folder)

    def download_email(self, document_id: str, folder: Path) -> Download:
        """Save the e-mail that brought the document into `folder`, as EML.

        Raises: RejectedError when the document did not come by mail (404)
        """
        return self._download("email", document_id, folder)

    def update_model_field(self, document_type: str, name: str, change: outgoing.ModelField) -> None:
        """Add or change a field of a document type. Changes the model for everyone.

        Source: Docflo API, "Update Model Fields"; its example has another address
        """
        params = {"documentType": document_type, "name": name}
        self._call(
            "model_field", "PATCH", "/docs/v1/fields", params=params, body=outgoing.model_field_body(change)
        )

    def update_fields(self, document_id: str, fields: Mapping[str, outgoing.WriteValue]) -> None:
        """Set fields of a document. Idempotent, but for rows that are created.

        Raises: RejectedError when the document type has no such field (400)
        """
        path = f"/docs/v1/document/fields/{outgoing.path_segment(document_id)}"
        body = {"fields": outgoing.field_values(fields)}
        self._call("update_fields", "PATCH", path, body=body, repeatable=not outgoing.creates_rows(fields))

    def update_status(self, document_id: str, status: str) -> None:
        """Set the status of a document. Idempotent."""
        path = f"/docs/v1/document/info/{outgoing.path_segment(document_id)}"
        self._call("update_status", "PATCH", path, body={"status": status})

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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
        request = self._http.build_request(method, path, params=params, content=content, headers=headers)
        deadline = time.monotonic() + self._settings.deadline
        with self._send(operation, request, deadline, repeatable=repeatable) as response:
            return _read(response, deadline, MAX_JSON_BYTES)

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
        deadline = time.monotonic() + limit
        with self._send(operation, request, deadline, repeatable=repeatable) as response:
            return _read(response, deadline, MAX_JSON_BYTES)

    def _download(self, operation: str, document_id: str, folder: Path) -> Download:
        path = f"/docs/v1/document/download/{outgoing.path_segment(document_id)}/{operation}"
        request = self._http.build_request("GET", path, headers={"Accept": "*/*"})
        deadline = time.monotonic() + self._settings.upload_deadline
        cap = self._settings.max_download_mb * 2**20
        with self._send(operation, request, deadline, repeatable=True) as response:
            chunks = _chunks(response, deadline, cap)
            return save(chunks, response.headers, folder, fallback=f"{document_id}.{operation}")

    @contextmanager
    def _send(
        self, operation: str, request: httpx.Request, deadline: float, *, repeatable: bool
    ) -> Iterator[httpx.Response]:
        """Send, count, and turn every kind of failure into ours. Errors while the body is read included."""
        request.headers["x-tenant-id"] = self._settings.tenant_id
        request.headers["apiKey"] = self._key()
        began = time.monotonic()
        try:
            with self._lock:
                self._requests[operation] += 1
            response = self._http.send(request, stream=True)
            try:
                self._saw(operation, response, began)
                if not is_success(response.status_code):
                    raise self._failure(request, response, deadline, repeatable=repeatable)
                yield response
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise _translated(error, request.url.host, repeatable=repeatable) from error
        except _TooLateError as error:
            raise _lost(
                f"{request.url.host} did not answer within the deadline", repeatable=repeatable
            ) from error

    def _failure(
        self, request: httpx.Request, response: httpx.Response, deadline: float, *, repeatable: bool
    ) -> ConnectorError:
        body = _read(response, deadline, MAX_JSON_BYTES)
        return read_failure(
            response.status_code,
            _lower(response.headers),
            body,
            path=request.url.path,
            repeatable=repeatable,
            now=self._clock(),
        )

    def _saw(self, operation: str, response: httpx.Response, began: float) -> None:
        limit = read_rate_limit(_lower(response.headers), self._clock())
        if limit is not None:
            with self._lock:
                self._rate_limit = limit
        log.debug(
            "docflo.request",
            operation=operation,
            status=response.status_code,
            milliseconds=round((time.monotonic() - began) * 1000),
            remaining=limit.remaining if limit else None,
        )

    def _key(self) -> str:
        try:
            key = self._settings.api_key.reveal()
        except ValueError as error:
            raise AccessRefusedError(
                f"docflo.api_key cannot be read: {error}", remedy="restore the secret"
            ) from error
        if not key.isascii() or not key.isprintable():
            message = "docflo.api_key holds characters that no HTTP header can carry"
            raise AccessRefusedError(message, remedy="copy the key again, without line breaks")
        return key


class _TooLateError(Exception):
    """The deadline of a call has passed."""


def _watched(file: BinaryIO, progress: Progress | None) -> BinaryIO:
    return file if progress is None else cast("BinaryIO", _Watched(file, progress))


class _Watched:
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._sent = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._sent += len(chunk)
        self._progress(self._sent)
        return chunk

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 whatever httpx asks of a file: seek, tell, fileno
        return getattr(self._file, name)


def _chunks(response: httpx.Response, deadline: float, cap: int) -> Iterator[bytes]:
    received = 0
    for chunk in response.iter_bytes(CHUNK):
        received += len(chunk)
        if received > cap:
            message = f"Docflo's answer is larger than {cap // 2**20} MB"
            raise UnexpectedResponseError(message, remedy="raise docflo.max_download_mb if that is right")
        if time.monotonic() > deadline:
            raise _TooLateError
        yield chunk


def _read(response: httpx.Response, deadline: float, cap: int) -> bytes:
    return b"".join(_chunks(response, deadline, cap))


def _translated(error: httpx.HTTPError, host: str, *, repeatable: bool) -> ConnectorError:
    cause = error.__cause__ or error.__context__
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError) and cause is not None:
        return UnavailableError(
            f"the certificate of {host} is not trusted",
            remedy="set docflo.ca_bundle to the authority's PEM file; never switch verification off",
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return UnavailableError(
            f"cannot reach {host}: {_reason(error)}",
            remedy="check docflo.base_url and the network; nothing was sent",
        )
    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return UnexpectedResponseError(f"docflo.base_url is not an address: {_reason(error)}")
    return _lost(f"{host} gave no complete answer: {_reason(error)}", repeatable=repeatable)


def _lost(message: str, *, repeatable: bool) -> ConnectorError:
    if repeatable:
        return UnavailableError(message)
    return OutcomeUnknownError(message, remedy="look in Docflo before sending it again")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _lower(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _trust(ca_bundle: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if ca_bundle is None else str(ca_bundle))
    except (OSError, ssl.SSLError) as error:
        message = f"docflo.ca_bundle cannot be read: {ca_bundle}"
        raise ConfigError(message, remedy="it must be a PEM file of certificates") from error
