"""How everything is, at one look: what is late, what waits for a person, what went through, what is left."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.console.pages import charts
from connector.console.pages.page import Console, Page
from connector.console.pages.remembered import Remembered
from connector.docflo.shared_budget import Balance
from connector.errors import UnavailableError
from connector.ledger.delivery import Checkpoint, State
from connector.ledger.overview import Glance, Span, beginning, read_chart, read_glance
from connector.ledger.sums import Total
from connector.pipeline.settings import PipelineSection, ScheduleSection

_HOUR = timedelta(hours=1)
_EARLY = timedelta(minutes=5)  # in an hour: a pace is not known yet
_GLANCE = timedelta(seconds=2)  # a page of every five seconds, however many look at it, is one reading
_CHARTS = {Span.HOUR: timedelta(seconds=20), Span.DAY: timedelta(minutes=1), Span.MONTH: timedelta(minutes=5)}
_WORDS = {Span.HOUR: "the last hour", Span.DAY: "the last day", Span.MONTH: "the last 30 days"}
_NOTHING = Total(count=0, sums=())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pipeline:
    """What the page tells of one pipeline."""

    name: str
    listed_at: datetime | None
    is_late: bool
    next_run: datetime | None  # None: it cannot be told
    holds: str | None  # why nothing is taken up
    waiting: int
    oldest: datetime | None
    unshown: int
    doubts: int
    doubted_since: datetime | None
    today: Total
    dead: Sequence[tuple[str, Total]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chart:
    """How many were delivered in a span, and when in it."""

    whole: int
    picture: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class _Budget:
    """What is left of the hour, and whether it lasts."""

    left: int
    limit: int
    resets_at: datetime
    is_early: bool  # too early to tell whether it lasts
    spent_at: datetime | None  # at the pace of this hour; None: it lasts
    picture: Markup


def _routes(console: Console) -> Sequence[BaseRoute]:
    glances = Remembered(lambda now: read_glance(console.database, now), lasts=_GLANCE)
    drawn = {span: Remembered(_chart(console, span), lasts=lasts) for span, lasts in _CHARTS.items()}

    def values() -> Mapping[str, Any]:
        now = console.now()
        as_of, glance = glances.get(now)
        sections = console.config().pipelines
        freshness = console.config().alarms.freshness
        balance = _balance(console)
        return {
            "title": "Overview",
            "as_of": as_of,
            "pipelines": [
                _pipeline(name, section, glance, now, freshness) for name, section in sections.items()
            ],
            "charts": [(_WORDS[span], *each.get(now)) for span, each in drawn.items()],
            "balance": balance,
            "budget": _budget(balance, now),
            "glance": glance,
            "alive": [each for each in glance.replicas if not each.is_gone(now)],
            "last_seen": max((each.seen_at for each in glance.replicas), default=None),
        }

    def overview(request: Request) -> Response:
        return console.render(request, "overview.html", values())

    def live(request: Request) -> Response:
        return console.render(request, "overview_live.html", values())

    return [Route("/", overview), Route("/overview/live", live)]


def _chart(console: Console, span: Span) -> Callable[[datetime], _Chart]:
    def draw(now: datetime) -> _Chart:
        counts = read_chart(console.database, span, now)
        at, steps = beginning(span, now), []
        while at <= now:
            label = at.strftime("%Y-%m-%dT%H:%M")[: span.letters]
            steps.append((label.replace("T", " "), counts.get(label, 0)))
            at += span.step
        picture = charts.bars(steps, what=f"Delivered in {_WORDS[span]}")
        return _Chart(whole=sum(count for _, count in steps), picture=picture)

    return draw


def _pipeline(
    name: str, section: PipelineSection, glance: Glance, now: datetime, freshness: timedelta
) -> _Pipeline:
    checkpoint = glance.checkpoints.get(name)
    listed_at = checkpoint.moved_at if checkpoint else None
    expected = _next_run(section.schedule, checkpoint, now)
    oldest = [glance.oldest.get((name, state)) for state in (State.PENDING, State.IN_DOUBT)]
    return _Pipeline(
        name=name,
        listed_at=listed_at,
        is_late=expected is not None and now - expected > freshness,
        next_run=expected,
        holds=_holds(name, glance),
        waiting=glance.counts.get((name, State.PENDING), 0),
        oldest=min((each for each in oldest if each is not None), default=None),
        unshown=glance.counts.get((name, State.DELIVERED), 0),
        doubts=glance.counts.get((name, State.IN_DOUBT), 0),
        doubted_since=glance.oldest.get((name, State.IN_DOUBT)),
        today=glance.today.get(name, _NOTHING),
        dead=[(each, total) for (pipeline, each), total in glance.dead.items() if pipeline == name],
    )


def _next_run(schedule: ScheduleSection, checkpoint: Checkpoint | None, now: datetime) -> datetime | None:
    if checkpoint is None:
        return None
    if schedule.timetable is not None:
        return schedule.timetable.next_after(max(checkpoint.moved_at, now))
    return checkpoint.moved_at + min(schedule.every, schedule.sweep)


def _holds(name: str, glance: Glance) -> str | None:
    for pause in glance.pauses:
        if pause.pipeline == name:
            return f"paused by {pause.actor}: {pause.reason}"
    for halt in glance.halts:
        if halt.pipeline == name:
            return f"halted after {halt.length} {halt.error_class} in a row"
    return None


def _balance(console: Console) -> Balance | None:
    try:
        return console.balance()
    except UnavailableError:
        return None


def _budget(balance: Balance | None, now: datetime) -> _Budget | None:
    if balance is None or balance.limit is None or balance.reset_at is None or balance.reset_at <= now:
        return None
    elapsed = min(_HOUR, max(timedelta(seconds=1), now - (balance.reset_at - _HOUR)))
    left = max(0, balance.limit - balance.used)
    spent_at = now + elapsed * (left / balance.used) if balance.used else None
    return _Budget(
        left=left,
        limit=balance.limit,
        resets_at=balance.reset_at,
        is_early=elapsed < _EARLY,
        spent_at=spent_at if spent_at is not None and spent_at < balance.reset_at else None,
        picture=charts.share(balance.used, balance.limit, elapsed / _HOUR),
    )


PAGE = Page(title="Overview", path="/", routes=_routes)
