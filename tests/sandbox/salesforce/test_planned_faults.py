"""Every fault of the list, as a caller meets it, and what became of the row meanwhile."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import faults
from connector.sandbox.salesforce.admin import FAULTS
from connector.sandbox.salesforce.options import Options
from connector.sandbox.salesforce.store import Snapshot
from tests.sandbox.salesforce.org import MakeOrg, Org, code

NUMBER = {"Number__c": "7"}


def write(org: Org) -> httpx.Response:
    return org.upsert("Invoice__c", "Docflo_Id__c", "1", NUMBER)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.SESSION_EXPIRED, (401, "INVALID_SESSION_ID")),
        (faults.SESSION_NOT_FOR_REST, (401, "INVALID_SESSION_ID")),
        (faults.QUOTA_SPENT, (403, "REQUEST_LIMIT_EXCEEDED")),
        (faults.TOO_MANY_LONG_CALLS, (403, "REQUEST_LIMIT_EXCEEDED")),
        (faults.API_DISABLED, (403, "API_DISABLED_FOR_ORG")),
        (faults.TOO_MANY_REQUESTS, (429, "REQUEST_LIMIT_EXCEEDED")),
        (faults.SERVER_ERROR, (500, "UNKNOWN_EXCEPTION")),
        (faults.duplicate_race("Docflo_Id__c", "a01"), (400, "DUPLICATE_VALUE")),
    ],
)
def test_a_refusal_has_its_words_and_no_effect(org: Org, fault: Fault, expected: tuple[int, str]) -> None:
    org.sandbox.faults.add(faults.on_match(fault, operation="upsert"))
    assert code(write(org)) == expected
    assert org.sandbox.rows("Invoice__c") == ()
    assert write(org).status_code == 201


@pytest.mark.parametrize(
    ("fault", "status"),
    [(faults.EDGE_CONNECTING, 420), (faults.EDGE_BAD_GATEWAY, 502), (faults.MAINTENANCE, 503)],
)
def test_a_page_instead_of_an_answer_has_no_effect(org: Org, fault: Fault, status: int) -> None:
    org.sandbox.faults.add(faults.on_match(fault, operation="upsert"))
    answer = write(org)
    assert (answer.status_code, answer.headers["content-type"][:9]) == (status, "text/html")
    assert org.sandbox.rows("Invoice__c") == ()


def test_a_redirect_leads_to_another_host(org: Org) -> None:
    org.sandbox.faults.add(faults.on_match(faults.REDIRECTED, operation="upsert"))
    answer = write(org)
    assert (answer.status_code, answer.headers["location"]) == (302, faults.ELSEWHERE)
    assert org.sandbox.rows("Invoice__c") == ()


def test_a_key_of_several_records_is_300_on_request(org: Org) -> None:
    org.sandbox.faults.add(faults.on_match(faults.not_unique("/a", "/b"), operation="upsert"))
    answer = write(org)
    assert (answer.status_code, answer.json()) == (300, ["/a", "/b"])


@pytest.mark.parametrize(
    ("fault", "rows"), [(faults.RESET_BEFORE, 0), (faults.RESET_AFTER_COMMIT, 1), (faults.CUT_SHORT, 1)]
)
def test_a_lost_answer_leaves_the_row_before_or_after_and_nothing_between(
    org: Org, fault: Fault, rows: int
) -> None:
    org.sandbox.faults.add(faults.on_match(fault, operation="upsert"))
    with pytest.raises(httpx.TransportError):
        write(org)
    assert len(org.sandbox.rows("Invoice__c")) == rows
    assert write(org).status_code == (200 if rows else 201)
    assert len(org.sandbox.rows("Invoice__c")) == 1


@pytest.mark.parametrize("fault", [faults.SLOW_HEADERS, faults.SLOW_BODY])
def test_a_slow_answer_outlasts_a_short_deadline(org: Org, fault: Fault) -> None:
    org.sandbox.faults.add(faults.on_match(Fault(kind=fault.kind, seconds=2), operation="upsert"))
    org.client.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        write(org)
    assert len(org.sandbox.rows("Invoice__c")) == 1


def test_an_answer_may_come_without_its_id(org: Org) -> None:
    org.sandbox.faults.add(faults.on_match(faults.ANSWER_WITHOUT_ID, operation="upsert"))
    assert write(org).json() == {"success": True, "errors": [], "created": True}


def test_a_fault_hits_the_nth_request_of_method_path_and_key(org: Org) -> None:
    org.sandbox.faults.add(
        faults.on_match(faults.SERVER_ERROR, 2, method="PATCH", path="Invoice__c", key="64af", times=2)
    )
    statuses = [
        org.upsert("Invoice__c", "Docflo_Id__c", key, NUMBER).status_code
        for key in ("64af", "other", "64af", "other", "64af", "64af")
    ]
    assert statuses == [201, 201, 500, 200, 500, 200]


def test_a_login_can_be_refused_for_its_rate(org: Org) -> None:
    org.sandbox.faults.add(faults.LOGIN_RATE)
    assert org.log_in().json()["error_description"] == "login rate exceeded"
    assert org.log_in().status_code == 200


def test_a_snapshot_brings_the_rows_back_and_equals_itself(org: Org) -> None:
    org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1", "Number__c": "7"})
    before = org.sandbox.snapshot()
    assert org.sandbox.snapshot() == before
    org.upsert("Invoice__c", "Docflo_Id__c", "1", {"Number__c": "8"})
    org.upsert("Invoice__c", "Docflo_Id__c", "2", {})
    assert org.sandbox.snapshot() != before
    org.sandbox.restore(before)
    assert org.sandbox.snapshot() == before
    assert org.upsert("Invoice__c", "Docflo_Id__c", "1", {}).status_code == 200
    assert org.upsert("Invoice__c", "Docflo_Id__c", "2", {}).status_code == 201


def test_a_reset_forgets_rows_faults_calls_and_journal_but_no_session(org: Org) -> None:
    write(org)
    org.sandbox.faults.add(faults.SERVER_ERROR)
    org.sandbox.reset()
    assert org.sandbox.rows("Invoice__c") == ()
    assert (org.sandbox.journal.requests, org.sandbox.journal.effects) == ((), ())
    answer = write(org)
    assert (answer.status_code, answer.headers["Sforce-Limit-Info"]) == (201, "api-usage=1/100000")


def test_the_journal_tells_when_and_what_was_answered_and_a_rows_history(org: Org) -> None:
    record_id = write(org).json()["id"]
    org.upsert("Invoice__c", "Docflo_Id__c", "1", {"Number__c": "8"})
    entry = org.sandbox.journal.requests[0]
    assert entry.at.tzinfo is not None
    assert record_id.encode() in entry.answer
    history: list[Any] = [effect.values.get("Number__c") for effect in org.sandbox.journal.history(record_id)]
    assert history == ["7", "8"]


def test_no_token_stands_in_an_address(org: Org) -> None:
    write(org)
    org.query("SELECT Id FROM Invoice__c")
    for entry in org.sandbox.journal.requests:
        token = entry.headers["authorization"].removeprefix("Bearer ")
        assert token not in entry.path
        assert token not in "".join(entry.query.values())


def test_beyond_the_long_requests_that_it_takes_an_org_refuses(make_org: MakeOrg) -> None:
    org = make_org(options=Options(latency=0.6, long_seconds=0.2, most_long_requests=2))
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(org.send, "GET", "/sobjects") for _ in range(2)]
        time.sleep(0.4)
        refused = org.send("GET", "/sobjects")
        assert [call.result().status_code for call in running] == [200, 200]
    assert code(refused) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert "ConcurrentPerOrgLongTxn" in refused.json()[0]["message"]
    assert org.send("GET", "/sobjects").status_code == 200


def send_graph(org: Org) -> httpx.Response:
    data = "/services/data/v66.0/sobjects"
    header = {
        "method": "PATCH",
        "url": f"{data}/Invoice__c/Docflo_Id__c/1",
        "referenceId": "hdr",
        "body": {"Number__c": "8"},
    }
    line = {
        "method": "POST",
        "url": f"{data}/Invoice_Line__c",
        "referenceId": "l1",
        "body": {"Invoice__c": "@{hdr.id}", "Docflo_Key__c": "1:1"},
    }
    return org.graphs({"graphId": "d1", "compositeRequest": [header, line]})


def send_collection(org: Org) -> httpx.Response:
    records = [{"attributes": {"type": "Invoice__c"}, "Docflo_Id__c": key} for key in ("1", "2")]
    return org.send("PATCH", "/composite/sobjects/Invoice__c/Docflo_Id__c", {"records": records})


@pytest.mark.parametrize("name", sorted(FAULTS))
@pytest.mark.parametrize("send", [send_graph, send_collection])
def test_after_every_fault_the_org_is_as_before_or_as_after(
    org: Org, name: str, send: Callable[[Org], httpx.Response]
) -> None:
    org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1", "Number__c": "7"})
    before = org.sandbox.snapshot()
    send(org)
    after = org.sandbox.snapshot()
    org.sandbox.restore(before)
    org.client.timeout = httpx.Timeout(0.3)
    fault = replace(FAULTS[name], seconds=5.0)
    org.sandbox.faults.add(faults.on_match(fault, path="composite", operation="*"))
    with suppress(httpx.TransportError):
        send(org)
    assert org.sandbox.faults.pending == ()
    assert values(org.sandbox.snapshot()) in (values(before), values(after))


def values(snapshot: Snapshot) -> dict[str, list[dict[str, Any]]]:
    """Give what was written, without what the org numbers anew."""
    numbered = ("Id", "Name", "Invoice__c")
    return {
        name: [{key: value for key, value in row.items() if key not in numbered} for row in rows.values()]
        for name, rows in snapshot.rows.items()
    }
