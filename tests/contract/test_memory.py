from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connector.adapters.base import Idempotency
from connector.adapters.memory import MemoryAdapter, MemorySettings
from tests.contract.adapter_contract import AdapterContract, NativeAdapterContract, Target

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


class TestMemory(NativeAdapterContract):
    """The contract, for a memory target that sets by key."""

    @pytest.fixture
    def target(self) -> Target:
        return MemoryTarget(Idempotency.NATIVE)


class TestMemoryWithLookup(AdapterContract):
    """The contract, for a memory target that must be asked first."""

    @pytest.fixture
    def target(self) -> Target:
        return MemoryTarget(Idempotency.LOOKUP)
