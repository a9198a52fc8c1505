"""The Docflo API: all sixteen endpoints, one method each.

What a request looks like and what an answer means is decided without I/O, in `outgoing.py`, `wire.py` and
`answers.py`; what holds for every call is in `caller.py`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import httpx

from connector.clock import Clock, utc_now
from connector.docflo import answers, outgoing, wire
from connector.docflo.budget import Budget, Lane, NoBudget
from connector.docflo.caller import Caller
from connector.docflo.download import Download, Received, receive, save
from connector.docflo.exchange import Answer, Request, T, Upload
from connector.docflo.failures import refused_inside
from connector.docflo.jsontext import write_json
from connector.docflo.ratelimit import RateLimit
from connector.docflo.settings import DocfloSettings
from connector.docflo.upload import Progress, watched
from connector.document import Document, Field

MAX_JSON_BYTES = 64 * 2**20


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
        self._caller = Caller(settings, clock=clock, budget=budget or NoBudget(), transport=transport)

    def lane(self, lane: Lane) -> "DocfloClient":
        """Give this client for requests of `lane`. Connections, counts and the budget are the same."""
        bound = copy(self)
        bound._caller = self._caller.lane(lane)  # noqa: SLF001 our own copy
        return bound

    @property
    def requests(self) -> Counter[str]:
        """How many requests were sent, by operation."""
        return self._caller.requests

    @property
    def rate_limit(self) -> RateLimit | None:
        """What the last answer said of the budget; None before the first that said anything."""
        return self._caller.rate_limit

    def afford(self, least: int) -> int | None:
        """Give how many requests our lane may still send in this window; None when no limit is known.

        Raises: ThrottledError when it is fewer than `least` and the next window will have more.
        """
        return self._caller.afford(least)

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
        form = {} if type_ is None else {"type": type_}
        upload = Upload(name=file_name, file=watched(file, progress), form=form)
        return wire.read_upload(self._upload("create", "/docs/v1/document", upload, repeatable=False))

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
        upload = Upload(name=file_name, file=watched(file, progress), form={"type": type_})
        path = "/docs/v1/document/analyze"
        return wire.read_analysis(self._upload("analyze", path, upload, repeatable=True))

    def download_original(self, document_id: str, folder: Path) -> Download:
        """Save the file that was uploaded into `folder`, streamed.

        Raises: RejectedError when there is none; UnexpectedResponseError when it is larger than the cap
        """
        return self._download("original", document_id, folder, "")

    def receive_original(self, document_id: str, file: BinaryIO, *, most: int) -> Received:
        """Write the file that was uploaded into `file`, streamed, up to `most` bytes.

        Raises: RejectedError when there is none (404); TooLargeError, if possible before anything is read
        """
        return self._downloaded(
            "original",
            document_id,
            lambda answer: receive(answer.chunks(most), answer.headers, file, fallback=document_id),
        )

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
        self._caller.close()

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
        request = Request(
            operation=operation,
            method=method,
            path=path,
            seconds=self._settings.deadline,
            params=params or None,
            content=None if body is None else write_json(body),
            is_repeatable=repeatable,
            is_alone=not repeatable,
        )
        return self._caller.send(request, _read)

    def _upload(self, operation: str, path: str, upload: Upload, *, repeatable: bool) -> bytes:
        request = Request(
            operation=operation,
            method="POST",
            path=path,
            seconds=self._settings.upload_deadline,
            upload=upload,
            is_repeatable=repeatable,
            is_alone=True,
        )
        return self._caller.send(request, _read)

    def _download(self, operation: str, document_id: str, folder: Path, suffix: str) -> Download:
        cap = self._settings.max_download_mb * 2**20
        return self._downloaded(
            operation,
            document_id,
            lambda answer: save(answer.chunks(cap), answer.headers, folder, fallback=document_id + suffix),
        )

    def _downloaded(self, operation: str, document_id: str, read: Callable[[Answer], T]) -> T:
        request = Request(
            operation=operation,
            method="GET",
            path=f"/docs/v1/document/download/{outgoing.path_segment(document_id)}/{operation}",
            seconds=self._settings.upload_deadline,
            accept="*/*",
            is_alone=True,
        )
        return self._caller.send(request, read)


def _read(answer: Answer) -> bytes:
    return answer.read(MAX_JSON_BYTES)
