"""What can be changed: fields of a document, its status, and the fields of a type."""

from decimal import Decimal
from typing import Any

import pytest

from connector.sandbox.docflo import SandboxDocument, generate_documents
from tests.sandbox.docflo.reach import NOW, Serve, SetClock, make_sandbox_document, refused


def _invoice() -> SandboxDocument:
    return generate_documents(1, seed="edits", now=NOW)[0]  # three lines


def _row_ids(fields: dict[str, Any]) -> list[str]:
    return [row["_id"] for row in fields["Items"]["value"]]


def test_an_edit_answers_with_an_empty_object_and_sets_plain_values(serve: Serve, clock: SetClock) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])
    clock.advance(minutes=5)

    answer = docflo.edit(invoice, {"ErpId": "a0B-1", "SyncedOn": "2026-03-10"})

    assert (answer.status_code, answer.json()) == (200, {})
    after = docflo.fields(invoice)
    assert (after["ErpId"]["type"], after["ErpId"]["value"]) == ("string", "a0B-1")
    assert (after["SyncedOn"]["type"], after["SyncedOn"]["value"]) == ("date", "2026-03-10")
    assert after["ErpId"]["changedOn"] == "2026-03-10T12:05:00.000Z"
    assert after["ErpId"]["changedBy"]
    assert "confidence" in after["ErpId"]


def test_an_edit_leaves_other_fields_alone_and_keeps_what_was_read(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])
    before = docflo.fields(invoice)

    docflo.edit(invoice, {"InvoiceId": "corrected"})

    after = docflo.fields(invoice)
    assert {**after, "InvoiceId": None} == {**before, "InvoiceId": None}
    assert after["InvoiceId"]["content"] == before["InvoiceId"]["content"]
    assert after["InvoiceId"]["confidence"] == before["InvoiceId"]["confidence"]


def test_an_edit_is_on_record_as_it_was_sent(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    docflo.edit(invoice, {"ErpId": "a0B-1"})

    (effect,) = docflo.sandbox.journal.effects
    assert (effect.kind, effect.subject) == ("fields", f"document/{invoice.id}")
    assert effect.values == {"ErpId": "a0B-1"}


def test_an_edit_shows_when_the_document_changed(serve: Serve, clock: SetClock) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])
    clock.advance(minutes=1)

    docflo.edit(invoice, {"ErpId": "1"})

    assert docflo.rows()[0]["changedOn"] == "2026-03-10T12:01:00.000Z"


def test_null_clears_a_field(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    docflo.edit(invoice, {"VendorName": None})

    assert docflo.fields(invoice)["VendorName"]["value"] is None


def test_amounts_are_kept_digit_for_digit(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    docflo.edit(invoice, {"InvoiceTotal": {"amount": Decimal("12345678901234.5600"), "currencyCode": "KWD"}})

    body = docflo.client.get(f"/docs/v1/document/byId/{invoice.id}").text
    assert '"amount":12345678901234.5600,"currencyCode":"KWD"' in body


def test_unknown_keys_are_all_named_and_nothing_is_changed(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    error = refused(docflo.edit(invoice, {"ErpId": "1", "erpId": "1", "Nonsense": 2}), 400)

    assert error["code"] == "INVALID_FIELD"
    assert "erpId, Nonsense" in error["details"]
    assert "ErpId" not in docflo.fields(invoice)
    assert docflo.sandbox.journal.effects == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("InvoiceId", 5),
        ("InvoiceId", {"type": "string", "value": "x", "confidence": 1}),
        ("InvoiceDate", "10/03/2026"),
        ("InvoiceDate", "2026-02-30"),
        ("InvoiceDate", "2026-03-10T00:00:00Z"),
        ("InvoiceTotal", 12.5),
        ("InvoiceTotal", {"amount": "12.50", "currencyCode": "EUR"}),
        ("InvoiceTotal", {"amount": True, "currencyCode": "EUR"}),
        ("InvoiceTotal", {"amount": 1}),
        ("InvoiceTotal", {"amount": 1, "currencyCode": "EUR", "symbol": "€"}),
        ("Items", {"operation": "create"}),
        ("Items", [{"Description": "no operation"}]),
        ("Items", [{"operation": "replace"}]),
        ("Items", [{"operation": "update", "Description": "no id"}]),
        ("Items", [{"operation": "update", "_id": "0" * 24}]),
        ("Items", [{"operation": "delete", "_id": ["list"]}]),
        ("Items", [{"operation": "create", "_id": "0" * 24}]),
        ("Items", [{"operation": "create", "Quantity": "three"}]),
        ("Items", ["text"]),
    ],
)
def test_a_value_that_does_not_fit_its_type_is_400_and_changes_nothing(
    serve: Serve, name: str, value: object
) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])
    before = docflo.fields(invoice)

    error = refused(docflo.edit(invoice, {"ErpId": "1", name: value}), 400)

    assert error["code"] == "INVALID_FIELD_VALUE"
    assert docflo.fields(invoice) == before


