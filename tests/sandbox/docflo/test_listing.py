"""GET /docs/v1/document: each of its fourteen parameters, paging and envelopes."""

from datetime import timedelta

import pytest

from connector.sandbox.docflo import SandboxDocument
from connector.sandbox.docflo.listing import ME
from tests.sandbox.docflo.reach import NOW, Serve, make_sandbox_document, refused


def _aged(*days: int) -> list[SandboxDocument]:
    return [make_sandbox_document(created_on=NOW - timedelta(days=age)) for age in days]


def test_rows_carry_what_is_known_about_a_document_and_no_fields(serve: Serve) -> None:
    document = make_sandbox_document(source="mailbox")
    docflo = serve(documents=[document])

    (row,) = docflo.rows()

    assert row["_id"] == document.id
    assert (row["type"], row["status"], row["source"]) == ("invoice", "APPROVED", "mailbox")
    assert row["createdOn"] == "2026-03-09T12:00:00.000Z"
    assert "results" not in row


def test_rows_carry_fields_when_asked(serve: Serve) -> None:
    docflo = serve(documents=[make_sandbox_document()])

    assert docflo.rows(includeResults="true")[0]["results"]["VendorName"]["value"] == "Northwind"
    assert "results" not in docflo.rows(includeResults="false")[0]


def test_the_newest_come_first_unless_told_otherwise(serve: Serve) -> None:
    old, new, middle = _aged(3, 1, 2)
    docflo = serve(documents=[old, new, middle])

    assert docflo.ids() == [new.id, middle.id, old.id]
    assert docflo.ids(sortBy="createdOn", sortOrder="asc") == [old.id, middle.id, new.id]
    assert docflo.ids(sortBy="_id", sortOrder="asc") == [old.id, new.id, middle.id]


def test_skip_and_top_cut_pages_that_together_are_everything(serve: Serve) -> None:
    documents = _aged(*range(1, 8))
    docflo = serve(documents=documents)

    pages = [docflo.ids(skip=str(skip), top="3") for skip in (0, 3, 6, 9)]

    assert [len(page) for page in pages] == [3, 3, 1, 0]
    assert [row for page in pages for row in page] == [document.id for document in documents]


def test_a_page_without_top_is_short_and_a_large_top_is_cut_silently(serve: Serve) -> None:
    docflo = serve(documents=_aged(*range(1, 31)), max_top=20)

    assert len(docflo.rows()) == 10
    assert len(docflo.rows(top="1000")) == 20


def test_a_document_that_arrives_between_two_pages_shifts_them(serve: Serve) -> None:
    docflo = serve(documents=_aged(1, 2, 3, 4))

    first = docflo.ids(top="2")
    docflo.sandbox.add(make_sandbox_document(created_on=NOW))
    second = docflo.ids(top="2", skip="2")

    assert set(first) & set(second) == {first[1]}


def test_each_filter_leaves_out_what_does_not_fit(serve: Serve) -> None:
    wanted = make_sandbox_document(
        type="receipt", status="CONFIRMED", source="api", favorite=True, approver_ids=(ME,)
    )
    docflo = serve(documents=[wanted, make_sandbox_document()])

    for query in (
        {"type": "receipt"},
        {"status": "CONFIRMED"},
        {"source": "api"},
        {"favorite": "true"},
        {"myApprovals": "true"},
        {"approverId": ME},
    ):
        assert docflo.ids(**query) == [wanted.id], query
        assert len(docflo.rows()) == 2


def test_favorite_false_asks_for_the_others(serve: Serve) -> None:
    plain = make_sandbox_document()
    docflo = serve(documents=[make_sandbox_document(favorite=True), plain])

    assert docflo.ids(favorite="false") == [plain.id]


def test_an_approved_document_no_longer_waits_for_approval(serve: Serve) -> None:
    docflo = serve(documents=[make_sandbox_document(status="APPROVED", approver_ids=(ME,))])

    assert docflo.ids(myApprovals="true") == []


