"""Times that configuration names: cron lines, and windows of the week. Pure; every answer is in UTC."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FIELDS = 5
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Cron:
    """A cron line of five fields, in a time zone."""

    line: str
    zone: str = "UTC"

    def next_after(self, moment: datetime) -> datetime | None:
        """Give the first time after `moment`; None when there is none."""
        found: datetime | None = self.trigger.get_next_fire_time(None, moment + _TICK)
        return None if found is None else found.astimezone(UTC)

    @cached_property
    def trigger(self) -> Any:  # noqa: ANN401 APScheduler has no types
        """Read the line.

        Raises: ValueError saying what is wrong with it.
        """
        # Imported here: most configurations have no cron line, and every command reads the configuration.
        from apscheduler.triggers.cron import CronTrigger  # noqa: PLC0415

        fields = self.line.split()
        if len(fields) != _FIELDS:
            raise ValueError("expected five fields, minute hour day month weekday: */5 7-19 * * mon-fri")
        minute, hour, day, month, weekday = fields
        if day != "*" and weekday != "*":
            # Cron means "one of both", the scheduler "both at once".
            raise ValueError("name a day of the month or a day of the week, not both")
        if re.search(r"\d", weekday):
            # 0 is Sunday to cron and Monday to the scheduler.
            raise ValueError("name days of the week by their names: mon-fri, sat,sun")
        return CronTrigger(
            minute=minute, hour=hour, day=day, month=month, day_of_week=weekday, timezone=ZoneInfo(self.zone)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of these days, by the clock on the wall. One that ends before it begins ends the day after."""

    days: tuple[str, ...]  # of `DAYS`, on which it begins
    begin: time
    end: time
    zone: str

    def covers(self, moment: datetime) -> bool:
        """Tell whether `moment` lies in it."""
        local = moment.astimezone(ZoneInfo(self.zone))
        now, today = local.time(), DAYS[local.weekday()]
        if self.begin < self.end:
            return today in self.days and self.begin <= now < self.end
        yesterday = DAYS[local.weekday() - 1]
        return (today in self.days and now >= self.begin) or (yesterday in self.days and now < self.end)
