"""Each endpoint: what goes over the wire, and what comes back."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from connector import __version__
from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import CreateRow, DocumentQuery, LogQuery, ModelField
from connector.document import plain
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
    UnexpectedResponseError,
)
from tests.factories import NOON
from tests.unit.docflo.reach import DOCUMENT, KEY, Recorder, make_settings, sample

READS: dict[str, Callable[[DocfloClient], Any]] = {
    "list": lambda docflo: docflo.list_documents(DocumentQuery()),
    "document": lambda docflo: docflo.document("1"),
    "info": lambda docflo: docflo.info("1"),
    "enabled_types": lambda docflo: docflo.enabled_types(),
    "type_configuration": lambda docflo: docflo.type_configuration("invoice"),
    "ai_search": lambda docflo: docflo.ai_search("x", Decimal("0.7")),
    "ai_ask": lambda docflo: docflo.ai_ask("x"),
    "logs": lambda docflo: docflo.logs(LogQuery()),
    "guest_token": lambda docflo: docflo.guest_token(),
    "analyze": lambda docflo: docflo.analyze(BytesIO(b"x"), "x.pdf", "invoice"),
}
WRITES: dict[str, Callable[[DocfloClient], Any]] = {
    "create": lambda docflo: docflo.create_document(BytesIO(b"x"), "x.pdf"),
    "model_field": lambda docflo: docflo.update_model_field("invoice", "ErpId", ModelField(type="string")),
    "update_fields": lambda docflo: docflo.update_fields("1", {"ErpId": "a01"}),
    "update_status": lambda docflo: docflo.update_status("1", "CONFIRMED"),
}
CALLS = READS | WRITES


def test_every_request_carries_tenant_key_and_who_is_asking() -> None:
    recorder = Recorder(b"[]")

    recorder.client().list_documents(DocumentQuery())

    headers = recorder.requests[0].headers
    assert headers["x-tenant-id"] == "tenant-1"
    assert headers["apiKey"] == KEY
    assert headers["user-agent"] == f"docflo-connector/{__version__}"
    assert (b"apiKey", KEY.encode()) in headers.raw


def test_a_rotated_key_is_used_for_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(b"[]")
    docflo = recorder.client()
    docflo.list_documents(DocumentQuery())
    monkeypatch.setenv("DOCFLO_API_KEY", "  the-next-key\n")

    docflo.list_documents(DocumentQuery())

    assert recorder.requests[1].headers["apiKey"] == "the-next-key"


@pytest.mark.parametrize("key", ["", "two\nlines", "é", " "])
def test_a_key_that_cannot_be_sent_is_named_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(b"[]")
    docflo = recorder.client()
    monkeypatch.setenv("DOCFLO_API_KEY", key)

    with pytest.raises(AccessRefusedError, match=r"docflo\.api_key") as caught:
        docflo.list_documents(DocumentQuery())

    assert "lines" not in str(caught.value)
    assert recorder.requests == []


def test_listing_sends_the_query_and_gives_a_page() -> None:
    recorder = Recorder(sample("list/nested-data-documents-total.json"))
    query = DocumentQuery(
        type="bankStatement.us",
        status="APPROVED",
        created_from=datetime(2026, 1, 1, tzinfo=UTC),
        include_results=True,
    )

    page = recorder.client(page_size=50).list_documents(query.page(100))

    assert recorder.line == (
        "GET /docs/v1/document?type=bankStatement.us&skip=100&top=50&status=APPROVED"
        "&createdFrom=2026-01-01T00%3A00%3A00.000Z&includeResults=true"
    )
    assert len(page.documents) == 2
    assert page.total == 41


def test_listing_by_days_sends_days() -> None:
    recorder = Recorder(b"[]")
    query = DocumentQuery(created_from=datetime(2026, 1, 1, tzinfo=UTC))

    recorder.client(created_from_format="date").list_documents(query)

    assert recorder.requests[0].url.params["createdFrom"] == "2026-01-01"


def test_a_document_is_asked_for_by_its_encoded_id() -> None:
    recorder = Recorder(b'{"_id": "a/b?c", "fields": {"InvoiceId": {"type": "string", "value": "R-1"}}}')

    document = recorder.client().document("a/b?c")

    assert recorder.line == "GET /docs/v1/document/byId/a%2Fb%3Fc"
    assert plain(document.fields["InvoiceId"]) == "R-1"


def test_a_base_url_may_have_a_path_and_errors_still_name_the_service() -> None:
    recorder = Recorder(b"", 403)

    with pytest.raises(AccessRefusedError, match="/docs service"):
        recorder.client(base_url="https://gateway.example.com/docflo/").document(DOCUMENT)

    assert str(recorder.requests[0].url) == (
        f"https://gateway.example.com/docflo/docs/v1/document/byId/{DOCUMENT}"
    )


def test_another_document_than_the_one_asked_for_is_refused() -> None:
    with pytest.raises(UnexpectedResponseError, match="asked for document other"):
        Recorder(sample("document/bare.json")).client().document("other")


def test_an_upload_is_a_form_with_type_and_file_and_gives_ids() -> None:
    recorder = Recorder(sample("create/array.json"), 201)

    uploaded = recorder.client().create_document(BytesIO(b"%PDF-1.7 \xff"), "חשבונית.pdf", "invoice")

    assert uploaded.ids == ("d-1", "d-2")
    assert recorder.line == "POST /docs/v1/document"
    assert recorder.requests[0].headers["content-type"].startswith("multipart/form-data; boundary=")
    body = recorder.bodies[0]
    assert b'name="type"\r\n\r\ninvoice\r\n' in body
    assert 'name="file"; filename="חשבונית.pdf"\r\nContent-Type: application/pdf\r\n\r\n'.encode() in body
    assert b"%PDF-1.7 \xff\r\n--" in body


def test_an_upload_without_type_sends_none() -> None:
    recorder = Recorder(b'{"_id": "d-1"}', 202)

    assert recorder.client().create_document(BytesIO(b"x"), "x.pdf").ids == ("d-1",)
    assert b'name="type"' not in recorder.bodies[0]


def test_the_progress_of_an_upload_ends_with_the_size_of_the_file() -> None:
    told: list[int] = []

    Recorder(b'{"_id": "d-1"}').client().create_document(
        BytesIO(b"x" * 200_000), "x.pdf", progress=told.append
    )

    assert told == sorted(told)
    assert len(told) > 2
    assert told[-1] == 200_000


def test_an_analysis_sends_type_and_file_and_gives_fields() -> None:
    recorder = Recorder(sample("analyze/results.json"))

    fields = recorder.client().analyze(BytesIO(b"x"), "x.pdf", "invoice")

    assert recorder.line == "POST /docs/v1/document/analyze"
    assert b'name="type"\r\n\r\ninvoice\r\n' in recorder.bodies[0]
    assert plain(fields["InvoiceId"]) == "R-1"


def test_an_analysis_may_be_silent_until_its_own_deadline() -> None:
    recorder = Recorder(sample("analyze/results.json"))

    recorder.client(read_timeout=5, upload_deadline=300).analyze(BytesIO(b"x"), "x.pdf", "invoice")

    assert recorder.requests[0].extensions["timeout"]["read"] == 300


def test_changed_fields_are_sent_plain_and_exact() -> None:
    recorder = Recorder(b"", 204)

    recorder.client().update_fields(
        DOCUMENT, {"ErpId": "a01", "Total": {"amount": Decimal("12.50"), "currencyCode": "EUR"}}
    )

    assert recorder.line == f"PATCH /docs/v1/document/fields/{DOCUMENT}"
    assert recorder.requests[0].headers["content-type"] == "application/json"
    assert recorder.bodies[0] == (b'{"fields":{"ErpId":"a01","Total":{"amount":12.50,"currencyCode":"EUR"}}}')


def test_a_status_is_sent() -> None:
    recorder = Recorder(b"")

    recorder.client().update_status(DOCUMENT, "CONFIRMED")

    assert recorder.line == f"PATCH /docs/v1/document/info/{DOCUMENT}"
    assert recorder.bodies[0] == b'{"status":"CONFIRMED"}'


def test_a_model_field_is_sent_with_type_and_name_in_the_query() -> None:
    recorder = Recorder(b"{}")

    recorder.client().update_model_field(
        "bankStatement.us", "Erp Id", ModelField(type="string", visible=True)
    )

    assert recorder.requests[0].url.path == "/docs/v1/fields"
    assert dict(recorder.requests[0].url.params) == {"documentType": "bankStatement.us", "name": "Erp Id"}
    assert recorder.bodies[0] == b'{"type":"string","visible":true}'


@pytest.mark.parametrize("operation", ["model_field", "update_fields", "update_status"])
def test_a_change_that_a_page_for_people_answers_is_not_taken_for_done(operation: str) -> None:
    docflo = Recorder(b"<!DOCTYPE html><title>Sign in</title>").client()

    with pytest.raises(UnexpectedResponseError):
        WRITES[operation](docflo)


def test_information_is_asked_for_and_read() -> None:
    recorder = Recorder(sample("info/under-data.json"))

    info = recorder.client().info(DOCUMENT)

    assert recorder.line == f"GET /docs/v1/document/info/{DOCUMENT}"
    assert (info.id, info.status) == (DOCUMENT, "APPROVED")


def test_enabled_types_are_asked_for_and_read() -> None:
    recorder = Recorder(sample("types-enabled/objects-by-name.json"))

    assert [type_.name for type_ in recorder.client().enabled_types()] == ["invoice", "bankStatement.us"]
    assert recorder.line == "GET /docs/v1/types/enabled"


def test_a_type_is_asked_for_and_read() -> None:
    recorder = Recorder(sample("types-one/list.json"))

    type_ = recorder.client().type_configuration("bankStatement.us")

    assert recorder.line == "GET /docs/v1/types/bankStatement.us"
    assert [field.name for field in type_.fields] == ["InvoiceId", "Items"]


def test_a_search_sends_an_exact_threshold_and_types_in_one_text() -> None:
    recorder = Recorder(sample("ai-search/documents.json"))

    (hit,) = recorder.client().ai_search("from Microsoft", Decimal("0.70"), ["invoice", "receipt"])

    assert recorder.line == "POST /docs/v1/document/ai/search"
    assert recorder.bodies[0] == (
        b'{"query":"from Microsoft","score_threshold":0.70,"model_ids":"invoice,receipt"}'
    )
    assert hit.id == "d-1"


def test_the_assistant_is_asked_with_types_in_a_list() -> None:
    recorder = Recorder(sample("ai-ask/answer.json"))

    answer = recorder.client().ai_ask("how many?", ["invoice"])

    assert recorder.line == "POST /docs/v1/document/ai/ask"
    assert recorder.bodies[0] == b'{"query":"how many?","types":["invoice"]}'
    assert answer.text == "There are **2**."


def test_types_that_are_not_named_are_not_sent() -> None:
    recorder = Recorder(sample("ai-ask/answer.json"))

    recorder.client().ai_ask("how many?")

    assert recorder.bodies[0] == b'{"query":"how many?"}'


def test_logs_are_asked_for_and_read() -> None:
    recorder = Recorder(sample("logs/data.json"))

    (entry,) = recorder.client().logs(LogQuery(type="error", area="document-processing"))

    assert recorder.line == "GET /logs/v1/log?type=error&area=document-processing"
    assert entry.message == "page 2 is empty"


def test_a_guest_token_is_asked_for_without_a_body() -> None:
    recorder = Recorder(sample("guest-token/token.json"), 201)

    assert recorder.client().guest_token().value == "guest-1"
    assert recorder.line == "POST /auth/v1/guest-token"
    assert recorder.bodies[0] == b""


def test_requests_are_counted_by_operation() -> None:
    docflo = Recorder(b"", 500).client()
    for call in CALLS.values():
        with pytest.raises(ConnectorError):
            call(docflo)
    with pytest.raises(ConnectorError):
        docflo.update_status("1", "APPROVED")

    assert docflo.requests == Counter([*CALLS, "update_status"])


@pytest.mark.parametrize("operation", [name for name in CALLS if name != "create"])
def test_a_failing_server_is_unavailable_for_whatever_can_be_repeated(operation: str) -> None:
    with pytest.raises(UnavailableError):
        CALLS[operation](Recorder(b"", 502).client())


def test_a_failing_server_leaves_an_upload_in_doubt() -> None:
    with pytest.raises(OutcomeUnknownError):
        WRITES["create"](Recorder(b"", 502).client())


def test_a_failing_server_leaves_new_rows_in_doubt() -> None:
    with pytest.raises(OutcomeUnknownError):
        Recorder(b"", 502).client().update_fields("1", {"Items": [CreateRow(fields={"A": "x"})]})


def test_a_refusal_keeps_docflos_words() -> None:
    with pytest.raises(RejectedError, match="INVALID_DOCUMENT_TYPE") as caught:
        Recorder(sample("errors/documented.json"), 400).client().update_fields("1", {"A": "x"})

    assert caught.value.remote is not None
    assert caught.value.remote.details == "Supported types: invoice, receipt"


@pytest.mark.parametrize("status", [200, 400])
def test_the_rate_limit_is_that_of_the_last_answer_that_told_one(status: int) -> None:
    reset = str(int((NOON + timedelta(minutes=5)).timestamp()))
    headers = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": reset}
    docflo = Recorder(b"[1", status, headers).client()
    assert docflo.rate_limit is None

    with pytest.raises(ConnectorError):
        docflo.list_documents(DocumentQuery())

    assert docflo.rate_limit is not None
    assert (docflo.rate_limit.limit, docflo.rate_limit.remaining) == (1000, 7)
    assert docflo.rate_limit.reset_at == NOON + timedelta(minutes=5)


def test_an_answer_without_rate_headers_does_not_erase_what_is_known() -> None:
    answers = iter([{"X-RateLimit-Remaining": "7"}, {}])

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"[]", headers=next(answers))

    docflo = DocfloClient(make_settings(), transport=httpx.MockTransport(answer))
    docflo.list_documents(DocumentQuery())
    docflo.list_documents(DocumentQuery())

    assert docflo.rate_limit is not None
    assert docflo.rate_limit.remaining == 7


def test_one_event_tells_of_a_request_without_what_it_carried() -> None:
    with structlog.testing.capture_logs() as logged:
        Recorder(sample("document/bare.json"), headers={"X-RateLimit-Remaining": "7"}).client().document(
            DOCUMENT
        )

    (event,) = logged
    assert event.pop("milliseconds") >= 0
    assert event == {
        "event": "docflo.request",
        "operation": "document",
        "status": 200,
        "remaining": 7,
        "log_level": "debug",
    }


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("status", [200, 302, 401, 403, 429, 500])
def test_the_key_is_in_no_log_and_no_error_even_if_the_server_repeats_it(
    operation: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = b'{"error": {"code": "BAD_KEY", "message": "key %s is unknown", "details": "%s"}}' % (
        KEY.encode(),
        KEY.encode(),
    )
    docflo = Recorder(body, status).client()

    with structlog.testing.capture_logs() as logged:
        try:
            outcome: object = CALLS[operation](docflo)
        except ConnectorError as error:
            outcome = (str(error), error.remedy, error.remote, repr(error))

    assert KEY not in repr(outcome)
    assert KEY not in repr(logged)
    assert KEY not in caplog.text
    assert KEY not in repr(docflo)


def test_a_request_that_cannot_be_sent_does_not_show_what_it_carried() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value {KEY!r}")

    docflo = DocfloClient(make_settings(), transport=httpx.MockTransport(refuse))

    with pytest.raises(ConnectorError) as caught:
        docflo.list_documents(DocumentQuery())

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError],
)
def test_a_request_that_was_never_sent_is_not_in_doubt(error: type[httpx.TransportError]) -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise error("no route")

    docflo = DocfloClient(make_settings(), transport=httpx.MockTransport(refuse))

    with pytest.raises(UnavailableError, match=r"api\.docflo\.ai") as caught:
        WRITES["create"](docflo)

    assert "docflo.base_url" in caught.value.remedy


@pytest.mark.parametrize(
    "error", [httpx.ReadTimeout, httpx.ReadError, httpx.WriteTimeout, httpx.RemoteProtocolError]
)
def test_a_lost_answer_is_in_doubt_where_a_repeat_would_do_harm(error: type[httpx.TransportError]) -> None:
    def lose(_request: httpx.Request) -> httpx.Response:
        raise error("gone")

    docflo = DocfloClient(make_settings(), transport=httpx.MockTransport(lose))

    with pytest.raises(OutcomeUnknownError):
        WRITES["create"](docflo)
    with pytest.raises(UnavailableError):
        docflo.update_status("1", "APPROVED")


def test_a_ca_bundle_that_is_none_is_named(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("not a certificate", encoding="utf-8")

    with pytest.raises(ConnectorError, match=r"docflo\.ca_bundle"):
        DocfloClient(make_settings(ca_bundle=bundle))


@pytest.mark.parametrize("identifier", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_never_sent(identifier: str, tmp_path: Path) -> None:
    recorder = Recorder()
    docflo = recorder.client()
    calls: list[Callable[[], object]] = [
        lambda: docflo.document(identifier),
        lambda: docflo.info(identifier),
        lambda: docflo.update_status(identifier, "APPROVED"),
        lambda: docflo.update_fields(identifier, {"A": "x"}),
        lambda: docflo.type_configuration(identifier),
        lambda: docflo.download_original(identifier, tmp_path),
        lambda: docflo.download_email(identifier, tmp_path),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="cannot be"):
            call()

    assert recorder.requests == []
