"""Lengths of time as configuration spells them: 30s, 5m, 2h, 7d."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_DURATION = re.compile(r"(?P<amount>\d+)\s*(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def _read(value: object) -> object:
    if isinstance(value, timedelta):
        return value
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        message = "expected a duration such as 30s, 5m, 2h or 7d"
        raise ValueError(message)
    return timedelta(**{_UNITS[match["unit"]]: int(match["amount"])})


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    WithJsonSchema({"type": "string", "pattern": r"^\d+\s*[smhd]$", "examples": ["30s", "5m", "2h", "7d"]}),
]