def test_an_unknown_key_in_a_row_is_400(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    error = refused(docflo.edit(invoice, {"Items": [{"operation": "create", "Colour": "red"}]}), 400)

    assert "Colour" in error["details"]


def test_rows_are_created_updated_and_deleted_and_the_others_stay(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])
    before = docflo.fields(invoice)
    first, second, third = _row_ids(before)

    answer = docflo.edit(
        invoice,
        {
            "Items": [
                {"operation": "create", "Description": "new", "Quantity": Decimal("1.500")},
                {"operation": "update", "_id": second, "Description": "changed"},
                {"operation": "delete", "_id": third},
            ]
        },
    )

    assert answer.status_code == 200
    rows = docflo.fields(invoice)["Items"]["value"]
    assert [row["_id"] for row in rows[:2]] == [first, second]
    assert rows[0] == before["Items"]["value"][0]
    assert rows[1]["Description"]["value"] == "changed"
    assert rows[1]["Description"]["content"] == before["Items"]["value"][1]["Description"]["content"]
    assert rows[1]["Description"]["confidence"] == before["Items"]["value"][1]["Description"]["confidence"]
    assert rows[1]["Amount"] == before["Items"]["value"][1]["Amount"]
    assert (rows[2]["Description"]["value"], rows[2]["Quantity"]["value"]) == ("new", Decimal("1.500"))
    assert len(bytes.fromhex(rows[2]["_id"])) == 12
    assert rows[2]["_id"] not in {first, second, third}


def test_a_repeated_create_creates_again(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    for _ in range(2):
        docflo.edit(invoice, {"Items": [{"operation": "create", "Description": "again"}]})

    assert len(docflo.fields(invoice)["Items"]["value"]) == 5


def test_the_example_of_the_api_page_is_understood(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])
    first, second, _ = _row_ids(docflo.fields(invoice))

    answer = docflo.edit(
        invoice,
        {
            "InvoiceId": "12345",
            "InvoiceTotal": {"Amount": 12345, "CurrencyCode": "USD"},
            "Items": [
                {
                    "operation": "create",
                    "Description": "API Item 3",
                    "amount": {"amount": 12345, "currencyCode": "USD"},
                },
                {
                    "operation": "update",
                    "_id": first,
                    "Description": "API Item 1",
                    "amount": {"amount": 234, "currencyCode": "ILS"},
                },
                {"operation": "delete", "_id": second},
            ],
        },
    )

    assert answer.status_code == 200
    after = docflo.fields(invoice)
    assert after["InvoiceTotal"]["value"] == {"amount": 12345, "currencyCode": "USD"}
    assert after["Items"]["value"][0]["Amount"]["value"] == {"amount": 234, "currencyCode": "ILS"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"text"', b"{}", b'{"fields": []}', b'{"fields": {}, "more": 1}']
)
def test_a_body_of_another_shape_is_400(serve: Serve, content: bytes) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    answer = docflo.client.patch(
        f"/docs/v1/document/fields/{invoice.id}",
        content=content,
        headers={"Content-Type": "application/json"},
    )

    refused(answer, 400)


