"""Each endpoint: what goes over the wire, and what is read of the answer. Downloads: `test_download.py`."""

from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

from connector.docflo.outgoing import DocumentQuery, LogQuery, ModelField
from connector.document import plain
from tests.unit.docflo.reach import DOCUMENT, Recorder, sample


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


def test_a_document_is_asked_for_by_its_encoded_id() -> None:
    recorder = Recorder(b'{"_id": "a/b?c", "fields": {"InvoiceId": {"type": "string", "value": "R-1"}}}')

    document = recorder.client().document("a/b?c")

    assert recorder.line == "GET /docs/v1/document/byId/a%2Fb%3Fc"
    assert plain(document.fields["InvoiceId"]) == "R-1"


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


def test_an_analysis_sends_type_and_file_and_gives_fields() -> None:
    recorder = Recorder(sample("analyze/results.json"))

    fields = recorder.client().analyze(BytesIO(b"x"), "x.pdf", "invoice")

    assert recorder.line == "POST /docs/v1/document/analyze"
    assert b'name="type"\r\n\r\ninvoice\r\n' in recorder.bodies[0]
    assert plain(fields["InvoiceId"]) == "R-1"


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
