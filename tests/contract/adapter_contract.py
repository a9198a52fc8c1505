"""What every adapter must do, whatever its target. A subclass says how to make one and how to look inside."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec import structs

from connector.adapters.base import Adapter, Idempotency, Outcome, Severity
from connector.errors import ConfigError, ConnectorError, OutcomeUnknownError, PermanentError
from connector.record import Line, Receipt, Record, RecordShape
from tests.factories import make_line, make_record

TEXTS = (
    "חשבונית מס ״קבלה״ מס\u05f3 17",
    "Ærøskøbing, Łódź, Đà Nẵng",
    "e\u0301 is not \u00e9",
    "🧾 👩‍👩‍👧 \U0001d518",
    "a\u200fb\u2028c",
    "\"quoted\", back\\slash, {{x}}, ${x}, <b>&amp;</b>, 'it''s'",
    "{}",
    "null",
)
AMOUNTS = ("0", "0.01", "-17.5", "1234567890.12", "99999999999999.99", "0.1", "100000", "1E+5", "12.30")


class Target(ABC):
    """One target under test: its adapter, and a look behind the adapter's back at what it holds."""

    adapter: Adapter

    @abstractmethod
    def headers(self, key: str) -> Sequence[Mapping[str, Any]]:
        """Give the fields of all header objects with this key; empty fields are None or absent."""

    @abstractmethod
    def lines(self, key: str) -> Mapping[str, Mapping[str, Any]]:
        """Give the lines of the header with this key, by their keys."""

    @abstractmethod
    def lose_next_answer(self) -> None:
        """Let the next delivery be carried out and its answer be lost."""


class AdapterContract:
    """The tests. `target` is a fixture of the subclass."""

    def test_a_delivered_record_is_held_once_with_its_lines(self, target: Target) -> None:
        record = invoice("k1", lines=2)

        [receipt] = target.adapter.deliver([record])

        assert isinstance(receipt, Receipt)
        assert receipt.id
        assert receipt.created is not False
        assert len(target.headers("k1")) == 1
        assert set(target.lines("k1")) == {"k1:0", "k1:1"}

    def test_the_same_key_is_the_same_object_however_often(self, target: Target) -> None:
        record = invoice("k1", lines=2)

        ids = {deliver_as_a_pipeline_does(target, record).id for _ in range(4)}

        assert len(ids) == 1
        assert len(target.headers("k1")) == 1
        assert len(target.lines("k1")) == 2

    def test_a_lost_answer_and_another_delivery_make_one_object(self, target: Target) -> None:
        record = invoice("k1", lines=2)
        target.lose_next_answer()
        with pytest.raises(OutcomeUnknownError):
            target.adapter.deliver([record])

        deliver_as_a_pipeline_does(target, record)

        assert len(target.headers("k1")) == 1
        assert len(target.lines("k1")) == 2

    def test_a_bad_line_keeps_its_header_and_the_other_lines_out(self, target: Target) -> None:
        record = invoice("k1", lines=3)
        bad = structs.replace(record.lines[1], fields={"No_Such_Field__c": "x"})

        [outcome] = target.adapter.deliver(
            [structs.replace(record, lines=(record.lines[0], bad, record.lines[2]))]
        )

        assert isinstance(outcome, PermanentError | ConfigError)
        assert "No_Such_Field__c" in outcome.message
        assert target.headers("k1") == []
        assert target.lines("k1") == {}

    def test_a_bad_record_does_not_touch_its_neighbours(self, target: Target) -> None:
        records = [
            invoice("k1", lines=1),
            invoice("k2", fields={"No_Such_Field__c": "x"}),
            invoice("k3", lines=1),
        ]

        outcomes = target.adapter.deliver(records)

        assert [isinstance(outcome, Receipt) for outcome in outcomes] == [True, False, True]
        assert [len(target.headers(record.key)) for record in records] == [1, 0, 1]

    def test_many_bad_records_do_not_touch_the_good_ones_among_them(self, target: Target) -> None:
        records = [
            invoice(f"k{index}", fields={"No_Such_Field__c": "x"} if index % 3 else {"Number__c": str(index)})
            for index in range(25)
        ]

        outcomes = target.adapter.deliver(records)

        assert [isinstance(outcome, Receipt) for outcome in outcomes] == [
            index % 3 == 0 for index in range(25)
        ]
        assert not any(isinstance(outcome, Receipt) for outcome in outcomes[1::3])

    def test_outcomes_are_in_the_order_of_the_records(self, target: Target) -> None:
        records = [invoice(f"k{index}", lines=index % 3) for index in range(8)]

        outcomes = target.adapter.deliver(records)

        assert receipt_ids(outcomes) == receipt_ids(target.adapter.lookup(records))

    def test_no_records_are_no_outcomes(self, target: Target) -> None:
        assert list(target.adapter.deliver([])) == []
        assert list(target.adapter.lookup([])) == []

    def test_lookup_finds_what_was_delivered_and_not_what_was_not(self, target: Target) -> None:
        held, absent = invoice("k1"), invoice("k2")
        [receipt] = target.adapter.deliver([held])

        found = target.adapter.lookup([absent, held, invoice("k"), invoice("k11")])

        assert isinstance(receipt, Receipt)
        assert isinstance(found[1], Receipt)
        assert found[1].id == receipt.id
        assert found[1].url == receipt.url
        assert [found[0], found[2], found[3]] == [None, None, None]

    @pytest.mark.parametrize(
        "key",
        [
            "a/b",
            "a?b=1&c",
            "a#b",
            "50%",
            "%2F",
            "a b",
            "a+b",
            "O'Brien\"",
            "back\\slash",
            "מס-17",
            "t:p:65f0c0",
            "a..b",
        ],
    )
    def test_any_key_names_one_object(self, target: Target, key: str) -> None:
        record = invoice(key, lines=1)

        receipt = deliver_as_a_pipeline_does(target, record)
        again = deliver_as_a_pipeline_does(target, record)

        assert again.id == receipt.id
        assert len(target.headers(key)) == 1
        assert target.adapter.lookup([record])[0] is not None

    @pytest.mark.parametrize("digits", AMOUNTS)
    def test_amounts_are_held_digit_for_digit(self, target: Target, digits: str) -> None:
        amount = Decimal(digits)

        target.adapter.deliver([invoice("k1", lines=1, fields={"Total__c": amount})])

        held = target.headers("k1")[0]["Total__c"]
        assert isinstance(held, Decimal | int)
        assert not isinstance(held, bool)
        assert f"{held:f}" == f"{amount:f}"

    @pytest.mark.parametrize("text", TEXTS)
    def test_text_is_held_code_point_for_code_point(self, target: Target, text: str) -> None:
        target.adapter.deliver([invoice("k1", fields={"Number__c": text}, lines=1, words=text)])

        assert target.headers("k1")[0]["Number__c"] == text
        assert target.lines("k1")["k1:0"]["Description__c"] == text

    def test_check_finds_a_missing_field_and_its_place(self, target: Target) -> None:
        places = ("mappings/x.yaml:7:5", "mappings/x.yaml:8:5")
        shape = RecordShape(
            object="Invoice__c", key_field="Docflo_Id__c", fields=("Number__c", "Nunber__c"), places=places
        )

        errors = [finding for finding in target.adapter.check([shape]) if finding.severity is Severity.ERROR]

        assert [finding.subject for finding in errors] == ["Invoice__c.Nunber__c"]
        assert "mappings/x.yaml:8:5" in errors[0].message

    def test_check_is_content_with_what_can_be_written(self, target: Target) -> None:
        shapes = [
            RecordShape(object="Invoice__c", key_field="Docflo_Id__c", fields=("Number__c", "Total__c")),
            RecordShape(
                object="Invoice_Line__c",
                key_field="Docflo_Key__c",
                fields=("Description__c",),
                parent_field="Invoice__c",
            ),
        ]

        findings = target.adapter.check(shapes)

        assert findings
        assert [finding for finding in findings if finding.severity is Severity.ERROR] == []


