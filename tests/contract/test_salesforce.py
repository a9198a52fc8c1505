from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.clock import utc_now
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.server import SandboxServer
from tests.contract.adapter_contract import NativeAdapterContract, Target


class SalesforceTarget(Target):
    """The Salesforce adapter over real HTTP, and the org's rows behind its back."""

    def __init__(self, sandbox: SalesforceSandbox, url: str) -> None:
        settings = SalesforceSettings.model_validate({
            "adapter": "salesforce",
            "login_url": url,
            "consumer_key": "${env:SF_KEY}",
            "consumer_secret": "${env:SF_SECRET}",
        })  # fmt: skip
        self.adapter: SalesforceAdapter = SalesforceAdapter(settings, clock=utc_now)
        self.sandbox = sandbox

    def headers(self, key: str) -> Sequence[Mapping[str, Any]]:
        return [row for row in self.sandbox.rows("Invoice__c") if row["Docflo_Id__c"] == key]

    def lines(self, key: str) -> Mapping[str, Mapping[str, Any]]:
        ids = {header["Id"] for header in self.headers(key)}
        rows = self.sandbox.rows("Invoice_Line__c")
        return {row["Docflo_Key__c"]: row for row in rows if row["Invoice__c"] in ids}

    def lose_next_answer(self) -> None:
        self.sandbox.faults.add(Fault(kind="drop_after", operation="graph"))


class TestSalesforce(NativeAdapterContract):
    """The contract, over a sandbox org whose lines cannot change their invoice."""

    @pytest.fixture
    def target(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[SalesforceTarget]:
        monkeypatch.setenv("SF_KEY", "sandbox-consumer")
        monkeypatch.setenv("SF_SECRET", "sandbox-secret")
        sandbox = SalesforceSandbox()
        with SandboxServer(sandbox.app) as server:
            target = SalesforceTarget(sandbox, server.url)
            yield target
            target.adapter.close()
