"""Single records by id and by external id: shapes, statuses, addresses."""

from dataclasses import replace

import pytest

from connector.sandbox.salesforce.catalog import standard_objects
from tests.sandbox.salesforce.org import MakeOrg, Org, code, decoded

INVOICES = "/sobjects/Invoice__c"

AWKWARD_KEYS = [
    "INV/12",
    "a?b=1&c",
    "50% off",
    "one two",
    "a:b#c",
    "a+b",
    "%2F",
    "חשבונית-7",
    "é😀",
    "a\\b'c\"d",
    "...",
    "@{hdr.id}",
]


def test_create_read_update_delete(org: Org) -> None:
    created = org.send("POST", INVOICES, {"Number__c": "7"})
    record_id = created.json()["id"]
    assert (created.status_code, created.json()) == (201, {"id": record_id, "success": True, "errors": []})
    assert created.headers["Location"] == f"/services/data/v66.0{INVOICES}/{record_id}"
    changed = org.send("PATCH", f"{INVOICES}/{record_id}", {"Number__c": "8"})
    assert (changed.status_code, changed.content) == (204, b"")
    shown = org.send("GET", f"{INVOICES}/{record_id}").json()
    assert shown["Number__c"] == "8"
    assert shown["attributes"] == {
        "type": "Invoice__c",
        "url": f"/services/data/v66.0{INVOICES}/{record_id}",
    }
    gone = org.send("DELETE", f"{INVOICES}/{record_id}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert org.sandbox.rows("Invoice__c") == ()


def test_a_trailing_slash_after_the_object_is_no_matter_when_creating(org: Org) -> None:
    assert org.send("POST", f"{INVOICES}/", {}).status_code == 201


def test_names_of_objects_and_fields_are_found_without_regard_to_case(org: Org) -> None:
    assert org.send("PATCH", "/sobjects/invoice__C/docflo_ID__c/1", {"nUMBER__c": "7"}).status_code == 201
    assert org.sandbox.rows("Invoice__c")[0]["Number__c"] == "7"


def test_read_can_be_limited_to_fields(org: Org) -> None:
    record_id = org.sandbox.insert("Invoice__c", {"Number__c": "7"})
    shown = org.send("GET", f"{INVOICES}/{record_id}?fields=Number__c").json()
    assert set(shown) == {"attributes", "Number__c"}


def test_attributes_in_a_body_are_accepted(org: Org) -> None:
    assert org.send("POST", INVOICES, {"attributes": {"type": "Invoice__c"}}).status_code == 201


def test_the_15_character_form_of_an_id_is_accepted(org: Org) -> None:
    record_id = org.sandbox.insert("Invoice__c", {})
    assert org.send("GET", f"{INVOICES}/{record_id[:15]}").json()["Id"] == record_id


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_record_that_never_was_is_404_not_found(org: Org, method: str) -> None:
    record_id = org.sandbox.insert("Invoice__c", {})
    never = record_id[:14] + ("x" if record_id[14] != "x" else "y")
    assert code(org.send(method, f"{INVOICES}/{never}", {})) == (404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_deleted_record_says_so(org: Org, method: str) -> None:
    record_id = org.sandbox.insert("Invoice__c", {})
    org.send("DELETE", f"{INVOICES}/{record_id}")
    answer = org.send(method, f"{INVOICES}/{record_id}", {})
    assert code(answer) == (404, "ENTITY_IS_DELETED")
    assert answer.json()[0]["message"] == "entity is deleted"


def test_an_id_of_another_object_or_with_a_wrong_checksum_is_malformed(org: Org) -> None:
    account = org.sandbox.insert("Account", {"Name": "Acme"})
    assert code(org.send("GET", f"{INVOICES}/{account}")) == (400, "MALFORMED_ID")
    assert code(org.send("GET", f"/sobjects/Account/{account[:15]}555")) == (400, "MALFORMED_ID")


def test_what_is_neither_id_nor_key_field_is_404(org: Org) -> None:
    answer = org.send("GET", f"{INVOICES}/64af")
    assert code(answer) == (404, "NOT_FOUND")
    assert (
        answer.json()[0]["message"] == "Provided external ID field does not exist or is not accessible: 64af"
    )


def test_an_upsert_creates_once_and_updates_from_then_on(org: Org) -> None:
    first = org.upsert("Invoice__c", "Docflo_Id__c", "64af", {"Number__c": "7"})
    record_id = first.json()["id"]
    assert first.status_code == 201
    assert first.json() == {"id": record_id, "success": True, "errors": [], "created": True}
    second = org.upsert("Invoice__c", "Docflo_Id__c", "64AF", {"Number__c": "8"})
    assert second.status_code == 200
    assert second.json() == {"id": record_id, "success": True, "errors": [], "created": False}
    (row,) = org.sandbox.rows("Invoice__c")
    assert (row["Docflo_Id__c"], row["Number__c"]) == ("64af", "8")


@pytest.mark.parametrize("key", AWKWARD_KEYS)
def test_any_key_makes_the_round_trip(org: Org, key: str) -> None:
    assert org.upsert("Invoice__c", "Docflo_Id__c", key, {"Number__c": "7"}).status_code == 201
    assert org.upsert("Invoice__c", "Docflo_Id__c", key, {"Number__c": "8"}).status_code == 200
    (row,) = org.sandbox.rows("Invoice__c")
    assert row["Docflo_Id__c"] == key


def test_a_key_with_an_unencoded_slash_is_another_address(org: Org) -> None:
    assert code(org.send("PATCH", f"{INVOICES}/Docflo_Id__c/INV/12", {})) == (404, "NOT_FOUND")


def test_read_and_delete_by_key(org: Org) -> None:
    org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "INV/12", "Number__c": "7"})
    address = f"{INVOICES}/Docflo_Id__c/INV%2F12"
    assert org.send("GET", address).json()["Number__c"] == "7"
    assert org.send("DELETE", address).status_code == 204
    answer = org.send("GET", address)
    assert code(answer) == (404, "NOT_FOUND")
    assert answer.json()[0]["message"] == "The requested resource does not exist"


