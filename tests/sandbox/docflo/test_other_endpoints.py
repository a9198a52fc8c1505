"""Types, search, questions, logs, guest tokens."""

import httpx
import pytest

from tests.sandbox.docflo.reach import Docflo, Serve, make_sandbox_document, read, refused


def test_the_enabled_types_are_listed(serve: Serve) -> None:
    names = [entry["name"] for entry in serve().get("/docs/v1/types/enabled")]

    assert names == ["invoice", "purchaseOrder", "receipt"]


def test_a_type_lists_its_fields_with_their_types_and_those_of_rows(serve: Serve) -> None:
    body = serve().get("/docs/v1/types/invoice")

    fields = {field["name"]: field for field in body["fields"]}
    assert (fields["InvoiceTotal"]["type"], fields["DueDate"]["type"]) == ("currency", "date")
    assert {field["name"] for field in fields["Items"]["fields"]} >= {"Description", "Quantity", "Amount"}
    custom = {name: fields[name]["type"] for name in ("ErpId", "ErpUrl", "SyncedOn", "SyncError")}
    assert custom == {"ErpId": "string", "ErpUrl": "string", "SyncedOn": "date", "SyncError": "string"}


@pytest.mark.parametrize("kind", ["contract", "Invoice", "nonsense", "bankStatement.us"])
def test_a_type_that_is_not_enabled_is_404(serve: Serve, kind: str) -> None:
    docflo = serve()

    assert refused(docflo.client.get(f"/docs/v1/types/{kind}"), 404)["code"] == "DOCUMENT_TYPE_NOT_FOUND"


def _search(docflo: Docflo, **body: object) -> httpx.Response:
    return docflo.client.post("/docs/v1/document/ai/search", json=body)


def test_a_search_gives_documents_above_the_threshold_best_first(serve: Serve) -> None:
    half = make_sandbox_document(
        fields={"VendorName": {"type": "string", "value": "Northwind", "confidence": 1}}
    )
    full = make_sandbox_document(
        fields={"VendorName": {"type": "string", "value": "Northwind bolts", "confidence": 1}}
    )
    docflo = serve(documents=[half, full, make_sandbox_document(type="receipt")])

    found = read(
        _search(docflo, query="northwind bolts", score_threshold=0.5, model_ids="invoice,purchaseOrder")
    )
    best = read(_search(docflo, query="northwind bolts", score_threshold=0.9))

    assert [row["_id"] for row in found["documents"]] == [full.id, half.id]
    assert [row["_id"] for row in best["documents"]] == [full.id]


@pytest.mark.parametrize(
    "body",
    [
        {"query": "x"},
        {"score_threshold": 1},
        {"query": "x", "score_threshold": "0.5"},
        {"query": "x", "score_threshold": True},
        {"query": "x", "score_threshold": 1, "model_ids": ["invoice"]},
        {"query": "x", "score_threshold": 1, "model_ids": "nonsense"},
    ],
)
def test_a_search_without_what_it_needs_is_400(serve: Serve, body: dict[str, object]) -> None:
    refused(_search(serve(), **body), 400)


def test_a_question_gets_an_answer_about_the_types_asked_for(serve: Serve) -> None:
    docflo = serve(documents=[make_sandbox_document(), make_sandbox_document(type="receipt")])

    answer = docflo.client.post("/docs/v1/document/ai/ask", json={"query": "How many?", "types": ["receipt"]})

    assert "**1**" in read(answer)["answer"]


@pytest.mark.parametrize(
    "body", [{}, {"query": 5}, {"query": "x", "types": "invoice"}, {"query": "x", "types": [1]}]
)
def test_a_question_without_what_it_needs_is_400(serve: Serve, body: object) -> None:
    docflo = serve()

    refused(docflo.client.post("/docs/v1/document/ai/ask", json=body), 400)


def test_the_log_tells_what_happened_newest_first_and_can_be_filtered(serve: Serve) -> None:
    document = make_sandbox_document()
    docflo = serve(documents=[document])
    docflo.patch(f"/docs/v1/document/info/{document.id}", {"status": "CONFIRMED"})
    docflo.client.get("/docs/v1/document/byId/none")

    everything = docflo.get("/logs/v1/log")["data"]

    assert [entry["type"] for entry in everything] == ["error", "info"]
    for query in (
        {"type": "info"},
        {"area": "documents"},
        {"subArea": "status"},
        {"message": "confirmed"},
        {"metadata": f'{{"documentId":"{document.id}"}}'},
    ):
        assert docflo.get("/logs/v1/log", **query)["data"] == everything[1:], query


@pytest.mark.parametrize("query", [{"metadata": "documentId"}, {"metadata": "[]"}, {"level": "error"}])
def test_a_log_filter_that_makes_no_sense_is_400(serve: Serve, query: dict[str, str]) -> None:
    docflo = serve()

    refused(docflo.client.get("/logs/v1/log", params=query), 400)


def test_a_guest_token_is_made_each_time_anew(serve: Serve) -> None:
    docflo = serve()

    tokens = [read(docflo.client.post("/auth/v1/guest-token"))["token"] for _ in range(2)]

    assert len(set(tokens)) == 2
