"""What a mapping leaves empty in its target, of what the target tells when it is asked."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from connector.adapters.base import TargetField, TargetLines, TargetObject
from connector.console.lab.job import Written
from connector.console.lab.unfilled import Descriptions, unfilled
from connector.errors import ConnectorError, UnavailableError
from tests.factories import HandClock

LINES = TargetObject(
    name="Invoice_Line__c",
    fields=(TargetField(name="Amount__c", is_required=True), TargetField(name="Invoice__c")),
    ignores_case=True,
)
INVOICE = TargetObject(
    name="Invoice__c",
    fields=(
        TargetField(name="Docflo_Id__c", is_key=True),
        TargetField(name="Number__c"),
        TargetField(name="Vendor__c", is_required=True, refers_to=("Account",), named_through="Vendor__r"),
        TargetField(name="Due__c", is_required=True),
        TargetField(name="Note__c"),
    ),
    lines=(TargetLines(object=LINES, parent_field="Invoice__c"),),
    ignores_case=True,
)


class Target:
    """Answers from a table, counting; what is not in it is out of reach."""

    def __init__(self, *objects: TargetObject) -> None:
        self.objects = {each.name: each for each in objects}
        self.asked: list[str] = []

    def describe(self, _target: str, name: str) -> TargetObject:
        self.asked.append(name)
        if name not in self.objects:
            raise UnavailableError("nobody answers")
        return self.objects[name]


def descriptions(
    describe: Callable[[str, str], TargetObject], clock: HandClock | None = None
) -> Descriptions:
    return Descriptions(describe, clock=clock or HandClock())


def header(*fields: str) -> Written:
    return Written(object="Invoice__c", fields=("Docflo_Id__c", *fields))


def test_fields_without_a_rule_are_told_with_the_required_ones_apart() -> None:
    [found] = unfilled(
        [header("NUMBER__C", "Vendor__r.Tax_Id__c")], "crm", descriptions(Target(INVOICE).describe)
    )

    assert [each.name for each in found.required] == ["Due__c"]
    assert [each.name for each in found.others] == ["Note__c"]
    assert found.needed == {"Invoice__c.Vendor__c", "Invoice__c.Due__c"}


def test_lines_come_with_the_object_they_are_below() -> None:
    target = Target(INVOICE)
    lines = Written(object="Invoice_Line__c", fields=("Docflo_Key__c", "Invoice__c"))

    _, found = unfilled([header(), lines], "crm", descriptions(target.describe))

    assert [each.name for each in found.required] == ["Amount__c"]
    assert target.asked == ["Invoice__c"]


def test_names_count_with_their_case_where_the_target_says_so() -> None:
    bill = TargetObject(name="Bill", fields=(TargetField(name="total", is_required=True),))

    [found] = unfilled(
        [Written(object="Bill", fields=("Total",))], "erp", descriptions(Target(bill).describe)
    )

    assert [each.name for each in found.required] == ["total"]


def test_a_target_without_fields_of_its_own_takes_any() -> None:
    [found] = unfilled([header()], "memory", descriptions(Target(TargetObject(name="Invoice__c")).describe))

    assert found.takes_any


def test_a_target_that_cannot_be_asked_says_why_and_the_others_are_told() -> None:
    other = Written(object="Account", fields=())

    first, second = unfilled([other, header()], "crm", descriptions(Target(INVOICE).describe))

    assert first.trouble == "the target could not be asked: nobody answers"
    assert second.required


def test_a_target_is_not_asked_again_while_somebody_types() -> None:
    target, clock = Target(INVOICE), HandClock()
    known = descriptions(target.describe, clock)

    for number in range(5):
        list(unfilled([header(f"Typed{number}")], "crm", known))
        clock.advance(timedelta(minutes=1))
    assert target.asked == ["Invoice__c"]

    clock.advance(timedelta(minutes=6))
    list(unfilled([header()], "crm", known))
    assert target.asked == ["Invoice__c"] * 2


def test_a_target_out_of_reach_is_asked_again_after_a_minute_only() -> None:
    target, clock = Target(), HandClock()
    known = descriptions(target.describe, clock)

    for _ in range(3):
        list(unfilled([header()], "crm", known))
        clock.advance(timedelta(seconds=25))
    assert len(target.asked) == 1

    list(unfilled([header()], "crm", known))
    assert len(target.asked) == 2


def test_names_that_are_typed_letter_by_letter_are_not_all_asked_for() -> None:
    target = Target()
    known = descriptions(target.describe)

    found = [each for n in range(30) for each in unfilled([Written(object=f"I{n}", fields=())], "crm", known)]

    assert len(target.asked) == 20
    assert "in the last minutes" in (found[-1].trouble or "")


def test_a_silent_target_is_waited_for_briefly_and_asked_once() -> None:
    answer, asked = threading.Event(), []

    def silent(_target: str, name: str) -> TargetObject:
        asked.append(name)
        answer.wait(30)
        return INVOICE

    known = descriptions(silent)
    for _ in range(2):
        with pytest.raises(ConnectorError, match="no answer after"):
            known.get("crm", "Invoice__c", patience=0.01)

    answer.set()
    assert known.get("crm", "Invoice__c", patience=30)[1] is INVOICE
    assert asked == ["Invoice__c"]
