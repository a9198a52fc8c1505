"""The sandbox's own address: what a test in another process can do."""

from typing import Any

import pytest

from connector.sandbox.salesforce import faults
from connector.sandbox.salesforce.admin import FAULTS
from tests.sandbox.salesforce.org import Org, code


def admin(org: Org, method: str, path: str, body: object = None) -> Any:
    answer = org.client.request(method, f"/sandbox/{path}", json=body, headers={"Authorization": ""})
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def test_a_fault_is_planned_by_name_for_method_path_and_key(org: Org) -> None:
    planned = {"name": "SESSION_EXPIRED", "nth": 2, "method": "PATCH", "path": "Invoice__c", "key": "64af"}
    admin(org, "POST", "faults", planned)
    answers = [org.upsert("Invoice__c", "Docflo_Id__c", key, {}) for key in ("64af", "x", "64af", "64af")]
    assert [answer.status_code for answer in answers] == [201, 201, 401, 200]


def test_every_fault_without_parameters_has_a_name() -> None:
    assert {"session_expired", "reset_after_commit", "maintenance"} <= set(FAULTS)
    assert FAULTS["redirected"] is faults.REDIRECTED


@pytest.mark.parametrize("body", [{"name": "NOTHING"}, {"name": "MAINTENANCE", "often": 1}, {}, []])
def test_a_fault_that_is_not_known_is_refused(org: Org, body: object) -> None:
    answer = org.client.post("/sandbox/faults", json=body)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert org.sandbox.faults.pending == ()


def test_a_row_can_be_refused_and_the_plan_dropped(org: Org) -> None:
    planned = {"code": "UNABLE_TO_LOCK_ROW", "message": "locked", "containing": "1", "times": None}
    admin(org, "POST", "record-faults", planned)
    assert code(org.upsert("Invoice__c", "Docflo_Id__c", "1", {})) == (400, "UNABLE_TO_LOCK_ROW")
    admin(org, "DELETE", "faults")
    assert org.upsert("Invoice__c", "Docflo_Id__c", "1", {}).status_code == 201


def test_the_journal_and_the_rows_are_told_without_tokens(org: Org) -> None:
    org.upsert("Invoice__c", "Docflo_Id__c", "1", {})
    journal = admin(org, "GET", "journal")
    assert (journal["counts"], [effect["kind"] for effect in journal["effects"]]) == (
        {"upsert": 1},
        ["created"],
    )
    assert "Bearer" not in str(journal)
    assert [row["Docflo_Id__c"] for row in admin(org, "GET", "rows/Invoice__c")] == ["1"]
    assert org.client.get("/sandbox/rows/Nothing__c").status_code == 400


def test_snapshots_resets_and_revocation(org: Org) -> None:
    org.upsert("Invoice__c", "Docflo_Id__c", "1", {})
    number = admin(org, "POST", "snapshots")["number"]
    admin(org, "POST", "reset")
    assert org.sandbox.rows("Invoice__c") == ()
    admin(org, "POST", f"snapshots/{number}")
    assert len(org.sandbox.rows("Invoice__c")) == 1
    admin(org, "POST", "revoke")
    assert code(org.send("GET", "/sobjects")) == (401, "INVALID_SESSION_ID")
    assert org.client.post("/sandbox/snapshots/7").status_code == 400


def test_files_among_the_rows_are_told_as_base64(org: Org) -> None:
    org.send("POST", "/sobjects/ContentVersion", {"PathOnClient": "a.txt", "VersionData": "eA=="})
    assert admin(org, "GET", "rows/ContentVersion")[0]["VersionData"] == "eA=="
