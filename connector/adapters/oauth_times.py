"""The times in a token's answer, however a server writes them: as a number, or as a text of one. Pure."""

import math
from datetime import UTC, datetime, timedelta


def end_after(issued_at: datetime, expires_in: object) -> datetime | None:
    """Give when a token ends; None where its server does not tell.

    Units: `expires_in` in seconds
    Source: RFC 6749, 5.1
    """
    seconds = _number(expires_in)
    try:
        return None if seconds is None else issued_at + timedelta(seconds=seconds)
    except OverflowError:
        return None  # as good as never


def moment_of(milliseconds: object) -> datetime | None:
    """Give a time that is told in milliseconds since 1970; None for anything else."""
    told = _number(milliseconds)
    try:
        return None if told is None else datetime.fromtimestamp(told / 1000, tz=UTC)
    except (OverflowError, ValueError, OSError):
        return None


def _number(told: object) -> float | None:
    if isinstance(told, bool) or not isinstance(told, str | int | float):
        return None
    try:
        number = float(told)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
