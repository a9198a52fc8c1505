"""Which listing is due, by what any replica did last."""

from datetime import timedelta

import pytest

from connector.ledger.delivery import Checkpoint
from connector.pipeline.discover import Listing, discover, due_listing, sweep
from connector.timetable import Cron
from tests.factories import NOON

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def _due(*, moved: timedelta, swept: timedelta | None, actor: str | None = None) -> Listing | None:
    checkpoint = Checkpoint(
        pipeline="invoices",
        listed_until=NOON,
        moved_at=NOON - moved,
        swept_at=None if swept is None else NOON - swept,
        actor=actor,
    )
    return due_listing(checkpoint, every=MINUTE, sweep_every=HOUR, now=NOON)


def test_a_pipeline_that_was_never_listed_is_swept() -> None:
    assert due_listing(None, every=MINUTE, sweep_every=HOUR, now=NOON) is sweep


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

    due = due_listing(
        checkpoint, every=MINUTE, sweep_every=HOUR, now=NOON - MINUTE, cron=Cron(line="0 * * * *")
    )

    assert due is expected
