"""SOQL: what a read before a write needs."""

from decimal import Decimal
from typing import Any

import pytest

from tests.sandbox.salesforce.org import MakeOrg, Org, code, decoded

KEYS = "SELECT Docflo_Id__c FROM Invoice__c "
NAMES = "SELECT Name FROM Account WHERE "


@pytest.fixture
def org(org: Org) -> Org:
    """Add two vendors and three invoices with lines to the org."""
    acme = org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    org.sandbox.insert("Account", {"Name": "100% O'Neil_Sons\\"})
    for number, (total, vendor) in enumerate([("10.50", acme), ("9", None), (None, None)], start=1):
        fields: dict[str, Any] = {
            "Docflo_Id__c": f"inv{number}",
            "Number__c": f"N-{number}",
            "Vendor__c": vendor,
        }
        if total is not None:
            fields |= {"Total__c": Decimal(total), "Date__c": f"2026-11-{20 + number}"}
        invoice = org.sandbox.insert("Invoice__c", fields)
        org.sandbox.insert("Invoice_Line__c", {"Invoice__c": invoice, "Docflo_Key__c": f"inv{number}:1"})
    return org


def keys(org: Org, where: str) -> list[str]:
    answer = org.query(KEYS + where)
    assert answer.status_code == 200, answer.text
    return [record["Docflo_Id__c"] for record in answer.json()["records"]]


def test_an_answer_has_the_shape_of_a_query(org: Org) -> None:
    answer = decoded(org.query("SELECT Id, Total__c FROM Invoice__c WHERE Docflo_Id__c = 'inv1'"))
    record_id = org.sandbox.rows("Invoice__c")[0]["Id"]
    url = f"/services/data/v66.0/sobjects/Invoice__c/{record_id}"
    record = {"attributes": {"type": "Invoice__c", "url": url}, "Id": record_id, "Total__c": Decimal("10.50")}
    assert answer == {"totalSize": 1, "done": True, "records": [record]}


def test_a_parents_field_comes_nested_and_a_missing_parent_is_null(org: Org) -> None:
    soql = "SELECT Vendor__r.Name, Vendor__r.Tax_Id__c, Number__c FROM Invoice__c ORDER BY Number__c"
    first, second, _ = org.query(soql).json()["records"]
    assert first["Vendor__r"]["attributes"]["type"] == "Account"
    assert (first["Vendor__r"]["Name"], first["Vendor__r"]["Tax_Id__c"]) == ("Acme", "51")
    assert second["Vendor__r"] is None


def test_lines_are_found_by_their_headers_key(org: Org) -> None:
    soql = (
        "SELECT Id, Docflo_Key__c, Invoice__r.Docflo_Id__c FROM Invoice_Line__c "
        "WHERE Invoice__r.Docflo_Id__c IN ('inv1', 'inv3', 'inv9')"
    )
    records = org.query(soql).json()["records"]
    assert [(found["Docflo_Key__c"], found["Invoice__r"]["Docflo_Id__c"]) for found in records] == [
        ("inv1:1", "inv1"),
        ("inv3:1", "inv3"),
    ]


