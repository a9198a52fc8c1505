import os
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connector.adapters.soap.adapter import SoapAdapter
from connector.adapters.soap.settings import SoapSettings
from connector.clock import utc_now
from connector.errors import RejectedError
from connector.sandbox.erp.habits import Habits
from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.faults import Fault
from connector.sandbox.server import SandboxServer
from tests.contract.adapter_contract import AMOUNTS, AdapterContract, Target, invoice

PROFILE = Path(__file__).parents[1] / "samples" / "soap" / "erp.yaml"


class ErpTarget(Target):
    """The SOAP adapter over real HTTP, and the ERP's rows behind its back."""

    def __init__(self, sandbox: ErpSandbox, url: str) -> None:
        settings = SoapSettings.model_validate({
            "adapter": "soap",
            "profile": PROFILE,
            "settings": {"address": f"{url}{PATH}"},
            "secrets": {"user": "${env:ERP_USER}", "password": "${env:ERP_PASSWORD}"},
        })  # fmt: skip
        self.adapter: SoapAdapter = SoapAdapter(settings, clock=utc_now)
        self.sandbox = sandbox

    def headers(self, key: str) -> Sequence[Mapping[str, Any]]:
        rows = [row.element for row in self.sandbox.rows() if row.key == key]
        return [
            {"Number__c": row.findtext("{*}note"), "Total__c": Decimal(row.findtext("{*}grossTotal"))}
            for row in rows
        ]

    def lines(self, key: str) -> Mapping[str, Mapping[str, Any]]:
        rows = [row.element for row in self.sandbox.rows() if row.key == key]
        return {
            f"{key}:{at}": {"Description__c": line.findtext("{*}description")}
            for row in rows
            for at, line in enumerate(row.findall("{*}lines/{*}line"))
        }

    def lose_next_answer(self) -> None:
        self.sandbox.faults.add(Fault(kind="drop_after", operation="CreateVendorInvoice"))


class TestSoap(AdapterContract):
    """The contract, over a sandbox ERP that must be asked and wants a session."""

    @pytest.fixture
    def target(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[ErpTarget]:
        monkeypatch.setitem(os.environ, "ERP_USER", Habits().user)
        monkeypatch.setitem(os.environ, "ERP_PASSWORD", Habits().password)
        sandbox = ErpSandbox()
        sandbox.behave(login="session")
        with SandboxServer(sandbox.app) as server:
            target = ErpTarget(sandbox, server.url)
            yield target
            target.adapter.close()

    # The ERP's schema takes 15 digits, and nothing is rounded to fit.
    @pytest.mark.parametrize("digits", [digits for digits in AMOUNTS if digits != "99999999999999.99"])
    def test_amounts_are_held_digit_for_digit(self, target: Target, digits: str) -> None:
        super().test_amounts_are_held_digit_for_digit(target, digits)

    @pytest.mark.parametrize("digits", ["99999999999999.99", "0.005"])
    def test_an_amount_that_the_schema_does_not_take_is_refused_before_it_is_sent(
        self, target: Target, digits: str
    ) -> None:
        [outcome] = target.adapter.deliver([invoice("k1", fields={"Total__c": Decimal(digits)})])

        assert isinstance(outcome, RejectedError)
        assert "invoice/grossTotal (record.Total__c)" in outcome.message
        assert target.headers("k1") == []
