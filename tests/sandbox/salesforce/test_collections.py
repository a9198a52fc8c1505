"""Collections: a result for each record, in order, kept one by one or all together."""

from typing import Any

import pytest

from connector.sandbox.salesforce.options import Options
from tests.sandbox.salesforce.freight import OBJECTS
from tests.sandbox.salesforce.org import MakeOrg, Org, code

INVOICES = "/composite/sobjects/Invoice__c/Docflo_Id__c"


def account(**fields: object) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **fields}


def invoice(key: object, **fields: object) -> dict[str, Any]:
    return {"attributes": {"type": "Invoice__c"}, "Docflo_Id__c": key, **fields}


def collection(*records: object, is_whole: bool = False) -> dict[str, Any]:
    return {"allOrNone": is_whole, "records": list(records)}


def codes(answer: Any) -> list[str]:
    return [row["errors"][0]["statusCode"] if row["errors"] else "" for row in answer.json()]


def keys(org: Org) -> list[object]:
    return [row["Docflo_Id__c"] for row in org.sandbox.rows("Invoice__c")]


def test_records_are_created_in_order_without_saying_created(org: Org) -> None:
    """The shape recorded in SFDO-Tooling/CumulusCI, TestUpsert.test_simple_upsert__rest."""
    answer = org.send("POST", "/composite/sobjects", collection(account(Name="a"), account(Name="b")))
    assert answer.status_code == 200
    ids = [row["Id"] for row in org.sandbox.rows("Account")]
    assert answer.json() == [{"id": record_id, "success": True, "errors": []} for record_id in ids]


def test_an_upsert_says_which_are_new(org: Org) -> None:
    """The shape recorded in SFDO-Tooling/CumulusCI, TestUpsert.test_simple_upsert__rest."""
    known = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    first, second = org.send("PATCH", INVOICES, collection(invoice("1"), invoice("2"))).json()
    assert first == {"id": known, "success": True, "errors": [], "created": False}
    assert (second["success"], second["created"]) == (True, True)


def test_rows_fail_for_themselves(org: Org) -> None:
    records = (invoice("1"), invoice("2", CurrencyIsoCode="XXX"), invoice("3"))
    answer = org.send("PATCH", INVOICES, collection(*records))
    assert codes(answer) == ["", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ""]
    failed = answer.json()[1]
    assert set(failed) == {"success", "errors"}
    assert failed["errors"][0]["fields"] == ["CurrencyIsoCode"]
    assert keys(org) == ["1", "3"]


