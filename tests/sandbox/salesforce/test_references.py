"""References: by id, by the parent's external id, and a detail's master that cannot be changed."""

import pytest

from tests.sandbox.salesforce.org import Org, code

LINES = "/sobjects/Invoice_Line__c"
INVOICES = "/sobjects/Invoice__c"


def test_a_parent_can_be_named_by_its_external_id(org: Org) -> None:
    vendor = org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    body = {"Vendor__r": {"attributes": {"type": "Account"}, "Tax_Id__c": "51"}}
    assert org.send("POST", INVOICES, body).status_code == 201
    assert org.sandbox.rows("Invoice__c")[0]["Vendor__c"] == vendor


def test_a_parent_can_be_named_by_its_id_in_either_length(org: Org) -> None:
    vendor = org.sandbox.insert("Account", {"Name": "Acme"})
    assert org.send("POST", INVOICES, {"Vendor__c": vendor[:15]}).status_code == 201
    assert org.sandbox.rows("Invoice__c")[0]["Vendor__c"] == vendor


def test_a_parent_that_does_not_exist_is_named_with_field_and_entity(org: Org) -> None:
    answer = org.send("POST", INVOICES, {"Vendor__r": {"Tax_Id__c": "51"}})
    assert code(answer) == (400, "INVALID_FIELD")
    expected = "Foreign key external ID: 51 not found for field Tax_Id__c in entity Account"
    assert answer.json()[0]["message"] == expected


@pytest.mark.parametrize(
    "reference", [{}, {"Tax_Id__c": "51", "Name": "Acme"}, {"Name": "Acme"}, {"Nothing__c": "1"}]
)
def test_a_reference_names_exactly_one_external_id(org: Org, reference: dict[str, str]) -> None:
    org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    assert code(org.send("POST", INVOICES, {"Vendor__r": reference})) == (400, "INVALID_FIELD")


def test_id_and_external_id_of_one_parent_exclude_each_other(org: Org) -> None:
    vendor = org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    answer = org.send("POST", INVOICES, {"Vendor__c": vendor, "Vendor__r": {"Tax_Id__c": "51"}})
    assert code(answer) == (400, "INVALID_FIELD")
    assert "Cannot specify both an external ID reference Vendor__r" in answer.json()[0]["message"]


@pytest.mark.parametrize("name", ["Vendor__c", "Vendor__r"])
def test_a_lookup_can_be_cleared(org: Org, name: str) -> None:
    vendor = org.sandbox.insert("Account", {"Name": "Acme"})
    invoice = org.sandbox.insert("Invoice__c", {"Vendor__c": vendor})
    assert org.send("PATCH", f"{INVOICES}/{invoice}", {name: None}).status_code == 204
    assert org.sandbox.rows("Invoice__c")[0]["Vendor__c"] is None


def test_ids_that_lead_nowhere_are_refused_each_in_its_own_way(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {})
    vendor = org.sandbox.insert("Account", {"Name": "Acme"})
    gone = org.sandbox.insert("Account", {"Name": "Gone"})
    org.send("DELETE", f"/sobjects/Account/{gone}")
    expected = {
        "64af": "MALFORMED_ID",
        invoice: "FIELD_INTEGRITY_EXCEPTION",
        vendor[:12] + "zzz": "INVALID_CROSS_REFERENCE_KEY",
        gone: "ENTITY_IS_DELETED",
    }
    for record_id, error in expected.items():
        assert code(org.send("POST", INVOICES, {"Vendor__c": record_id})) == (400, error)


@pytest.mark.parametrize("same", [True, False])
def test_a_details_master_cannot_be_named_on_update_not_even_the_same(org: Org, same: bool) -> None:  # noqa: FBT001 a case
    invoice = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    other = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "2"})
    line = org.sandbox.insert("Invoice_Line__c", {"Invoice__c": invoice, "Docflo_Key__c": "k"})
    by_id = {"Invoice__c": invoice if same else other}
    by_key = {"Invoice__r": {"Docflo_Id__c": "1" if same else "2"}}
    for answer in (
        org.send("PATCH", f"{LINES}/{line}", by_id),
        org.upsert("Invoice_Line__c", "Docflo_Key__c", "k", by_key),
    ):
        assert code(answer) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
        assert answer.json()[0]["fields"] == ["Invoice__c"]
    assert org.sandbox.rows("Invoice_Line__c")[0]["Invoice__c"] == invoice
