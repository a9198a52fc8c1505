"""Each of the sixteen endpoints: what goes out, and what is read of the answer."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import (
    CreateRow,
    DeleteRow,
    DocumentQuery,
    LogQuery,
    ModelField,
    UpdateRow,
)
from connector.document import plain
from connector.errors import OutcomeUnknownError, RejectedError, UnavailableError
from tests.unit.docflo.reach import KEY, Recorder, make_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A call, the request it makes, an answer, and what is read of that."""

    call: Callable[[DocfloClient], object]
    line: str
    body: object = None  # JSON that is sent; None: no body
    answer: bytes = b"{}"
    read: Callable[[object], bool] = lambda value: value is None


def _file() -> io.BytesIO:
    return io.BytesIO(b"%PDF-1.7")


def failing(fault: Exception | int) -> DocfloClient:
    """Give a client whose every request fails: on the way, or with a gateway's page."""

    def answer(_request: httpx.Request) -> httpx.Response:
        if isinstance(fault, int):
            return httpx.Response(fault, content=b"<html>Bad gateway</html>")
        raise fault

    return DocfloClient(make_settings(), transport=httpx.MockTransport(answer))


CASES = {
    "list": Case(
        call=lambda docflo: docflo.list_documents(
            DocumentQuery(type="invoice", skip=20, include_results=True)
        ),
        line="GET /docs/v1/document?type=invoice&skip=20&top=100&includeResults=true",
        answer=b'{"documents": [{"_id": "1"}], "total": 21}',
        read=lambda page: page.documents[0].id == "1" and page.total == 21,  # type: ignore[attr-defined]
    ),
    "document": Case(
        call=lambda docflo: docflo.document("a/b c"),
        line="GET /docs/v1/document/byId/a%2Fb%20c",
        answer=b'{"_id": "a/b c", "fields": {"A": {"type": "string", "value": "x", "confidence": 1}}}',
        read=lambda document: plain(document.fields["A"]) == "x",  # type: ignore[attr-defined]
    ),
    "model_field": Case(
        call=lambda docflo: docflo.update_model_field(
            "bankStatement.us", "Erp Id", ModelField(type="string", visible=False, fields=("A",))
        ),
        line="PATCH /docs/v1/fields?documentType=bankStatement.us&name=Erp+Id",
        body={"type": "string", "visible": False, "fields": ["A"]},
    ),
    "update_fields": Case(
        call=lambda docflo: docflo.update_fields(
            "1",
            {
                "ErpId": "A-17",
                "Items": [
                    CreateRow(fields={"Description": "Paper"}),
                    UpdateRow(id="item-1", fields={"Description": "Ink"}),
                    DeleteRow(id="item-2"),
                ],
            },
        ),
        line="PATCH /docs/v1/document/fields/1",
        body={
            "fields": {
                "ErpId": "A-17",
                "Items": [
                    {"operation": "create", "Description": "Paper"},
                    {"operation": "update", "_id": "item-1", "Description": "Ink"},
                    {"operation": "delete", "_id": "item-2"},
                ],
            }
        },
        answer=b"",
    ),
    "update_status": Case(
        call=lambda docflo: docflo.update_status("1", "APPROVED"),
        line="PATCH /docs/v1/document/info/1",
        body={"status": "APPROVED"},
        answer=b"",
    ),
    "info": Case(
        call=lambda docflo: docflo.info("1"),
        line="GET /docs/v1/document/info/1",
        answer=b'{"_id": "1", "status": "FAILED"}',
        read=lambda info: info.status == "FAILED",  # type: ignore[attr-defined]
    ),
    "enabled_types": Case(
        call=lambda docflo: docflo.enabled_types(),
        line="GET /docs/v1/types/enabled",
        answer=b'["invoice"]',
        read=lambda types: types[0].name == "invoice",  # type: ignore[index]
    ),
    "type_configuration": Case(
        call=lambda docflo: docflo.type_configuration("bankStatement.us"),
        line="GET /docs/v1/types/bankStatement.us",
        answer=b'{"fields": [{"name": "A", "type": "string"}]}',
        read=lambda configuration: configuration.fields[0].name == "A",  # type: ignore[attr-defined]
    ),
    "ai_search": Case(
        call=lambda docflo: docflo.ai_search("chairs", Decimal("0.70"), ["invoice", "receipt"]),
        line="POST /docs/v1/document/ai/search",
        body={"query": "chairs", "score_threshold": 0.7, "model_ids": "invoice,receipt"},
        answer=b'[{"_id": "1", "score": 0.90}]',
        read=lambda hits: str(hits[0].score) == "0.90",  # type: ignore[index]
    ),
    "ai_ask": Case(
        call=lambda docflo: docflo.ai_ask("how many?", ["invoice"]),
        line="POST /docs/v1/document/ai/ask",
        body={"query": "how many?", "types": ["invoice"]},
        answer=b'{"answer": "Three."}',
        read=lambda answer: answer.text == "Three.",  # type: ignore[attr-defined]
    ),
    "logs": Case(
        call=lambda docflo: docflo.logs(LogQuery(type="error", sub_area="ocr", metadata='{"a":1}')),
        line="GET /logs/v1/log?type=error&subArea=ocr&metadata=%7B%22a%22%3A1%7D",
        answer=b'{"logs": [{"type": "error", "message": "unreadable"}]}',
        read=lambda entries: entries[0].message == "unreadable",  # type: ignore[index]
    ),
    "guest_token": Case(
        call=lambda docflo: docflo.guest_token(),
        line="POST /auth/v1/guest-token",
        answer=b'{"token": "t-1"}',
        read=lambda token: token.value == "t-1",  # type: ignore[attr-defined]
    ),
}
every_case = pytest.mark.parametrize("operation", CASES)


