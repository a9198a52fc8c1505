"""Cron lines and windows of the week."""

from datetime import UTC, datetime, time

import pytest

from connector.timetable import DAYS, Cron, Window

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "zone", "after", "expected"),
    [
        ("*/5 7-19 * * mon-fri", "UTC", "2026-03-02T12:00:00", "2026-03-02T12:05:00"),
        ("*/5 7-19 * * mon-fri", "UTC", "2026-03-06T19:55:00", "2026-03-09T07:00:00"),
        ("0 8 * * *", "Europe/Berlin", "2026-03-02T08:00:00", "2026-03-03T07:00:00"),
        # The night in which the clock goes forward: 8 o'clock in Berlin is 6 o'clock UTC from then on.
        ("0 8 * * *", "Europe/Berlin", "2026-03-28T12:00:00", "2026-03-29T06:00:00"),
        ("30 6 1 * *", "UTC", "2026-03-02T12:00:00", "2026-04-01T06:30:00"),
    ],
)
def test_the_next_time_is_strictly_after(line: str, zone: str, after: str, expected: str) -> None:
    assert Cron(line=line, zone=zone).next_after(utc(after)) == utc(expected)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("* * * *", "five fields"),
        ("0 8 1 * mon", "not both"),
        ("0 8 * * 1-5", "by their names"),
        ("61 * * * *", "61"),
        ("hello * * * *", "hello"),
    ],
)
def test_a_line_that_would_mean_something_else_is_refused(line: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        _ = Cron(line=line).trigger


@pytest.mark.parametrize(
    ("moment", "is_covered"),
    [
        ("2026-03-07T20:59:59", False),  # Saturday, 21:59:59 in Berlin
        ("2026-03-07T21:00:00", True),
        ("2026-03-08T04:59:59", True),  # Sunday, 05:59:59
        ("2026-03-08T05:00:00", False),
        ("2026-03-08T21:30:00", False),  # Sunday evening
        ("2026-03-07T03:00:00", False),  # Saturday morning belongs to Friday's window, which there is not
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(moment: str, is_covered: bool) -> None:  # noqa: FBT001 a table
    window = Window(days=("sat",), begin=time(22), end=time(6), zone="Europe/Berlin")

    assert window.covers(utc(moment)) is is_covered


def test_a_window_of_the_day_ends_before_its_end() -> None:
    window = Window(days=DAYS, begin=time(12), end=time(13), zone="UTC")

    assert window.covers(MONDAY)
    assert not window.covers(MONDAY.replace(hour=13))
