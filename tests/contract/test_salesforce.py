from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from connector.adapters.base import Outcome
from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.clock import Clock, utc_now
from connector.errors import ConfigError
from connector.record import Record
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.salesforce.options import Options
from connector.sandbox.server import SandboxServer
from tests.contract.adapter_contract import NativeAdapterContract, Target
from tests.contract.job_book import MemoryBook


class SalesforceTarget(Target):
    """The Salesforce adapter over real HTTP, and the org's rows behind its back."""

    adapter: SalesforceAdapter

    def __init__(self, sandbox: SalesforceSandbox, url: str, **more: Any) -> None:
        settings = SalesforceSettings.model_validate({
            "adapter": "salesforce",
            "login_url": url,
            "consumer_key": "${env:SF_KEY}",
            "consumer_secret": "${env:SF_SECRET}",
            **more,
        })  # fmt: skip
        self.adapter = self._adapter(settings)
        self.sandbox = sandbox

    def _adapter(self, settings: SalesforceSettings) -> SalesforceAdapter:
        return SalesforceAdapter(settings, clock=utc_now)

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

    def test_describe_tells_the_fields_that_can_be_written_and_the_lines(
        self, target: SalesforceTarget
    ) -> None:
        described = target.adapter.describe("Invoice__c")

        fields = {field.name: field for field in described.fields}
        assert "CreatedDate" not in fields
        assert (fields["Total__c"].type, fields["Date__c"].type) == ("decimal", "date")
        assert (fields["Number__c"].label, fields["Number__c"].length) == ("Number", 80)
        assert (fields["CurrencyIsoCode"].type, "EUR" in fields["CurrencyIsoCode"].choices) == (
            "currency",
            True,
        )
        assert fields["Docflo_Id__c"].is_key
        assert (fields["Vendor__c"].refers_to, fields["Vendor__c"].named_through) == (
            ("Account",),
            "Vendor__r",
        )
        assert [(line.object.name, line.parent_field) for line in described.lines] == [
            ("Invoice_Line__c", "Invoice__c")
        ]
        assert "Amount__c" in {field.name for field in described.lines[0].object.fields}

    def test_describe_leaves_out_what_the_adapter_fills_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SF_KEY", "sandbox-consumer")
        monkeypatch.setenv("SF_SECRET", "sandbox-secret")
        sandbox = SalesforceSandbox()
        with SandboxServer(sandbox.app) as server:
            target = SalesforceTarget(sandbox, server.url, completion_field="notes__c")
            described = target.adapter.describe("Invoice__c")
            target.adapter.close()

        assert "Notes__c" not in {field.name for field in described.fields}

    def test_describe_of_an_unknown_object_names_what_was_meant(self, target: SalesforceTarget) -> None:
        with pytest.raises(ConfigError, match=r'no object Invoices__c; did you mean "Invoice__c"'):
            target.adapter.describe("Invoices__c")


class InBulk(SalesforceAdapter):
    """Delivers every batch, however small, as a load."""

    def __init__(self, settings: SalesforceSettings, *, clock: Clock) -> None:
        super().__init__(settings, clock=clock)
        self.book = MemoryBook()

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        return self.load(records, self.book)


class BulkTarget(SalesforceTarget):
    """The same adapter where it loads by jobs."""

    def _adapter(self, settings: SalesforceSettings) -> SalesforceAdapter:
        return InBulk(settings, clock=utc_now)

    def lose_next_answer(self) -> None:
        # The job is closed, and whatever asks about that gets no answer.
        self.sandbox.faults.add(Fault(kind="drop_after", operation="bulk_patch", times=3))


class TestSalesforceInBulk(NativeAdapterContract):
    """The contract again, where rows travel in jobs and a marker says which records are whole."""

    @pytest.fixture
    def target(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[SalesforceTarget]:
        monkeypatch.setenv("SF_KEY", "sandbox-consumer")
        monkeypatch.setenv("SF_SECRET", "sandbox-secret")
        monkeypatch.setattr("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6)
        sandbox = SalesforceSandbox(options=Options(bulk_delay=0.0))
        with SandboxServer(sandbox.app) as server:
            target = BulkTarget(sandbox, server.url, bulk_from=1, completion_field="PO_Number__c")
            yield target
            target.adapter.close()