def test_search_finds_text_in_names_and_values_whatever_its_case(serve: Serve) -> None:
    hebrew = make_sandbox_document(
        fields={"VendorName": {"type": "string", "value": "מאפיית הגליל", "confidence": 1}}
    )
    named = make_sandbox_document(name="QUARTERLY.pdf", fields={})
    docflo = serve(documents=[hebrew, named])

    assert docflo.ids(search="הגליל") == [hebrew.id]
    assert docflo.ids(search="quarterly") == [named.id]
    assert docflo.ids(search="VendorName") == []


def test_creation_bounds_include_their_instants(serve: Serve) -> None:
    document = make_sandbox_document(created_on=NOW)
    docflo = serve(documents=[document])

    assert docflo.ids(createdFrom="2026-03-10T12:00:00Z", createdTo="2026-03-10T12:00:00Z") == [document.id]
    assert docflo.ids(createdFrom="2026-03-10T14:00:00+02:00") == [document.id]
    assert docflo.ids(createdFrom="2026-03-10T12:00:00.001Z") == []
    assert docflo.ids(createdTo="2026-03-10T11:59:59.999Z") == []


def test_a_date_is_its_first_instant(serve: Serve) -> None:
    document = make_sandbox_document(created_on=NOW)
    docflo = serve(documents=[document])

    assert docflo.ids(createdFrom="2026-03-10") == [document.id]
    assert docflo.ids(createdTo="2026-03-10") == []
    assert docflo.ids(createdTo="2026-03-11") == [document.id]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("top", "0"),
        ("top", "ten"),
        ("skip", "-1"),
        ("status", "approved"),
        ("status", "APPROVED,CONFIRMED"),
        ("source", "fax"),
        ("favorite", "True"),
        ("includeResults", "1"),
        ("sortBy", "amount"),
        ("sortOrder", "up"),
        ("createdFrom", "yesterday"),
        ("createdTo", "2026-13-01"),
        ("pageSize", "5"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_400_and_named(serve: Serve, name: str, text: str) -> None:
    docflo = serve()

    answer = docflo.client.get("/docs/v1/document", params={name: text})

    assert name in refused(answer, 400)["details"]


def test_an_unsupported_type_is_the_documented_error(serve: Serve) -> None:
    docflo = serve()

    error = refused(docflo.client.get("/docs/v1/document", params={"type": "Invoice"}), 400)

    assert error["code"] == "INVALID_DOCUMENT_TYPE"
    assert error["message"] == "The specified document type is not supported"
    assert error["details"].startswith("Supported types: invoice, receipt, contract")


def test_a_supported_type_without_documents_is_an_empty_list(serve: Serve) -> None:
    assert serve().rows(type="bankStatement.us") == []


@pytest.mark.parametrize(
    ("envelope", "expected"),
    [
        ("documents", {"documents": ["id"], "total": 1}),
        ("data", {"data": ["id"], "total": 1}),
        ("items", {"items": ["id"], "total": 1}),
        ("results", {"results": ["id"], "total": 1}),
        ("value", {"value": ["id"], "@odata.count": 1}),
        ("bare", ["id"]),
        ("nested", {"data": {"documents": ["id"], "total": 1}}),
    ],
)
def test_the_envelope_of_the_list_is_chosen(serve: Serve, envelope: str, expected: object) -> None:
    docflo = serve(documents=[make_sandbox_document()], envelope=envelope, with_total=True)

    assert _rows_as_ids(docflo.get("/docs/v1/document")) == expected


def test_the_envelope_can_change_while_serving(serve: Serve) -> None:
    docflo = serve()

    docflo.sandbox.envelope = "bare"

    assert docflo.get("/docs/v1/document") == []


def test_by_default_no_total_is_told(serve: Serve) -> None:
    docflo = serve(documents=[make_sandbox_document()])

    assert set(docflo.get("/docs/v1/document")) == {"documents"}


def _rows_as_ids(body: object) -> object:
    match body:
        case {"_id": _}:
            return "id"
        case dict():
            return {name: _rows_as_ids(inner) for name, inner in body.items()}
        case list():
            return [_rows_as_ids(inner) for inner in body]
        case _:
            return body
