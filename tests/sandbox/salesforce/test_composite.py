"""Composite: subrequests that refer to each other, together or each for itself."""

from typing import Any

import pytest

from connector.sandbox.salesforce.options import Options
from tests.sandbox.salesforce.org import MakeOrg, Org, code

DATA = "/services/data/v66.0"
HALTED = [
    {
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
        "errorCode": "PROCESSING_HALTED",
    }
]


def part(reference: str, method: str, path: str, body: object = None) -> dict[str, Any]:
    found: dict[str, Any] = {"method": method, "url": DATA + path, "referenceId": reference}
    return found if body is None else {**found, "body": body}


def send(org: Org, *parts: object, **more: object) -> list[dict[str, Any]]:
    answer = org.send("POST", "/composite", {"compositeRequest": list(parts), **more})
    assert answer.status_code == 200
    return list(answer.json()["compositeResponse"])


def statuses(answers: list[dict[str, Any]]) -> list[int]:
    return [answer["httpStatusCode"] for answer in answers]


def test_a_part_can_use_what_another_answered_in_url_and_body(org: Org) -> None:
    org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    answers = send(
        org,
        part("found", "GET", "/query?q=SELECT Id FROM Account WHERE Tax_Id__c = '51'"),
        part("inv", "POST", "/sobjects/Invoice__c", {"Vendor__c": "@{found.records[0].Id}"}),
        part("upd", "PATCH", "/sobjects/Invoice__c/@{inv.id}", {"Number__c": "7"}),
    )
    assert statuses(answers) == [200, 201, 204]
    (row,) = org.sandbox.rows("Invoice__c")
    assert (row["Number__c"], row["Vendor__c"]) == ("7", org.sandbox.rows("Account")[0]["Id"])


def test_a_failure_is_in_the_part_and_the_others_stay(org: Org) -> None:
    """The shape recorded in SFDO-Tooling/CumulusCI, TestCompositeParallelSalesforce.test_errors."""
    answers = send(
        org, part("a", "POST", "/sobjects/Account", {"Name": "a"}), part("b", "GET", "/sobjects/Foo")
    )
    assert statuses(answers) == [201, 404]
    assert answers[1] == {
        "body": [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}],
        "httpHeaders": {},
        "httpStatusCode": 404,
        "referenceId": "b",
    }
    assert len(org.sandbox.rows("Account")) == 1


def test_all_or_none_undoes_everything_and_names_the_culprit(org: Org) -> None:
    """The shape of apache/camel, composite_response_example_failure.json."""
    answers = send(
        org,
        part("NewPayment1", "POST", "/sobjects/Account", {"Name": "a"}),
        part("NewPayment2", "POST", "/sobjects/Invoice__c", {"Vendor__r": {"Tax_Id__c": "0116"}}),
        part("last", "POST", "/sobjects/Account", {"Name": "b"}),
        allOrNone=True,
    )
    assert statuses(answers) == [400, 400, 400]
    assert [answer["body"] for answer in (answers[0], answers[2])] == [HALTED, HALTED]
    assert answers[1]["body"] == [
        {
            "message": "Foreign key external ID: 0116 not found for field Tax_Id__c in entity Account",
            "errorCode": "INVALID_FIELD",
            "fields": [],
        }
    ]
    assert org.sandbox.rows("Account") == ()
    assert org.sandbox.journal.effects == ()


def test_a_collection_inside_may_show_success_though_all_was_undone(org: Org) -> None:
    record = {"attributes": {"type": "Account"}, "Name": "a"}
    answers = send(
        org,
        part("all", "POST", "/composite/sobjects", {"allOrNone": False, "records": [record]}),
        part("bad", "POST", "/sobjects/Account", {}),
        allOrNone=True,
    )
    assert answers[0]["httpStatusCode"] == 200
    assert answers[0]["body"][0]["success"] is True
    assert org.sandbox.rows("Account") == ()


def test_a_failed_row_of_a_collection_undoes_an_all_or_none_composite(org: Org) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in ("a", None)]
    answers = send(
        org,
        part("one", "POST", "/sobjects/Account", {"Name": "b"}),
        part("all", "POST", "/composite/sobjects", {"allOrNone": False, "records": records}),
        allOrNone=True,
    )
    assert answers[0]["body"] == HALTED
    assert [row["success"] for row in answers[1]["body"]] == [True, False]
    assert org.sandbox.rows("Account") == ()


def test_a_reference_to_a_part_that_failed_halts_its_user(org: Org) -> None:
    answers = send(
        org,
        part("a", "POST", "/sobjects/Account", {}),
        part("b", "PATCH", "/sobjects/Account/@{a.id}", {"Name": "b"}),
    )
    assert answers[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert "Invalid reference specified" in answers[1]["body"][0]["message"]


@pytest.mark.parametrize(("count", "status"), [(25, 200), (26, 400)])
def test_it_takes_25_parts(org: Org, count: int, status: int) -> None:
    parts = [part(f"p{number}", "GET", "/sobjects/Account/x") for number in range(count)]
    assert org.send("POST", "/composite", {"compositeRequest": parts}).status_code == status


@pytest.mark.parametrize(("count", "status"), [(5, 200), (6, 400)])
def test_it_takes_5_queries_and_collections(org: Org, count: int, status: int) -> None:
    parts = [part(f"p{number}", "GET", "/query?q=SELECT Id FROM Account") for number in range(count)]
    assert org.send("POST", "/composite", {"compositeRequest": parts}).status_code == status


@pytest.mark.parametrize("reference", ["", "a b", "a.b", "é"])
def test_a_reference_id_holds_letters_digits_and_underscores(org: Org, reference: str) -> None:
    answer = org.send("POST", "/composite", {"compositeRequest": [part(reference, "GET", "/limits")]})
    assert code(answer) == (400, "INVALID_INPUT")


def test_parts_without_references_may_change_places_and_answers_do_not(make_org: MakeOrg) -> None:
    orders = set()
    for seed in range(8):
        org = make_org(options=Options(shuffle_composite=seed))
        answers = send(
            org,
            part("hdr", "POST", "/sobjects/Invoice__c", {"Docflo_Id__c": "1"}),
            *[part(name, "POST", "/sobjects/Account", {"Name": name}) for name in "abc"],
            part("line", "POST", "/sobjects/Invoice_Line__c", {"Invoice__c": "@{hdr.id}"}),
        )
        assert [answer["referenceId"] for answer in answers] == ["hdr", "a", "b", "c", "line"]
        assert statuses(answers) == [201] * 5
        orders.add(tuple(row["Name"] for row in org.sandbox.rows("Account")))
    assert len(orders) > 1


def test_a_parent_named_by_its_key_is_not_waited_for(make_org: MakeOrg) -> None:
    outcomes = set()
    for seed in range(8):
        org = make_org(options=Options(shuffle_composite=seed))
        answers = send(
            org,
            part("hdr", "POST", "/sobjects/Account", {"Name": "a", "Tax_Id__c": "51"}),
            part("inv", "POST", "/sobjects/Invoice__c", {"Vendor__r": {"Tax_Id__c": "51"}}),
        )
        outcomes.add(answers[1]["httpStatusCode"])
    assert outcomes == {201, 400}


def test_one_call_counts_once_whatever_it_holds(org: Org) -> None:
    parts = [part(f"p{number}", "POST", "/sobjects/Account", {"Name": "a"}) for number in range(20)]
    answer = org.send("POST", "/composite", {"compositeRequest": parts})
    assert answer.headers["Sforce-Limit-Info"] == "api-usage=1/100000"