def test_a_path_may_climb_several_parents(org: Org) -> None:
    soql = "SELECT Invoice__r.Vendor__r.Name FROM Invoice_Line__c WHERE Invoice__r.Vendor__r.Tax_Id__c = '51'"
    (record,) = org.query(soql).json()["records"]
    assert record["Invoice__r"]["Vendor__r"]["Name"] == "Acme"


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("", ["inv1", "inv2", "inv3"]),
        ("WHERE Docflo_Id__c = 'INV2'", ["inv2"]),
        ("where docflo_id__c != 'inv2'", ["inv1", "inv3"]),
        ("WHERE Docflo_Id__c IN ('INV1','inv3')", ["inv1", "inv3"]),
        ("WHERE Docflo_Id__c LIKE 'INV%'", ["inv1", "inv2", "inv3"]),
        ("WHERE Docflo_Id__c LIKE '_nv2'", ["inv2"]),
        ("WHERE Docflo_Id__c LIKE 'inv'", []),
        ("WHERE Vendor__c = null", ["inv2", "inv3"]),
        ("WHERE Vendor__c != NULL", ["inv1"]),
        ("WHERE Vendor__r.Name = 'Acme'", ["inv1"]),
        ("WHERE Vendor__r.Name != 'Acme'", ["inv2", "inv3"]),
        ("WHERE PO_Number__c = ''", ["inv1", "inv2", "inv3"]),
        ("WHERE Total__c = 10.5", ["inv1"]),
        ("WHERE Total__c > 9.0", ["inv1"]),
        ("WHERE Total__c <= 10.50", ["inv1", "inv2"]),
        ("WHERE Date__c >= 2026-11-22", ["inv2"]),
        ("WHERE Date__c < 2026-11-22", ["inv1"]),
        ("WHERE CreatedDate > 2026-11-23T09:00:00Z", ["inv1", "inv2", "inv3"]),
        ("WHERE CreatedDate > 2026-11-23T11:00:00+01:00", []),
        ("WHERE IsDeleted = false", ["inv1", "inv2", "inv3"]),
        ("WHERE CurrencyIsoCode = 'EUR' AND Total__c = 9 AND Vendor__c = null", ["inv2"]),
        ("WHERE Docflo_Id__c = 'inv1' OR (Total__c = 9 AND Vendor__c = null)", ["inv1", "inv2"]),
        ("ORDER BY Total__c", ["inv3", "inv2", "inv1"]),
        ("ORDER BY Total__c DESC", ["inv3", "inv1", "inv2"]),
        ("ORDER BY Total__c DESC NULLS LAST", ["inv1", "inv2", "inv3"]),
        ("ORDER BY CurrencyIsoCode, Number__c DESC", ["inv3", "inv2", "inv1"]),
        ("ORDER BY Number__c LIMIT 2", ["inv1", "inv2"]),
        ("LIMIT 0", []),
    ],
)
def test_conditions_order_and_limit(org: Org, where: str, expected: list[str]) -> None:
    assert keys(org, where) == expected


@pytest.mark.parametrize(
    "condition",
    [
        r"Name = '100% O\'Neil_Sons\\'",
        r"Name LIKE '100\% O\'Neil\_Sons\\'",
        r"Name LIKE '%O\'Neil%'",
        r"Name LIKE '%\\'",
    ],
)
def test_escapes_in_text_are_read(org: Org, condition: str) -> None:
    (record,) = org.query(NAMES + condition).json()["records"]
    assert record["Name"] == "100% O'Neil_Sons\\"


def test_an_escaped_wildcard_is_only_itself(org: Org) -> None:
    assert keys(org, r"WHERE Docflo_Id__c LIKE 'inv\_'") == []
    assert keys(org, r"WHERE Docflo_Id__c LIKE 'inv\%'") == []


def test_a_record_is_found_by_either_form_of_its_id(org: Org) -> None:
    record_id = org.sandbox.rows("Invoice__c")[0]["Id"]
    assert keys(org, f"WHERE Id = '{record_id}'") == ["inv1"]
    assert keys(org, f"WHERE Id IN ('{record_id[:15]}')") == ["inv1"]


def test_a_count_has_no_records(org: Org) -> None:
    answer = org.query("SELECT COUNT() FROM Invoice__c WHERE Total__c != null").json()
    assert answer == {"totalSize": 2, "done": True, "records": []}


@pytest.mark.parametrize(
    "soql",
    [
        "",
        "SELECT",
        "SELECT Id",
        "SELECT Id FROM",
        "SELECT FROM Invoice__c",
        "SELECT Id, FROM Invoice__c",
        "SELECT Id FROM Invoice__c WHERE",
        "SELECT Id FROM Invoice__c WHERE Number__c = 'x",
        "SELECT Id FROM Invoice__c WHERE Number__c = 'it's'",
        "SELECT Id FROM Invoice__c WHERE Number__c 'x'",
        "SELECT Id FROM Invoice__c WHERE Number__c IN ()",
        "SELECT Id FROM Invoice__c WHERE Number__c = x",
        "SELECT Id FROM Invoice__c WHERE Id = null AND Number__c = 'x' OR Number__c = 'y'",
        "SELECT Id FROM Invoice__c LIMIT",
        "SELECT Id FROM Invoice__c LIMIT -1",
        "SELECT Id FROM Invoice__c; DELETE",
        "SELECT Id, id FROM Invoice__c",
        "SELECT * FROM Invoice__c",
        "SELECT Id FROM Invoice__c ORDER BY Notes__c",
    ],
)
def test_what_is_no_query_is_malformed(org: Org, soql: str) -> None:
    assert code(org.query(soql)) == (400, "MALFORMED_QUERY")


