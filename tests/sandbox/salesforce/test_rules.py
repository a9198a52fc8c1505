"""An administrator's rules, and failures of single rows that a test plans."""

import pytest

from connector.sandbox.salesforce.rules import DuplicateRule, RecordFault, ValidationRule, trigger_error
from tests.sandbox.salesforce.org import MakeOrg, Org, code

ACCOUNTS = "/sobjects/Account"
ALLOW = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}


def test_a_validation_rule_refuses_in_the_administrators_words(make_org: MakeOrg) -> None:
    rule = ValidationRule(
        object_name="Invoice__c",
        fails=lambda row: row["Number__c"] is None,
        message="An invoice needs a number",
        field_name="Number__c",
    )
    org = make_org(validation_rules=[rule])
    answer = org.upsert("Invoice__c", "Docflo_Id__c", "1", {})
    assert answer.status_code == 400
    assert answer.json() == [
        {
            "message": "An invoice needs a number",
            "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
            "fields": ["Number__c"],
        }
    ]
    assert org.upsert("Invoice__c", "Docflo_Id__c", "1", {"Number__c": "7"}).status_code == 201
    # The rule sees the row as it would be, not what was sent.
    assert org.upsert("Invoice__c", "Docflo_Id__c", "1", {"Notes__c": "n"}).status_code == 200


def with_rule(make_org: MakeOrg, *, allow_save: bool) -> tuple[Org, str]:
    rule = DuplicateRule(object_name="Account", fields=["Name"], name="Same_Name", allow_save=allow_save)
    org = make_org(duplicate_rules=[rule])
    return org, org.sandbox.insert("Account", {"Name": "Acme"})


def test_a_duplicate_rule_names_its_matches(make_org: MakeOrg) -> None:
    org, other = with_rule(make_org, allow_save=True)
    answer = org.send("POST", ACCOUNTS, {"Name": "ACME"})
    assert code(answer) == (400, "DUPLICATES_DETECTED")
    detail = answer.json()[0]["duplicateResut"]
    assert (detail["duplicateRule"], detail["allowSave"]) == ("Same_Name", True)
    (match,) = detail["matchResults"][0]["matchRecords"]
    assert match["record"]["Id"] == other


@pytest.mark.parametrize(("allow_save", "status"), [(True, 201), (False, 400)])
def test_a_caller_may_save_a_duplicate_where_the_rule_lets_them(
    make_org: MakeOrg,
    allow_save: bool,  # noqa: FBT001 a case
    status: int,
) -> None:
    org, _ = with_rule(make_org, allow_save=allow_save)
    org.client.headers.update(ALLOW)
    assert org.send("POST", ACCOUNTS, {"Name": "acme"}).status_code == status


def test_a_record_is_no_duplicate_of_itself(make_org: MakeOrg) -> None:
    org, other = with_rule(make_org, allow_save=False)
    assert org.send("PATCH", f"{ACCOUNTS}/{other}", {"Name": "Acme"}).status_code == 204


def test_a_planned_refusal_hits_the_row_it_names_and_nothing_else(org: Org) -> None:
    org.sandbox.record_faults.add(
        RecordFault(
            code="UNABLE_TO_LOCK_ROW",
            message="unable to obtain exclusive access to this record",
            object_name="Invoice__c",
            containing="2",
        )
    )
    assert org.upsert("Invoice__c", "Docflo_Id__c", "1", {}).status_code == 201
    assert code(org.upsert("Invoice__c", "Docflo_Id__c", "2", {})) == (400, "UNABLE_TO_LOCK_ROW")
    assert org.upsert("Invoice__c", "Docflo_Id__c", "2", {}).status_code == 201


def test_a_planned_refusal_can_wait_for_the_nth_row(org: Org) -> None:
    org.sandbox.record_faults.add(trigger_error("Invoice__c", "no", after=1, times=None))
    statuses = [org.upsert("Invoice__c", "Docflo_Id__c", "1", {}).status_code for _ in range(3)]
    assert statuses == [201, 400, 400]
    answer = org.send("DELETE", "/sobjects/Invoice__c/Docflo_Id__c/1")
    assert code(answer) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    assert "caused by: no" in answer.json()[0]["message"]