@every_case
def test_the_request_is_the_documented_one_and_the_answer_is_read(operation: str) -> None:
    case, recorder = CASES[operation], Recorder(CASES[operation].answer)

    value = case.call(recorder.client())

    assert recorder.line == case.line
    assert (json.loads(recorder.bodies[0]) if recorder.bodies[0] else None) == case.body
    assert case.read(value)


@every_case
def test_each_request_carries_both_credentials_and_is_counted_once(operation: str) -> None:
    case, recorder = CASES[operation], Recorder(CASES[operation].answer)
    docflo = recorder.client()

    case.call(docflo)

    headers = recorder.requests[0].headers
    assert (headers["x-tenant-id"], headers["apiKey"]) == ("tenant-1", KEY)
    assert headers["Accept"] == "application/json"
    assert "authorization" not in headers
    assert docflo.requests == {operation: 1}


def test_all_fourteen_parameters_of_a_listing_are_sent_as_docflo_spells_them() -> None:
    recorder = Recorder(b"[]")
    query = DocumentQuery(
        type="invoice",
        skip=0,
        top=5,
        source="mailbox",
        search="a&b",
        status="APPROVED",
        sort_by="createdOn",
        sort_order="asc",
        created_from=datetime(2026, 1, 1, tzinfo=UTC),
        created_to=datetime(2026, 10, 1, tzinfo=UTC),
        favorite=True,
        my_approvals=True,
        approver_id="u-1",
        include_results=True,
    )

    recorder.client().list_documents(query)

    assert dict(recorder.requests[0].url.params) == {
        "type": "invoice",
        "skip": "0",
        "top": "5",
        "source": "mailbox",
        "search": "a&b",
        "status": "APPROVED",
        "sortBy": "createdOn",
        "sortOrder": "asc",
        "createdFrom": "2026-01-01T00:00:00.000Z",
        "createdTo": "2026-10-01T00:00:00.000Z",
        "favorite": "true",
        "myApprovals": "true",
        "approverId": "u-1",
        "includeResults": "true",
    }


