"""Moments as people name them on a command line."""

import re
from datetime import datetime, timedelta

from connector.cli.acting import read_since
from connector.clock import utc_now
from connector.errors import ConfigError

_AGE = re.compile(r"(\d{1,6})\s*([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def read_age(text: str) -> datetime:
    """Read how long ago (30d, 12h), or a day or time, UTC unless it says otherwise.

    Raises: ConfigError
    """
    match = _AGE.fullmatch(text.strip())
    if match is None:
        try:
            moment = read_since(text.strip())
        except ConfigError as error:
            message = f"`{text}` is neither an age nor a day"
            raise ConfigError(message, remedy="30d, 12h, 2026-03-02 or 2026-03-02T14:30") from error
        return moment or utc_now()
    try:
        return utc_now() - timedelta(**{_UNITS[match[2]]: int(match[1])})
    except OverflowError as error:
        message = f"`{text}` lies before the calendar begins"
        raise ConfigError(message, remedy="30d, 12h, 2026-03-02 or 2026-03-02T14:30") from error
