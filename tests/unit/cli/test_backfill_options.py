"""What `backfill` reads from its command line."""

from datetime import UTC, datetime, timedelta

import pytest

from connector.cli.backfill_options import read_budget, read_range, read_until
from connector.errors import ConfigError
from tests.factories import NOON


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("18:30", NOON + timedelta(hours=6.5)),
        ("06:00", NOON + timedelta(hours=18)),
        ("12:00", NOON + timedelta(days=1)),
        ("2026-03-03", datetime(2026, 3, 3, tzinfo=UTC)),
        ("2026-03-02T15:00+02:00", NOON + timedelta(hours=1)),
    ],
)
def test_until_is_the_next_such_time_or_a_moment(text: str, moment: datetime) -> None:
    assert read_until(text, NOON) == moment


@pytest.mark.parametrize(("text", "percent"), [("60%", 60), ("60", 60), (" 1 % ", 1), ("100%", 100)])
def test_a_budget_is_read_with_and_without_its_sign(text: str, percent: int) -> None:
    assert read_budget(text) == percent


@pytest.mark.parametrize("text", ["", "0", "101%", "-5%", "6e1%", "60%%", "half"])
def test_no_other_budget_is_read(text: str) -> None:
    with pytest.raises(ConfigError, match="is no share"):
        read_budget(text)


def test_without_an_end_the_range_ends_now() -> None:
    assert read_range("2024-01-01", None, NOON).end == NOON
