"""The time, as a value that is passed in: aware UTC datetimes only."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Give the current time, aware, in UTC."""
    return datetime.now(UTC)
