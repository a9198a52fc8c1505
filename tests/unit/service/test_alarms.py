"""What is wrong, by the figures."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from connector.ledger.breaker import Breaker
from connector.ledger.delivery import Errand, Halt, State
from connector.ledger.figures import Figures
from connector.ledger.harvest import Harvest, harvested
from connector.ledger.pauses import Pause
from connector.service.alarms import Limits, active_alarms
from connector.timetable import Cron
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
EMPTY: dict[str, Any] = {
    "counts": {},
    "dead": {},
    "originals": {},
    "originals_since": {},
    "undelivered_since": {},
    "unshown_since": {},
    "doubted_since": {},
    "listed_at": {},
    "harvests": {},
    "halts": (),
    "pauses": (),
    "breakers": (),
    "replicas": (),
    "alarms": {},
    "wakeups": 0,
}


def alarms(*, cron: Cron | None = None, since: datetime = NOON, **parts: Any) -> set[tuple[str, str]]:
    limits = Limits(
        every=MINUTE,
        cron=cron,
        silence_after=30,
        freshness=15 * MINUTE,
        in_doubt=10,
        in_doubt_for=60 * MINUTE,
    )
    figures = Figures(**{**EMPTY, "listed_at": {"p": NOON}, **parts})
    return set(active_alarms(figures, {"p": limits}, now=NOON, since=since))


def breaker(error: str) -> Breaker:
    return Breaker(side="docflo", error_class=error, reason="r", opened_at=NOON, failures=1, next_try=NOON)


HALT = Halt(
    pipeline="p", errand=Errand.DELIVERY, error_class="MappingError", length=10, reason="r", halted_at=NOON
)
PAUSE = Pause(pipeline="p", paused_at=NOON, actor="a", reason="r")
USUAL = Harvest(pipeline="p", listings=100, fruitful=60, matched_at=NOON)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({}, set()),
        ({"halts": (HALT,)}, {("halted", "p")}),
        ({"breakers": (breaker("AccessRefusedError"),)}, {("credentials_refused", "docflo")}),
        ({"breakers": (breaker("UnavailableError"),)}, set()),
        ({"counts": {("p", State.IN_DOUBT): 10}}, set()),
        ({"counts": {("p", State.IN_DOUBT): 11}}, {("in_doubt", "p")}),
        ({"doubted_since": {"p": NOON - 59 * MINUTE}}, set()),
        ({"doubted_since": {"p": NOON - 61 * MINUTE}}, {("in_doubt", "p")}),
        ({"listed_at": {"p": NOON - 16 * MINUTE}}, set()),
        ({"listed_at": {"p": NOON - 17 * MINUTE}}, {("freshness", "p")}),
        ({"listed_at": {"p": NOON - 17 * MINUTE}, "pauses": (PAUSE,)}, set()),
        ({"listed_at": {}, "since": NOON - 17 * MINUTE}, {("freshness", "p")}),
        ({"listed_at": {"p": NOON - 300 * MINUTE}, "cron": Cron(line="0 6 * * *")}, set()),
        ({"listed_at": {"p": NOON - 420 * MINUTE}, "cron": Cron(line="0 6 * * *")}, {("freshness", "p")}),
    ],
)
def test_each_alarm_begins_at_its_limit(parts: dict[str, Any], expected: set[tuple[str, str]]) -> None:
    assert alarms(**parts) == expected


def test_a_pipeline_that_usually_finds_documents_and_finds_none_is_suspicious() -> None:
    harvest = USUAL
    seen = []
    for _ in range(31):
        harvest = harvested(harvest, 0, NOON)
        seen.append(bool(alarms(harvests={"p": harvest})))
    recovered = harvested(harvest, 3, NOON)

    assert seen.index(True) == 29
    assert alarms(harvests={"p": recovered}) == set()


def test_a_pipeline_that_seldom_finds_documents_is_not() -> None:
    assert alarms(harvests={"p": Harvest(pipeline="p", listings=100, fruitful=40, empty=500)}) == set()


def test_nor_one_that_is_new() -> None:
    assert alarms(harvests={"p": Harvest(pipeline="p", listings=19, fruitful=19, empty=500)}) == set()