@pytest.mark.parametrize("shows_ids", [True, False])
def test_all_or_none_keeps_nothing_and_tells_culprit_from_casualties(
    make_org: MakeOrg,
    shows_ids: bool,  # noqa: FBT001 a case
) -> None:
    org = make_org(options=Options(ids_on_rolled_back_rows=shows_ids))
    records = (invoice("1"), invoice("2", CurrencyIsoCode="XXX"), invoice("3"))
    answer = org.send("PATCH", INVOICES, collection(*records, is_whole=True))
    rolled_back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert codes(answer) == [rolled_back, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", rolled_back]
    assert ["id" in row for row in answer.json()] == [shows_ids, False, shows_ids]
    assert not any(row["success"] for row in answer.json())
    assert keys(org) == []
    assert org.sandbox.journal.effects == ()


def test_every_copy_of_a_key_that_occurs_twice_fails(org: Org) -> None:
    answer = org.send("PATCH", INVOICES, collection(invoice("ab"), invoice("x"), invoice("AB")))
    assert codes(answer) == ["DUPLICATE_VALUE", "", "DUPLICATE_VALUE"]
    assert answer.json()[0]["errors"][0]["message"] == "Duplicate external id specified: ab"
    assert keys(org) == ["x"]


def test_a_record_without_its_key_fails(org: Org) -> None:
    records = [{"attributes": {"type": "Invoice__c"}}, invoice(None), invoice("")]
    assert codes(org.send("PATCH", INVOICES, collection(*records))) == ["MISSING_ARGUMENT"] * 3


def test_an_upsert_by_id_creates_where_there_is_none(org: Org) -> None:
    """As recorded in SFDO-Tooling/CumulusCI, TestUpsert.test_upsert_complex_external_id_field_rest."""
    known = org.sandbox.insert("Account", {"Name": "a"})
    records = (account(Id=None, Name="new"), account(Id=known, Name="b"))
    answer = org.send("PATCH", "/composite/sobjects/Account/Id", collection(*records))
    assert [row["created"] for row in answer.json()] == [True, False]
    assert {row["Name"] for row in org.sandbox.rows("Account")} == {"new", "b"}


def test_an_upsert_takes_one_type_only(org: Org) -> None:
    answer = org.send("PATCH", INVOICES, collection(invoice("1"), account(Docflo_Id__c="2", Name="a")))
    assert codes(answer) == ["", "INVALID_INPUT"]


def test_a_key_that_matches_several_records_fails_its_row(make_org: MakeOrg) -> None:
    org = make_org(objects=OBJECTS)
    for _ in range(2):
        org.sandbox.insert("Carrier__c", {"Region__c": "north"})
    record = {"attributes": {"type": "Carrier__c"}, "Region__c": "north"}
    answer = org.send("PATCH", "/composite/sobjects/Carrier__c/Region__c", collection(record))
    assert codes(answer) == ["DUPLICATE_EXTERNAL_ID"]


def test_updates_of_several_types_go_by_id(org: Org) -> None:
    first = org.sandbox.insert("Account", {"Name": "a"})
    second = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    records = (
        account(Id=first, Name="b"),
        {"attributes": {"type": "Invoice__c"}, "id": second, "Number__c": "7"},
        account(Name="c"),
    )
    answer = org.send("PATCH", "/composite/sobjects", collection(*records))
    assert codes(answer) == ["", "", "MISSING_ARGUMENT"]
    assert org.sandbox.rows("Account")[0]["Name"] == "b"
    assert org.sandbox.rows("Invoice__c")[0]["Number__c"] == "7"


def test_more_than_200_records_are_refused_as_a_whole(org: Org) -> None:
    records = [invoice(str(number)) for number in range(201)]
    assert code(org.send("PATCH", INVOICES, collection(*records))) == (400, "EXCEEDED_ID_LIMIT")
    assert len(org.send("PATCH", INVOICES, collection(*records[:200])).json()) == 200


@pytest.mark.parametrize(("changes", "status"), [(10, 200), (11, 400)])
def test_types_may_change_ten_times(org: Org, changes: int, status: int) -> None:
    records = [account(Name="a") if number % 2 else invoice(str(number)) for number in range(changes)]
    assert org.send("POST", "/composite/sobjects", collection(*records)).status_code == status


@pytest.mark.parametrize("body", [{}, [], {"records": {}}, {"records": [1]}, {"records": [{"Name": "a"}]}])
def test_a_body_without_typed_records_is_refused(org: Org, body: object) -> None:
    assert org.send("POST", "/composite/sobjects", body).status_code == 400


def test_deletes_name_ids_and_answer_each(org: Org) -> None:
    first, second = (org.sandbox.insert("Account", {"Name": name}) for name in "ab")
    gone = org.sandbox.insert("Account", {"Name": "c"})
    org.send("DELETE", f"/sobjects/Account/{gone}")
    never = "001000000000000AAA"
    answer = org.send("DELETE", f"/composite/sobjects?ids={first},{gone},{second},{never}")
    assert codes(answer) == ["", "ENTITY_IS_DELETED", "", "INVALID_CROSS_REFERENCE_KEY"]
    assert answer.json()[0] == {"id": first, "success": True, "errors": []}
    assert org.sandbox.rows("Account") == ()


def test_deletes_can_be_all_or_none(org: Org) -> None:
    known = org.sandbox.insert("Account", {"Name": "a"})
    answer = org.send("DELETE", f"/composite/sobjects?ids={known},001x&allOrNone=true")
    assert codes(answer) == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "MALFORMED_ID"]
    assert len(org.sandbox.rows("Account")) == 1


def test_a_delete_without_ids_is_refused(org: Org) -> None:
    """As in restforce/restforce, composite_sobjects_destroy_bad_request_response."""
    answer = org.send("DELETE", "/composite/sobjects")
    assert answer.json() == [{"message": "At least 1 Id is required.", "errorCode": "REQUIRED_FIELD_MISSING"}]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_many_records_are_read_in_order_with_null_for_what_is_not_there(org: Org, method: str) -> None:
    first, second = (org.sandbox.insert("Account", {"Name": name}) for name in "ab")
    ids = [second, "001000000000000AAA", first]
    path = "/composite/sobjects/Account"
    if method == "GET":
        answer = org.send("GET", f"{path}?ids={','.join(ids)}&fields=Name")
    else:
        answer = org.send("POST", path, {"ids": ids, "fields": ["Name"]})
    assert [row and row["Name"] for row in answer.json()] == ["b", None, "a"]


def test_one_call_counts_once(org: Org) -> None:
    answer = org.send("PATCH", INVOICES, collection(*[invoice(str(number)) for number in range(50)]))
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/100000"
