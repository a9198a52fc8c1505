"""A client written by others finds what it expects: simple-salesforce, sent to loopback."""

import time
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import bulk2
from simple_salesforce.api import Salesforce, SFType
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound
from simple_salesforce.format import format_soql

from tests.sandbox.salesforce.org import Org


class ToLoopback(HTTPAdapter):
    """Sends https requests, which the library insists on, to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._netloc = urlsplit(url).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(request.url or "")
        request.url = urlunsplit(("http", self._netloc, str(parts.path), str(parts.query), ""))
        return super().send(request, *args, **{**kwargs, "timeout": 5})


@pytest.fixture
def salesforce(org: Org) -> Salesforce:
    session = requests.Session()
    session.mount("https://", ToLoopback(org.url))
    return Salesforce(
        consumer_key="sandbox-consumer",
        consumer_secret="sandbox-secret",
        domain="acme.my",
        session=session,
        version="66.0",
    )


def test_it_logs_in_writes_queries_and_describes(org: Org, salesforce: Salesforce) -> None:
    invoices = SFType(
        "Invoice__c",
        salesforce.session_id,
        salesforce.sf_instance,
        salesforce.sf_version,
        None,
        salesforce.session,
    )
    assert invoices.create({"Number__c": "7"})["success"] is True
    assert invoices.upsert("Docflo_Id__c/64af", {"Number__c": "8"}) == 201
    assert invoices.upsert("Docflo_Id__c/64af", {"Number__c": "9"}) == 200
    found = salesforce.query_all(
        format_soql("SELECT Number__c FROM Invoice__c WHERE Number__c IN {}", ["7", "9"])
    )
    assert [record["Number__c"] for record in found["records"]] == ["7", "9"]
    assert invoices.describe()["name"] == "Invoice__c"
    assert salesforce.limits()["DailyApiRequests"]["Max"] == 100_000
    assert salesforce.api_usage["api-usage"].total == 100_000
    assert len(org.sandbox.rows("Invoice__c")) == 2


def test_it_raises_its_own_errors_for_our_refusals(org: Org, salesforce: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest) as refused:
        salesforce.restful("sobjects/Account", method="POST", json={})
    assert "REQUIRED_FIELD_MISSING" in str(refused.value.content)
    with pytest.raises(SalesforceResourceNotFound):
        salesforce.restful("sobjects/Nothing__c/describe")
    assert org.sandbox.rows("Account") == ()


def test_its_bulk_driver_finds_its_job_its_counts_and_its_rows(
    org: Org, salesforce: Salesforce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk2, "sleep", lambda _: time.sleep(0.02))
    invoices: Any = getattr(salesforce.bulk2, "Invoice__c")  # noqa: B009 made on the fly, untyped
    rows = [{"Docflo_Id__c": str(number), "Number__c": f"n{number}"} for number in range(5)]
    rows[3]["Number__c"] = "x" * 81
    (job,) = invoices.upsert(records=rows, external_id_field="Docflo_Id__c")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (5, 1)
    assert "STRING_TOO_LONG" in invoices.get_failed_records(job["job_id"])
    assert invoices.get_successful_records(job["job_id"]).count("true") == 4
    assert len(invoices.get_unprocessed_records(job["job_id"]).splitlines()) == 1
    assert len(org.sandbox.rows("Invoice__c")) == 4


def test_it_reaches_composite_and_collections_by_hand(org: Org, salesforce: Salesforce) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in "ab"]
    found: Any = salesforce.restful("composite/sobjects", method="POST", json={"records": records})
    assert [row["success"] for row in found] == [True, True]
    part = {"method": "GET", "url": "/services/data/v66.0/limits", "referenceId": "a"}
    answer: Any = salesforce.restful("composite", method="POST", json={"compositeRequest": [part]})
    assert answer["compositeResponse"][0]["httpStatusCode"] == 404
    assert len(org.sandbox.rows("Account")) == 2
