"""Docflo's rate limit, as a value read from the headers of an answer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DEFAULT_PAUSE = timedelta(seconds=60)
"""How long to wait when nothing says how long."""
LONGEST_PAUSE = timedelta(hours=2)
"""A header that asks for more is mistaken: limits are per hour."""

_DIGITS = re.compile(r"[0-9]{1,18}")
_MILLISECONDS = 10**11  # larger epochs are in milliseconds
_DELTA = 10**9  # smaller numbers are seconds from now


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """What is left of the hourly budget. Truthy when we may send."""

    limit: int | None = None
    remaining: int | None = None  # None: the answer did not say
    reset_at: datetime | None = None  # aware, UTC

    def __bool__(self) -> bool:
        return self.remaining is None or self.remaining > 0


def read_rate_limit(headers: Mapping[str, str], now: datetime) -> RateLimit | None:
    """Read the X-RateLimit headers; None when there are none. What is not a number is as good as missing.

    Where the answer tells its server's time, the reset is that far away, whatever our own clock says.
    Source: Docflo API, "Rate Limits": the reset is UTC epoch seconds; milliseconds and deltas are tolerated.
    """
    limit, remaining = (
        _number(headers.get("x-ratelimit-limit")),
        _number(headers.get("x-ratelimit-remaining")),
    )
    reset = _number(headers.get("x-ratelimit-reset"))
    if limit is None and remaining is None and reset is None:
        return None
    return RateLimit(
        limit=limit,
        remaining=remaining,
        reset_at=None if reset is None else _instant(reset, now, _date(headers.get("date"))),
    )


def wait_until(headers: Mapping[str, str], now: datetime) -> datetime:
    """Give when to come back after a refusal: Retry-After first, then the reset, then a minute from now."""
    asked = _retry_after(headers.get("retry-after"), now)
    if asked is None:
        limit = read_rate_limit(headers, now)
        asked = limit.reset_at if limit is not None else None
        if asked is None or asked <= now:  # a reset that has passed tells nothing about this refusal
            asked = now + DEFAULT_PAUSE
    return min(max(asked, now + timedelta(seconds=1)), now + LONGEST_PAUSE)


def _retry_after(value: str | None, now: datetime) -> datetime | None:
    if value is None:
        return None
    seconds = _number(value)
    if seconds is not None:
        return now + timedelta(seconds=min(seconds, LONGEST_PAUSE.total_seconds()))
    return _date(value)


def _date(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        date = parsedate_to_datetime(value)
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _instant(number: int, now: datetime, theirs: datetime | None) -> datetime | None:
    if not number:
        return None  # how some say that they do not know
    if number < _DELTA:
        return now + timedelta(seconds=number)
    try:
        told = datetime.fromtimestamp(number / 1000 if number > _MILLISECONDS else number, UTC)
        return told if theirs is None else now + (told - theirs)
    except (ValueError, OverflowError, OSError):
        return None


def _number(value: str | None) -> int | None:
    if value is None:
        return None
    text = value.strip()
    return int(text) if _DIGITS.fullmatch(text) else None