def test_a_body_that_does_not_say_it_is_json_is_400(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    refused(docflo.client.patch(f"/docs/v1/document/fields/{invoice.id}", content=b'{"fields": {}}'), 400)


def test_a_status_is_set_and_on_record(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    answer = docflo.patch(f"/docs/v1/document/info/{invoice.id}", {"status": "CONFIRMED"})

    assert (answer.status_code, answer.json()) == (200, {})
    assert docflo.ids(status="CONFIRMED") == [invoice.id]
    (effect,) = docflo.sandbox.journal.effects
    assert (effect.kind, effect.subject, effect.values) == (
        "status",
        f"document/{invoice.id}",
        {"status": "CONFIRMED"},
    )


@pytest.mark.parametrize("body", [{"status": "SYNCED"}, {"status": "approved"}, {"status": None}, {}])
def test_a_status_that_does_not_exist_is_400(serve: Serve, body: object) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])

    refused(docflo.patch(f"/docs/v1/document/info/{invoice.id}", body), 400)

    assert docflo.sandbox.status(invoice.id) == "APPROVED"


def test_a_person_in_docflo_leaves_no_effect_in_the_journal(serve: Serve) -> None:
    document = make_sandbox_document()
    docflo = serve(documents=[document])

    docflo.sandbox.put_status(document.id, "REQUIRES_VALIDATION")

    assert docflo.ids(status="REQUIRES_VALIDATION") == [document.id]
    assert docflo.sandbox.journal.effects == ()


def test_a_field_added_to_a_type_can_be_written(serve: Serve) -> None:
    invoice = _invoice()
    docflo = serve(documents=[invoice])
    refused(docflo.edit(invoice, {"CostCenter": "4711"}), 400)

    added = docflo.patch("/docs/v1/fields", {"type": "string"}, documentType="invoice", name="CostCenter")

    assert (added.status_code, added.json()) == (200, {})
    assert docflo.edit(invoice, {"CostCenter": "4711"}).status_code == 200
    names = [field["name"] for field in docflo.get("/docs/v1/types/invoice")["fields"]]
    assert names.count("CostCenter") == 1
    assert docflo.sandbox.journal.effects[0].kind == "model_field"


def test_a_changed_field_of_a_type_keeps_its_rows(serve: Serve) -> None:
    docflo = serve()

    body = {
        "type": "array",
        "visible": False,
        "extractionMethod": "ai",
        "extractionSettings": {"hint": "table"},
    }
    docflo.patch("/docs/v1/fields", body, documentType="invoice", name="Items")

    (items,) = [field for field in docflo.get("/docs/v1/types/invoice")["fields"] if field["name"] == "Items"]
    assert (items["visible"], items["extractionSettings"]) == (False, {"hint": "table"})
    assert "Amount" in [field["name"] for field in items["fields"]]


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        ({"documentType": "invoice"}, {"type": "string"}, 400),
        ({"name": "X"}, {"type": "string"}, 400),
        ({"documentType": "nonsense", "name": "X"}, {"type": "string"}, 400),
        ({"documentType": "contract", "name": "X"}, {"type": "string"}, 404),
        ({"documentType": "invoice", "name": "X"}, {}, 400),
        ({"documentType": "invoice", "name": "X"}, {"type": "money"}, 400),
        ({"documentType": "invoice", "name": "X"}, {"type": "array", "fields": [1]}, 400),
        ({"documentType": "invoice", "name": "X"}, {"type": "string", "visible": "yes"}, 400),
    ],
)
def test_a_model_field_that_makes_no_sense_is_refused(
    serve: Serve, query: dict[str, str], body: object, status: int
) -> None:
    docflo = serve()

    refused(docflo.patch("/docs/v1/fields", body, **query), status)
