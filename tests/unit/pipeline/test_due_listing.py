"""Which listing is due, by what any replica did last."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.ledger.delivery import Checkpoint
from connector.pipeline.discover import (
    ENOUGH,
    PUT_OFF,
    Listing,
    Pauses,
    discover,
    due_listing,
    rescan,
    sweep,
)
from connector.timetable import Cron
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PAUSES = Pauses(every=MINUTE, sweep=HOUR, rescan=DAY)


def _due(
    *,
    moved: timedelta,
    swept: timedelta | None,
    rescanned: timedelta | None = timedelta(0),
    actor: str | None = None,
    without: tuple[Listing, ...] = (),
    backlog: int = 0,
) -> Listing | None:
    checkpoint = Checkpoint(
        pipeline="invoices",
        listed_until=NOON,
        moved_at=NOON - moved,
        swept_at=None if swept is None else NOON - swept,
        rescanned_at=None if rescanned is None else NOON - rescanned,
        actor=actor,
    )
    return due_listing(checkpoint, PAUSES, now=NOON, without=without, backlog=backlog)


def test_a_pipeline_that_was_never_listed_is_swept() -> None:
    assert due_listing(None, PAUSES, now=NOON) is sweep
    assert due_listing(None, PAUSES, now=NOON, without=(sweep,)) is None


@pytest.mark.parametrize(
    ("moved", "swept", "expected"),
    [
        (timedelta(0), None, sweep),
        (timedelta(0), HOUR, sweep),
        (timedelta(0), MINUTE, None),
        (timedelta(seconds=30), MINUTE, None),
        (timedelta(seconds=59), MINUTE, discover),
        (-MINUTE, MINUTE, discover),
        (timedelta(0), -HOUR, sweep),
    ],
)
def test_what_is_due_follows_from_the_pauses(
    moved: timedelta, swept: timedelta | None, expected: Listing | None
) -> None:
    assert _due(moved=moved, swept=swept) is expected


def test_a_checkpoint_that_a_person_set_is_listed_at_once() -> None:
    assert _due(moved=timedelta(0), swept=MINUTE, actor="ada") is discover


@pytest.mark.parametrize(
    ("moved", "swept", "expected"),
    [
        (timedelta(minutes=30), timedelta(minutes=30), None),  # the next time is 13:00
        (timedelta(minutes=90), timedelta(minutes=30), discover),
        (timedelta(days=3), timedelta(minutes=30), discover),  # many times were missed: one listing
        (timedelta(minutes=90), HOUR, sweep),
        (timedelta(minutes=30), HOUR, None),  # a sweep, too, takes place at the times of the cron line
    ],
)
def test_with_a_cron_line_what_was_missed_is_due_and_nothing_in_between(
    moved: timedelta, swept: timedelta, expected: Listing | None
) -> None:
    checkpoint = Checkpoint(
        pipeline="invoices", listed_until=NOON, moved_at=NOON - moved, swept_at=NOON - swept
    )

    due = due_listing(checkpoint, replace(PAUSES, cron=Cron(line="0 * * * *")), now=NOON - MINUTE)

    assert due is expected


def test_with_a_cron_line_a_rescan_follows_what_was_listed_at_its_time() -> None:
    pauses = replace(PAUSES, cron=Cron(line="0 * * * *"))
    listed = Checkpoint(pipeline="invoices", listed_until=NOON, moved_at=NOON, swept_at=NOON)

    assert due_listing(listed, pauses, now=NOON) is None
    assert due_listing(listed, pauses, now=NOON, without=(discover,)) is rescan


@pytest.mark.parametrize("rescanned", [None, DAY, -DAY])
def test_a_rescan_is_due_when_nothing_more_urgent_is(rescanned: timedelta | None) -> None:
    assert _due(moved=timedelta(0), swept=MINUTE, rescanned=rescanned) is rescan
    assert _due(moved=MINUTE, swept=MINUTE, rescanned=rescanned) is discover
    assert _due(moved=MINUTE, swept=MINUTE, rescanned=rescanned, without=(discover,)) is rescan
    assert _due(moved=MINUTE, swept=MINUTE, rescanned=rescanned, without=(discover, rescan)) is None


def test_a_sweep_that_was_tried_leaves_the_tail_to_be_listed() -> None:
    assert _due(moved=MINUTE, swept=HOUR, without=(sweep,)) is discover


def test_a_tail_waits_a_while_where_it_would_read_a_backlog_again() -> None:
    assert _due(moved=2 * MINUTE, swept=MINUTE, backlog=ENOUGH) is None
    assert _due(moved=2 * MINUTE, swept=MINUTE, backlog=ENOUGH - 1) is discover
    assert _due(moved=MINUTE + PUT_OFF, swept=MINUTE, backlog=ENOUGH) is discover


def test_a_backlog_keeps_back_no_sweep_and_nothing_that_a_person_asked_for() -> None:
    assert _due(moved=2 * MINUTE, swept=2 * HOUR, backlog=ENOUGH) is sweep
    assert _due(moved=2 * MINUTE, swept=MINUTE, actor="maya", backlog=ENOUGH) is discover


def test_a_time_of_a_cron_schedule_is_not_put_off() -> None:
    pauses = replace(PAUSES, cron=Cron(line="* * * * *"))
    checkpoint = Checkpoint(
        pipeline="invoices",
        listed_until=NOON,
        moved_at=NOON - 2 * MINUTE,
        swept_at=NOON - MINUTE,
        rescanned_at=NOON,
    )

    assert due_listing(checkpoint, pauses, now=NOON, backlog=ENOUGH) is discover