@pytest.mark.parametrize(
    ("path", "answer"),
    [("/docs/v1/document", b'{"_id": "1"}'), ("/docs/v1/document/analyze", b'{"fields": {}}')],
)
def test_uploads_are_multipart_with_file_and_type(path: str, answer: bytes) -> None:
    recorder = Recorder(answer, status=201)
    docflo = recorder.client()

    if path.endswith("analyze"):
        docflo.analyze(_file(), "scan.pdf", "invoice")
    else:
        docflo.create_document(_file(), "scan.pdf", "invoice")

    assert recorder.line == f"POST {path}"
    assert recorder.requests[0].headers["Content-Type"].startswith("multipart/form-data; boundary=")
    assert b'name="type"\r\n\r\ninvoice\r\n' in recorder.bodies[0]
    assert b'name="file"; filename="scan.pdf"\r\nContent-Type: application/pdf' in recorder.bodies[0]


def test_an_upload_without_a_type_sends_none() -> None:
    recorder = Recorder(b'{"_id": "1"}')

    recorder.client().create_document(_file(), "scan.pdf")

    assert b'name="type"' not in recorder.bodies[0]


@pytest.mark.parametrize("kind", ["original", "email"])
def test_downloads_save_what_came_under_the_name_it_carries(kind: str, tmp_path: Path) -> None:
    recorder = Recorder(
        b"bytes",
        headers={"Content-Type": "application/pdf", "Content-Disposition": 'attachment; filename="a.pdf"'},
    )
    docflo = recorder.client()

    saved = (docflo.download_original if kind == "original" else docflo.download_email)("d 1", tmp_path)

    assert recorder.line == f"GET /docs/v1/document/download/d%201/{kind}"
    assert saved.path == tmp_path / "a.pdf"
    assert saved.path.read_bytes() == b"bytes"


def test_a_base_url_with_a_path_keeps_it() -> None:
    recorder = Recorder(b"[]")

    recorder.client(base_url="https://gateway.example/docflo/").enabled_types()

    assert str(recorder.requests[0].url) == "https://gateway.example/docflo/docs/v1/types/enabled"


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda docflo: docflo.create_document(_file(), "a.pdf"), OutcomeUnknownError),
        (lambda docflo: docflo.update_fields("1", {"Items": [CreateRow(fields={})]}), OutcomeUnknownError),
        (lambda docflo: docflo.analyze(_file(), "a.pdf", "invoice"), UnavailableError),
        (lambda docflo: docflo.update_fields("1", {"Items": [DeleteRow(id="1")]}), UnavailableError),
        (lambda docflo: docflo.update_status("1", "APPROVED"), UnavailableError),
        (lambda docflo: docflo.document("1"), UnavailableError),
    ],
)
@pytest.mark.parametrize("fault", [httpx.ReadTimeout("silent"), httpx.RemoteProtocolError("cut"), 502])
def test_only_what_must_not_be_repeated_leaves_its_outcome_unknown(
    call: Callable[[DocfloClient], object], error: type[Exception], fault: Exception | int
) -> None:
    with pytest.raises(error):
        call(failing(fault))


def test_an_upload_that_never_reached_docflo_is_simply_unavailable() -> None:
    with pytest.raises(UnavailableError, match="cannot reach"):
        failing(httpx.ConnectError("refused")).create_document(_file(), "a.pdf")


def test_a_change_that_is_answered_with_an_error_under_status_200_is_an_error() -> None:
    body = b'{"error": {"code": "UNKNOWN_FIELD", "message": "no such field", "details": "ErpId"}}'

    with pytest.raises(RejectedError, match="UNKNOWN_FIELD"):
        Recorder(body).client().update_fields("1", {"ErpId": "1"})


def test_the_budget_is_what_the_last_answer_said() -> None:
    docflo = Recorder(b"[]", headers={"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "7"}).client()
    before = docflo.rate_limit

    docflo.enabled_types()

    assert before is None
    assert docflo.rate_limit is not None
    assert (docflo.rate_limit.limit, docflo.rate_limit.remaining) == (1000, 7)
