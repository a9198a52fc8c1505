"""What a person should know of, from the ledger's figures; and telling it, once for each change."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from connector.clock import Clock
from connector.errors import AccessRefusedError, ConfigError, ConnectorError
from connector.ledger.alarms import RAISED, AlarmStore, Key, News
from connector.ledger.delivery import State
from connector.ledger.figures import Figures
from connector.notify import ChannelSettings, send
from connector.timetable import Cron

log = structlog.get_logger(__name__)

TURN = timedelta(minutes=2)  # longer than telling a batch takes; then another replica may
BATCH = 10
FIRST_PAUSE = timedelta(seconds=30)
MOST_ATTEMPTS = 12  # about a day


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is too much, of one pipeline."""

    every: timedelta  # between two listings
    cron: Cron | None  # instead of `every`
    silence_after: int  # listings without documents; 0: never too many
    freshness: timedelta  # that a listing may be late
    in_doubt: int  # deliveries
    in_doubt_for: timedelta


def active_alarms(
    figures: Figures, limits: Mapping[str, Limits], *, now: datetime, since: datetime
) -> dict[Key, str]:
    """Give what is wrong now, each with a detail for people. `since`: when anybody began to look."""
    alarms: dict[Key, str] = {}
    for halt in figures.halts:
        if halt.pipeline in limits:
            reason = f"{halt.length} in a row died of {halt.error_class}: {halt.reason}"
            alarms["halted", halt.pipeline] = reason
    for breaker in figures.breakers:
        if breaker.error_class == AccessRefusedError.__name__:
            alarms["credentials_refused", breaker.side] = breaker.reason
        elif breaker.error_class == ConfigError.__name__:
            alarms["misfit", breaker.side] = breaker.reason
    paused = {pause.pipeline for pause in figures.pauses}
    for name, limit in limits.items():
        alarms.update({(kind, name): detail for kind, detail in _of_pipeline(name, figures, limit, now)})
        if name not in paused:
            late = _lateness(figures.listed_at.get(name, since), limit, now)
            if late > limit.freshness:
                alarms["freshness", name] = (
                    f"not listed in time for {int(late.total_seconds() // 60)} minutes"
                )
    return alarms


def _of_pipeline(name: str, figures: Figures, limit: Limits, now: datetime) -> Iterator[tuple[str, str]]:
    count = figures.counts.get((name, State.IN_DOUBT), 0)
    oldest = figures.doubted_since.get(name)
    if count > limit.in_doubt:
        yield "in_doubt", f"{count} deliveries are in doubt"
    elif oldest is not None and now - oldest > limit.in_doubt_for:
        yield "in_doubt", f"a delivery is in doubt since {oldest:%Y-%m-%d %H:%M} UTC"
    harvest = figures.harvests.get(name)
    if harvest is not None and harvest.is_suspicious(limit.silence_after):
        yield (
            "suspicious_zero",
            f"{harvest.empty} listings in a row found no document; most found some before",
        )


def _lateness(listed_at: datetime, limit: Limits, now: datetime) -> timedelta:
    due = limit.cron.next_after(listed_at) if limit.cron else listed_at + limit.every
    return timedelta() if due is None else now - due


class Teller:
    """Tells the channels what changes. Whatever goes wrong here, deliveries go on."""

    def __init__(
        self,
        store: AlarmStore,
        *,
        channels: Callable[[], Mapping[str, ChannelSettings]],
        on_told: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        self._store = store
        self._channels = channels
        self._on_told = on_told
        self._clock = clock

    def settle(self, active: Mapping[Key, str]) -> None:
        """Take note of what is wrong now; say in the log what changed."""
        now = self._clock()
        before = self._store.open().keys()
        self._store.settle(active, sorted(self._channels()), now)
        for kind, subject in sorted(active.keys() - before):
            log.warning("alarm.raised", kind=kind, subject=subject, detail=active[kind, subject])
        for kind, subject in sorted(before - active.keys()):
            log.info("alarm.recovered", kind=kind, subject=subject)

    def tell(self) -> None:
        """Tell what is due to be told."""
        now = self._clock()
        channels = self._channels()
        for each in self._store.take(now, until=now + TURN, limit=BATCH):
            channel = channels.get(each.channel)
            if channel is None:
                self._store.failed(each, "there is no such channel any more", None)
                continue
            self._tell(each, channel)

    def _tell(self, each: News, channel: ChannelSettings) -> None:
        now = self._clock()
        try:
            send(channel, message_id=f"news_{each.id}", text=text_of(each), data=_data(each), now=now)
        except ConnectorError as error:
            is_last = each.attempts >= MOST_ATTEMPTS
            pause = min(timedelta(hours=4), FIRST_PAUSE * 2 ** (each.attempts - 1))
            self._store.failed(each, error.message, None if is_last else now + pause)
            self._on_told(each.channel, "failed")
            log.warning("notification.failed", channel=each.channel, kind=each.kind, reason=error.message)
            return
        self._store.told(each, now)
        self._on_told(each.channel, "told")


def text_of(each: News) -> str:
    """Say it in one line."""
    words = {
        "halted": "is halted",
        "credentials_refused": "refuses the credentials",
        "misfit": "does not fit its target",
        "in_doubt": "has too many deliveries in doubt",
        "freshness": "is not listed in time",
        "suspicious_zero": "finds no documents",
    }
    what = f"docflo-connector: {each.subject} {words.get(each.kind, each.kind)}"
    if each.event == RAISED:
        return f"{what}: {each.detail}"
    return f"{what} no longer (since {each.began_at:%Y-%m-%d %H:%M} UTC)"


def _data(each: News) -> Mapping[str, object]:
    return {
        "event": each.event,
        "kind": each.kind,
        "subject": each.subject,
        "detail": each.detail,
        "began_at": each.began_at.isoformat(),
        "ended_at": each.ended_at.isoformat() if each.ended_at else None,
    }
