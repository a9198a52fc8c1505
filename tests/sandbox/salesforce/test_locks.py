"""Row locks between requests that overlap for real."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from connector.sandbox.salesforce.rules import RecordFault
from tests.sandbox.salesforce.org import MakeOrg, Org, code

HOLD = 0.15


def together(org: Org, *calls: tuple[str, str, object]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(lambda call: org.send(*call), calls))


def graph(key: str, vendor: str) -> dict[str, Any]:
    data = "/services/data/v66.0/sobjects"
    header = {
        "method": "PATCH",
        "url": f"{data}/Invoice__c/Docflo_Id__c/{key}",
        "referenceId": "hdr",
        "body": {"Vendor__c": vendor},
    }
    line = {
        "method": "PATCH",
        "url": f"{data}/Invoice_Line__c/Docflo_Key__c/{key}-1",
        "referenceId": "l1",
        "body": {"Invoice__c": "@{hdr.id}"},
    }
    return {"graphId": key, "compositeRequest": [header, line]}


def outcomes(answer: httpx.Response) -> list[str]:
    return [
        next(
            (
                node["body"][0]["errorCode"]
                for node in graph["graphResponse"]["compositeResponse"]
                if isinstance(node["body"], list) and node["body"][0]["errorCode"] != "PROCESSING_HALTED"
            ),
            "",
        )
        for graph in answer.json()["graphs"]
    ]


def test_documents_of_one_account_exclude_each_other(make_org: MakeOrg) -> None:
    org = make_org(lock_hold=HOLD, lock_wait=0.02)
    vendor = org.sandbox.insert("Account", {"Name": "Acme"})
    calls = [("POST", "/composite/graph", {"graphs": [graph(key, vendor)]}) for key in "ab"]
    assert sorted(outcomes(answer)[0] for answer in together(org, *calls)) == ["", "UNABLE_TO_LOCK_ROW"]
    assert len(org.sandbox.rows("Invoice__c")) == len(org.sandbox.rows("Invoice_Line__c")) == 1


def test_documents_of_different_accounts_do_not(make_org: MakeOrg) -> None:
    org = make_org(lock_hold=HOLD, lock_wait=0.02)
    vendors = [org.sandbox.insert("Account", {"Name": name}) for name in "ab"]
    calls = [("POST", "/composite/graph", {"graphs": [graph(vendor[-4:], vendor)]}) for vendor in vendors]
    assert [outcomes(answer) for answer in together(org, *calls)] == [[""], [""]]


def test_a_writer_waits_for_the_row_and_then_goes_through(make_org: MakeOrg) -> None:
    org = make_org(lock_hold=HOLD, lock_wait=5)
    vendor = org.sandbox.insert("Account", {"Name": "Acme"})
    calls = [("POST", "/composite/graph", {"graphs": [graph(key, vendor)]}) for key in "abc"]
    began = time.monotonic()
    assert [outcomes(answer) for answer in together(org, *calls)] == [[""]] * 3
    assert time.monotonic() - began >= 3 * HOLD


def test_a_line_locks_its_master(make_org: MakeOrg) -> None:
    org = make_org(lock_wait=0)
    invoice = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    line = org.sandbox.insert("Invoice_Line__c", {"Invoice__c": invoice, "Docflo_Key__c": "k"})
    with org.sandbox.held(invoice):
        for answer in (
            org.send("POST", "/sobjects/Invoice_Line__c", {"Invoice__c": invoice}),
            org.send("PATCH", f"/sobjects/Invoice_Line__c/{line}", {"Quantity__c": 1}),
            org.send("DELETE", f"/sobjects/Invoice_Line__c/{line}"),
        ):
            assert code(answer) == (400, "UNABLE_TO_LOCK_ROW")
            assert invoice in answer.json()[0]["message"]
        assert org.send("GET", f"/sobjects/Invoice_Line__c/{line}").status_code == 200
    assert org.send("DELETE", f"/sobjects/Invoice_Line__c/{line}").status_code == 204


def test_in_a_collection_only_the_row_in_question_is_refused(make_org: MakeOrg) -> None:
    org = make_org(lock_wait=0.03)
    first, second = (org.sandbox.insert("Account", {"Name": name}) for name in "ab")
    org.sandbox.record_faults.add(RecordFault(code="X", message="x", object_name="Account", containing="new"))
    records = [
        {"attributes": {"type": "Account"}, "Name": "new"},
        {"attributes": {"type": "Account"}, "Id": first, "Name": "c"},
        {"attributes": {"type": "Account"}, "Id": second, "Name": "d"},
    ]
    with org.sandbox.held(second):
        answer = org.send("PATCH", "/composite/sobjects/Account/Id", {"records": records})
    codes = [row["errors"][0]["statusCode"] if row["errors"] else "" for row in answer.json()]
    # The planned failure is not used up by the attempt that had to wait.
    assert codes == ["X", "", "UNABLE_TO_LOCK_ROW"]


def test_nobody_sees_a_change_before_its_transaction_ends(make_org: MakeOrg) -> None:
    org = make_org(lock_hold=0.3)
    account = org.sandbox.insert("Account", {"Name": "old"})
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(org.send, "PATCH", f"/sobjects/Account/{account}", {"Name": "new"})
        time.sleep(0.1)
        seen = org.send("GET", f"/sobjects/Account/{account}").json()["Name"]
        effects = org.sandbox.journal.effects
        assert writing.result().status_code == 204
    assert (seen, effects) == ("old", ())
    assert org.sandbox.rows("Account")[0]["Name"] == "new"


def test_of_two_that_create_one_key_at_once_the_second_is_a_duplicate(make_org: MakeOrg) -> None:
    org = make_org(lock_hold=HOLD, lock_wait=5)
    calls = [("PATCH", "/sobjects/Invoice__c/Docflo_Id__c/1", {"Number__c": number}) for number in "12"]
    answers = sorted(together(org, *calls), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [201, 400]
    assert code(answers[1]) == (400, "DUPLICATE_VALUE")
    assert len(org.sandbox.rows("Invoice__c")) == 1


@pytest.mark.parametrize("wait", [0.0, 0.05])
def test_the_refusal_comes_after_the_wait(make_org: MakeOrg, wait: float) -> None:
    org = make_org(lock_wait=wait)
    account = org.sandbox.insert("Account", {"Name": "a"})
    with org.sandbox.held(account):
        began = time.monotonic()
        assert code(org.send("DELETE", f"/sobjects/Account/{account}")) == (400, "UNABLE_TO_LOCK_ROW")
        assert time.monotonic() - began >= wait
