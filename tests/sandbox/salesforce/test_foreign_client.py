"""A client written by others finds what it expects: simple-salesforce, sent to loopback."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
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
