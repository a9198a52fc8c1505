from decimal import Decimal
from typing import Any

import pytest

from connector.adapters.base import Idempotency, Severity
from connector.adapters.memory import MemoryAdapter, MemorySettings
from connector.errors import ConfigError, OutcomeUnknownError, RejectedError, UnavailableError
from connector.record import Receipt, RecordShape
from tests.factories import make_line, make_record


def make_adapter(idempotency: Idempotency = Idempotency.NATIVE, **parts: Any) -> MemoryAdapter:
    settings = MemorySettings(adapter="memory", idempotency=idempotency, batch_size=25)
    return MemoryAdapter(settings, **parts)


def test_a_scripted_error_is_raised_once_and_does_nothing() -> None:
    adapter = make_adapter()
    adapter.fail_next(UnavailableError("down"))

    with pytest.raises(UnavailableError):
        adapter.deliver([make_record()])

    assert adapter.held == {}
    assert isinstance(adapter.deliver([make_record()])[0], Receipt)


def test_a_lost_answer_leaves_the_record_behind() -> None:
    adapter = make_adapter()
    adapter.lose_answer_next()

    with pytest.raises(OutcomeUnknownError):
        adapter.deliver([make_record("k")])

    assert list(adapter.held) == ["k"]


@pytest.mark.parametrize("idempotency", [Idempotency.LOOKUP, Idempotency.CREATE_ONLY])
def test_a_target_that_is_not_native_makes_a_second_object_for_a_second_call(
    idempotency: Idempotency,
) -> None:
    adapter = make_adapter(idempotency)

    receipts = [adapter.deliver([make_record("k")])[0] for _ in range(2)]

    assert adapter.created == 2
    assert receipts[0] != receipts[1]


def test_lines_that_are_absent_stay() -> None:
    adapter = make_adapter()
    adapter.deliver([make_record("k", lines=(make_line("a"), make_line("b")))])
    adapter.deliver([make_record("k", lines=(make_line("b", fields={"Description__c": None}),))])

    _, record = adapter.held["k"]
    assert [(line.key, line.fields) for line in record.lines] == [
        ("a", {"Description__c": "Paper"}),
        ("b", {}),
    ]


def test_what_is_not_a_number_is_rejected() -> None:
    [outcome] = make_adapter().deliver([make_record(fields={"Total__c": Decimal("NaN")})])

    assert isinstance(outcome, RejectedError)


def test_check_names_the_place_of_a_missing_field() -> None:
    shape = RecordShape(object="X", key_field="K", fields=("A", "B"), places=("m.yaml:1:1", "m.yaml:2:1"))

    [finding] = make_adapter(fields={"X": {"A"}}).check([shape])

    assert (finding.severity, finding.subject) == (Severity.ERROR, "X.B")
    assert finding.message.startswith("m.yaml:2:1: ")


def test_describe_gives_the_known_fields_and_none_where_everything_is_accepted() -> None:
    known = make_adapter(fields={"Bill": ["Number", "Total"]})

    assert [field.name for field in known.describe("Bill").fields] == ["Number", "Total"]
    assert make_adapter().describe("Bill").fields == ()
    with pytest.raises(ConfigError, match="no object Bil; it has Bill"):
        known.describe("Bil")