def test_an_upsert_by_a_field_that_is_no_external_id_is_404(org: Org) -> None:
    assert code(org.upsert("Invoice__c", "Number__c", "7", {})) == (404, "NOT_FOUND")
    assert code(org.upsert("Invoice__c", "Nothing__c", "7", {})) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/Docflo_Id__c/", "/Docflo_Id__c"])
def test_an_empty_key_is_405(org: Org, path: str) -> None:
    assert code(org.send("PATCH", INVOICES + path, {"Number__c": "7"})) == (405, "METHOD_NOT_ALLOWED")
    assert org.sandbox.rows("Invoice__c") == ()


def test_update_only_does_not_create(org: Org) -> None:
    address = f"{INVOICES}/Docflo_Id__c/64af?updateOnly=true"
    assert code(org.send("PATCH", address, {"Number__c": "7"})) == (404, "NOT_FOUND")
    org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "64af"})
    assert org.send("PATCH", address, {"Number__c": "7"}).status_code == 200


def test_update_only_means_nothing_before_version_61(org: Org) -> None:
    address = f"{INVOICES}/Docflo_Id__c/64af?updateOnly=true"
    assert org.send("PATCH", address, {}, version="v60.0").status_code == 201


def test_several_records_with_one_key_are_answered_300_with_their_addresses(make_org: MakeOrg) -> None:
    objects = tuple(
        replace(found, fields=tuple(replace(field, unique=False) for field in found.fields))
        for found in standard_objects()
    )
    org = make_org(objects=objects)
    ids = [org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "64af"}) for _ in range(2)]
    answer = org.upsert("Invoice__c", "Docflo_Id__c", "64af", {"Number__c": "7"})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v66.0{INVOICES}/{record_id}" for record_id in ids]
    assert [row["Number__c"] for row in org.sandbox.rows("Invoice__c")] == [None, None]


def test_deleting_a_master_deletes_its_details_and_no_others(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {})
    other = org.sandbox.insert("Invoice__c", {})
    line = org.sandbox.insert("Invoice_Line__c", {"Invoice__c": invoice})
    kept = org.sandbox.insert("Invoice_Line__c", {"Invoice__c": other})
    org.send("DELETE", f"{INVOICES}/{invoice}")
    assert [row["Id"] for row in org.sandbox.rows("Invoice_Line__c")] == [kept]
    assert code(org.send("GET", f"/sobjects/Invoice_Line__c/{line}")) == (404, "ENTITY_IS_DELETED")


def test_deleting_what_is_looked_up_clears_the_reference(org: Org) -> None:
    vendor = org.sandbox.insert("Account", {"Name": "Acme"})
    org.sandbox.insert("Invoice__c", {"Vendor__c": vendor})
    org.send("DELETE", f"/sobjects/Account/{vendor}")
    assert org.sandbox.rows("Invoice__c")[0]["Vendor__c"] is None


def test_the_org_numbers_records_and_stamps_their_times(org: Org) -> None:
    org.upsert("Invoice__c", "Docflo_Id__c", "1", {})
    org.upsert("Invoice__c", "Docflo_Id__c", "2", {})
    shown = decoded(org.send("GET", f"{INVOICES}/Docflo_Id__c/2"))
    assert shown["Name"] == "INV-00000002"
    assert shown["CreatedDate"] == "2026-11-23T10:00:00.000+0000"
    assert shown["CurrencyIsoCode"] == "EUR"
