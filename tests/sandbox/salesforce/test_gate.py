"""What stands before every data request: session, rights, allowance, version, address."""

from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest

from connector.sandbox.faults import Fault
from tests.sandbox.salesforce.org import MakeOrg, Org, code


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic abc"])
def test_data_without_a_good_token_is_401(org: Org, authorization: str) -> None:
    org.client.headers["Authorization"] = authorization
    assert code(org.send("GET", "/sobjects")) == (401, "INVALID_SESSION_ID")


def test_a_client_without_api_rights_logs_in_and_is_refused_data(make_org: MakeOrg) -> None:
    org = make_org(without_api={"sandbox-consumer"})
    assert org.log_in().status_code == 200
    assert code(org.send("GET", "/sobjects")) == (403, "API_DISABLED_FOR_ORG")


def test_every_data_answer_tells_the_usage_errors_too(org: Org) -> None:
    assert org.send("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=1/100000"
    assert (
        org.send("GET", "/sobjects/Nothing__c/describe").headers["Sforce-Limit-Info"] == "api-usage=2/100000"
    )
    org.sandbox.revoke_tokens()
    assert org.send("GET", "/limits").headers["Sforce-Limit-Info"] == "api-usage=2/100000"


def test_a_spent_allowance_is_403_until_the_window_has_moved_on(make_org: MakeOrg) -> None:
    org = make_org(daily_limit=2, token_lifetime=timedelta(days=2))
    org.send("GET", "/limits")
    assert org.send("GET", "/limits").json()["DailyApiRequests"] == {"Max": 2, "Remaining": 0}
    answer = org.send("POST", "/sobjects/Account", {"Name": "Acme"})
    assert code(answer) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert answer.json()[0]["message"] == "TotalRequests Limit exceeded."
    assert org.sandbox.rows("Account") == ()
    org.clock.move(timedelta(hours=24))
    assert org.send("GET", "/limits").status_code == 200


def test_versions_need_no_login(org: Org) -> None:
    org.client.headers["Authorization"] = ""
    versions = org.client.get("/services/data").json()
    assert [versions[0]["version"], versions[-1]["version"]] == ["50.0", "67.0"]
    assert versions[-1] == {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v68.0", (404, "NOT_FOUND")),
        ("v66", (404, "NOT_FOUND")),
        ("latest", (404, "NOT_FOUND")),
        ("v30.0", (410, "UNSUPPORTED_API_VERSION")),
    ],
)
def test_an_unknown_version_is_404_and_a_retired_one_410(
    org: Org, version: str, expected: tuple[int, str]
) -> None:
    assert code(org.send("GET", "/sobjects", version=version)) == expected


@pytest.mark.parametrize("path", ["/composite/nothing", "/jobs/query", "/nothing", ""])
def test_what_is_not_built_is_404(org: Org, path: str) -> None:
    assert code(org.send("POST", path, {})) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/sobjects"),
        ("PATCH", "/sobjects/Account"),
        ("PATCH", "/sobjects/Account/"),
        ("GET", "/composite/graph"),
        ("POST", "/limits"),
    ],
)
def test_a_wrong_method_is_405(org: Org, method: str, path: str) -> None:
    assert code(org.send(method, path, {})) == (405, "METHOD_NOT_ALLOWED")


def test_an_address_beyond_16_kilobytes_is_414(org: Org) -> None:
    assert org.query("SELECT Id FROM Account" + " " * 17_000).status_code == 414


def test_a_body_of_another_content_type_is_415(org: Org) -> None:
    answer = org.client.post("/services/data/v66.0/sobjects/Account", content=b'{"Name": "Acme"}')
    assert answer.status_code == 415


@pytest.mark.parametrize("content", [b'{"Name": ', b"\xff", b"", b"[1]", b"[" * 5000])
def test_a_body_that_is_no_json_object_is_refused_as_such(org: Org, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = org.client.post("/services/data/v66.0/sobjects/Account", content=content, headers=headers)
    assert code(answer) == (400, "JSON_PARSER_ERROR")


def test_hidden_objects_and_fields_look_as_if_they_did_not_exist(make_org: MakeOrg) -> None:
    org = make_org(hidden={"sandbox-consumer": {"Account", "Invoice__c.Notes__c"}})
    names = [found["name"] for found in org.send("GET", "/sobjects").json()["sobjects"]]
    assert "Account" not in names
    assert "Invoice__c" in names
    assert code(org.send("GET", "/sobjects/Account/describe")) == (404, "NOT_FOUND")
    assert code(org.query("SELECT Id FROM Account")) == (400, "INVALID_TYPE")
    described = org.send("GET", "/sobjects/Invoice__c/describe").json()["fields"]
    assert "Notes__c" not in [field["name"] for field in described]
    assert code(org.send("POST", "/sobjects/Invoice__c", {"Notes__c": "x"})) == (400, "INVALID_FIELD")
    assert org.send("POST", "/sobjects/Invoice__c", {"Number__c": "1"}).status_code == 201
    assert org.sandbox.rows("Invoice__c")[0]["Notes__c"] is None


def test_a_reference_to_a_hidden_object_is_refused(make_org: MakeOrg) -> None:
    org = make_org(hidden={"sandbox-consumer": {"Account"}})
    org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    answer = org.send("POST", "/sobjects/Invoice__c", {"Vendor__r": {"Tax_Id__c": "51"}})
    assert code(answer) == (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")


def test_a_planned_fault_hits_the_operation_it_names(org: Org) -> None:
    org.sandbox.faults.add(Fault(kind="status", operation="upsert", status=503))
    key = quote("64af", safe="")
    path = f"/sobjects/Invoice__c/Docflo_Id__c/{key}"
    assert org.send("GET", "/limits").status_code == 200
    assert org.send("PATCH", path, {}).status_code == 503
    assert org.sandbox.rows("Invoice__c") == ()
    assert org.send("PATCH", path, {}).status_code == 201


def test_a_lost_answer_leaves_its_effect_and_the_repeat_finds_it(org: Org) -> None:
    org.sandbox.faults.add(Fault(kind="drop_after", operation="graph"))
    url = "/services/data/v66.0/sobjects/Invoice__c/Docflo_Id__c/64af"
    nodes = [{"method": "PATCH", "url": url, "referenceId": "hdr", "body": {"Number__c": "7"}}]
    graph = {"graphId": "d1", "compositeRequest": nodes}
    with pytest.raises(httpx.RemoteProtocolError):
        org.graphs(graph)
    (node,) = org.graphs(graph).json()["graphs"][0]["graphResponse"]["compositeResponse"]
    assert node["body"]["created"] is False
    assert [effect.kind for effect in org.sandbox.journal.effects] == ["created", "updated"]
    assert len(org.sandbox.rows("Invoice__c")) == 1