class NativeAdapterContract(AdapterContract):
    """And what a target that sets by key must do besides: deliver again, with other content."""

    def test_a_new_line_joins_those_that_are_there(self, target: Target) -> None:
        target.adapter.deliver([invoice("k1", lines=2)])

        [receipt] = target.adapter.deliver([invoice("k1", lines=3)])

        assert isinstance(receipt, Receipt)
        assert set(target.lines("k1")) == {"k1:0", "k1:1", "k1:2"}

    def test_a_bad_line_leaves_what_was_there_as_it_was(self, target: Target) -> None:
        target.adapter.deliver([invoice("k1", lines=1, fields={"Number__c": "before"})])
        worse = invoice("k1", fields={"Number__c": "after"})

        target.adapter.deliver([structs.replace(worse, lines=(line("k1:0", No_Such_Field__c="x"),))])

        assert target.headers("k1")[0]["Number__c"] == "before"

    def test_none_clears_and_what_is_absent_is_left_alone(self, target: Target) -> None:
        target.adapter.deliver([invoice("k1", fields={"Number__c": "R-1", "Total__c": Decimal(7)})])

        target.adapter.deliver([invoice("k1", fields={"Total__c": None})])

        [header] = target.headers("k1")
        assert header.get("Total__c") is None
        assert header["Number__c"] == "R-1"


def invoice(key: str, *, lines: int = 0, words: str = "Paper", **parts: Any) -> Record:
    """Give a record that any target here takes."""
    made = tuple(line(f"{key}:{index}", Description__c=words) for index in range(lines))
    return make_record(key, lines=made, **parts)


def line(key: str, **fields: Any) -> Line:
    """Give a line with these fields."""
    return make_line(key, fields=fields)


def deliver_as_a_pipeline_does(target: Target, record: Record) -> Receipt:
    """Deliver, asking first where the target cannot be trusted with a repetition."""
    if target.adapter.idempotency is not Idempotency.NATIVE:
        [found] = target.adapter.lookup([record])
        assert not isinstance(found, ConnectorError), found
        if found is not None:
            return found
    [outcome] = target.adapter.deliver([record])
    assert isinstance(outcome, Receipt), outcome
    return outcome


def receipt_ids(outcomes: Sequence[Outcome | None]) -> list[str]:
    """Give the ids, all of which must be there."""
    ids = [outcome.id for outcome in outcomes if isinstance(outcome, Receipt)]
    assert len(ids) == len(outcomes)
    return ids
