from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connector.adapters.base import Idempotency
from connector.adapters.memory import MemoryAdapter, MemorySettings
from tests.contract.adapter_contract import AdapterContract, Target

FIELDS = {"Invoice__c": {"Number__c", "Total__c"}, "Invoice_Line__c": {"Description__c"}}


class MemoryTarget(Target):
    """The memory adapter, which can be looked into."""

    def __init__(self, idempotency: Idempotency) -> None:
        settings = MemorySettings(adapter="memory", idempotency=idempotency, batch_size=25)
        self.adapter: MemoryAdapter = MemoryAdapter(settings, fields=FIELDS)

    def headers(self, key: str) -> Sequence[Mapping[str, Any]]:
        # Whatever was made twice has lost its place in `held` to its successor, but was counted.
        held = [record.fields for name, (_, record) in self.adapter.held.items() if name == key]
        return held + [{}] * (self.adapter.created - len(self.adapter.held))

    def lines(self, key: str) -> Mapping[str, Mapping[str, Any]]:
        held = self.adapter.held
        return {line.key: line.fields for line in held[key][1].lines} if key in held else {}

    def lose_next_answer(self) -> None:
        self.adapter.lose_answer_next()


class TestMemory(AdapterContract):
    """The contract, for each promise that the memory target can make but `create_only`."""

    @pytest.fixture(params=[Idempotency.NATIVE, Idempotency.LOOKUP])
    def target(self, request: pytest.FixtureRequest) -> Target:
        return MemoryTarget(request.param)
