"""The journal: every request under its operation's name, every effect once it is kept."""

from decimal import Decimal

from connector.sandbox.journal import Effect
from tests.sandbox.salesforce.org import Org


def test_each_operation_is_recorded_under_its_name(org: Org) -> None:
    vendor = org.send("POST", "/sobjects/Account", {"Name": "Acme"}).json()["id"]
    org.log_in()
    org.client.get("/services/data")
    org.send("GET", "/sobjects")
    org.send("GET", "/sobjects/Account/describe")
    org.send("GET", f"/sobjects/Account/{vendor}")
    org.send("PATCH", f"/sobjects/Account/{vendor}", {"Name": "Acme Ltd"})
    org.upsert("Account", "Tax_Id__c", "5/1", {"Name": "Other"})
    org.send("GET", "/sobjects/Account/Tax_Id__c/5%2F1")
    org.send("DELETE", f"/sobjects/Account/{vendor}")
    org.query("SELECT Id FROM Account")
    org.send("GET", "/limits")
    org.graphs()
    assert [entry.operation for entry in org.sandbox.journal.requests] == [
        "create",
        "token",
        "versions",
        "global_describe",
        "describe",
        "read",
        "update",
        "upsert",
        "read",
        "delete",
        "query",
        "limits",
        "graph",
    ]


def test_a_request_is_recorded_with_its_answers_status(org: Org) -> None:
    org.send("GET", "/sobjects/Account/describe?x=1")
    org.send("GET", "/sobjects/Nothing__c/describe")
    first, second = org.sandbox.journal.requests
    assert (first.status, first.query, first.method) == (200, {"x": "1"}, "GET")
    assert (second.status, second.path) == (404, "/services/data/v66.0/sobjects/Nothing__c/describe")


def test_an_effect_carries_object_id_and_values(org: Org) -> None:
    body = {"Total__c": Decimal("11.50"), "Notes__c": None}
    record_id = org.upsert("Invoice__c", "Docflo_Id__c", "64af", body).json()["id"]
    org.upsert("Invoice__c", "Docflo_Id__c", "64af", {"Notes__c": "n"})
    org.send("DELETE", f"/sobjects/Invoice__c/{record_id}")
    subject = f"Invoice__c/{record_id}"
    created = {"Docflo_Id__c": "64af", "CurrencyIsoCode": "EUR", "Total__c": Decimal("11.50")}
    assert org.sandbox.journal.effects == (
        Effect(kind="created", subject=subject, values=created),
        Effect(kind="updated", subject=subject, values={"Notes__c": "n"}),
        Effect(kind="deleted", subject=subject, values={}),
    )


def test_a_cascade_is_told_detail_by_detail(org: Org) -> None:
    invoice = org.sandbox.insert("Invoice__c", {})
    line = org.sandbox.insert("Invoice_Line__c", {"Invoice__c": invoice})
    org.send("DELETE", f"/sobjects/Invoice__c/{invoice}")
    assert [(effect.kind, effect.subject) for effect in org.sandbox.journal.effects] == [
        ("deleted", f"Invoice_Line__c/{line}"),
        ("deleted", f"Invoice__c/{invoice}"),
    ]


def test_seeding_is_not_an_effect_of_a_request(org: Org) -> None:
    org.sandbox.insert("Account", {"Name": "Acme"})
    assert org.sandbox.journal.effects == ()
