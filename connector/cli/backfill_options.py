"""What `backfill` is told, read and judged: its range, its share of the budget, until when."""

import re
from datetime import UTC, datetime, timedelta

from connector.backfill.counting import Range
from connector.cli.acting import read_since
from connector.errors import ConfigError

_PERCENT = re.compile(r"(\d{1,3})\s*%?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_CLOCKS = timedelta(minutes=1)  # that two machines' clocks may differ


def read_range(start: str, end: str | None, now: datetime) -> Range:
    """Read the creation times from `start` to `end`, which is not part of it; without an end until now.

    Raises: ConfigError for what is no time, an empty range, or one that reaches into the future.
    """
    first, last = _moment("--from", start), now if end is None else _moment("--to", end)
    if first > now:
        raise ConfigError(
            f"--from {start} lies in the future: nothing was created there yet",
            remedy="what is still to come is listed by the pipeline itself, from `documents.since` on",
        )
    if last <= first:
        raise ConfigError(
            f"--from {start} is not before --to {end}",
            remedy="--to is the first moment that does not belong to it any more",
        )
    if last > now + _CLOCKS:
        raise ConfigError(
            f"--to {end} lies in the future: what is created until then is not there yet",
            remedy="leave --to out for everything until now",
        )
    return Range(start=first, end=last)


def read_budget(text: str) -> int:
    """Read a percentage of the request budget.

    Raises: ConfigError
    """
    match = _PERCENT.fullmatch(text.strip())
    if match is None or not 1 <= int(match[1]) <= 100:  # noqa: PLR2004 percent
        raise ConfigError(
            f"--budget {text} is no share of the request budget",
            remedy="from 1% to 100%, such as --budget 60%",
        )
    return int(match[1])


def read_until(text: str | None, now: datetime) -> datetime | None:
    """Read a time of day (the next one, UTC) or a moment, at which the work ends.

    Raises: ConfigError for what is neither, or has passed.
    """
    if text is None:
        return None
    match = _TIME.fullmatch(text.strip())
    if match is None:
        moment = _moment("--until", text)
        if moment <= now:
            raise ConfigError(
                f"--until {text} has passed", remedy="name a time to come, such as --until 06:00"
            )
        return moment
    try:
        at = now.astimezone(UTC).replace(hour=int(match[1]), minute=int(match[2]), second=0, microsecond=0)
    except ValueError as error:
        raise ConfigError(f"--until {text} is no time of day", remedy="from 00:00 to 23:59, UTC") from error
    return at if at > now else at + timedelta(days=1)


def _moment(option: str, text: str) -> datetime:
    try:
        moment = read_since(text.strip())
    except ConfigError as error:
        raise ConfigError(f"{option} {text} is no time", remedy=error.remedy) from error
    if moment is None or moment.year <= 1 or moment.year >= 9999:  # noqa: PLR2004 a day more must exist
        raise ConfigError(f"{option} {text} is no time that a document can have", remedy="2026-03-02")
    return moment.astimezone(UTC)