@pytest.mark.parametrize(
    ("soql", "expected", "message"),
    [
        (
            "SELECT Totl__c FROM Invoice__c",
            "INVALID_FIELD",
            "No such column 'Totl__c' on entity",
        ),
        ("SELECT Id FROM Invoice__c WHERE Totl__c = 1", "INVALID_FIELD", "No such column 'Totl__c'"),
        ("SELECT Id FROM Invoice__c ORDER BY Totl__c", "INVALID_FIELD", "No such column 'Totl__c'"),
        ("SELECT Vendor__r.Nam FROM Invoice__c", "INVALID_FIELD", "No such column 'Nam' on entity"),
        (
            "SELECT Buyer__r.Name FROM Invoice__c",
            "INVALID_FIELD",
            "Didn't understand relationship 'Buye",
        ),
        (
            "SELECT Vendor__c.Name FROM Invoice__c",
            "INVALID_FIELD",
            "Didn't understand relationship",
        ),
        ("SELECT Id FROM Bill__c", "INVALID_TYPE", "sObject type 'Bill__c' is not supported"),
        (
            "SELECT Id FROM Invoice__c WHERE Total__c = '9'",
            "INVALID_FIELD",
            "value of filter criterion for field 'Total__c' must be of type double and should not be",
        ),
        (
            "SELECT Id FROM Invoice__c WHERE Date__c = '2026-11-23'",
            "INVALID_FIELD",
            "value of filter criterion for field 'Date__c' must be of type date and should not be enclosed",
        ),
        (
            "SELECT Id FROM Invoice__c WHERE Number__c = 7",
            "INVALID_FIELD",
            "value of filter criterion for field 'Number__c' must be of type string and should be enclosed",
        ),
        (
            "SELECT Id FROM Invoice__c WHERE Notes__c = 'x'",
            "INVALID_FIELD",
            "field 'Notes__c' can not be filtered in a query call",
        ),
        (
            "SELECT Id FROM Account WHERE Id = 'abc'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid ID field: abc",
        ),
        (
            "SELECT Id FROM Invoice__c WHERE Total__c LIKE '9'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator",
        ),
    ],
)
def test_what_cannot_be_looked_up_is_named(org: Org, soql: str, expected: str, message: str) -> None:
    answer = org.query(soql)
    assert code(answer) == (400, expected)
    assert answer.json()[0]["message"].startswith(message)


def test_long_results_come_in_pages_of_one_moment(make_org: MakeOrg) -> None:
    org = make_org(query_page_size=2)
    for number in range(5):
        org.sandbox.insert("Invoice__c", {"Number__c": str(number)})
    page = org.query("SELECT Number__c FROM Invoice__c").json()
    pages = [page]
    org.sandbox.insert("Invoice__c", {"Number__c": "later"})
    while not page["done"]:
        page = org.client.get(page["nextRecordsUrl"]).json()
        pages.append(page)
    assert [found["totalSize"] for found in pages] == [5, 5, 5]
    assert [record["Number__c"] for found in pages for record in found["records"]] == list("01234")
    assert "nextRecordsUrl" not in pages[-1]


@pytest.mark.parametrize("locator", ["nonsense", "01gSb0000000001AAA-2", "01g-x"])
def test_an_unknown_locator_is_refused(org: Org, locator: str) -> None:
    assert code(org.send("GET", f"/query/{locator}")) == (400, "INVALID_QUERY_LOCATOR")


def test_what_is_not_in_a_list_is_found(org: Org) -> None:
    assert keys(org, "WHERE Docflo_Id__c NOT IN ('inv1', 'INV3')") == ["inv2"]
