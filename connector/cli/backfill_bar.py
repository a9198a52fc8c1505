"""How far a backfill is: a bar on a terminal, a JSON line now and then elsewhere. Both on standard error."""

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connector.clock import Clock
from connector.docflo.budget import Lane
from connector.docflo.shared_budget import Balance
from connector.ledger.backfill import Backfill, Tally, documents_done, expected
from connector.ledger.delivery import State

LINE_EVERY = 10.0  # seconds
_HOUR = 3600


@dataclass(slots=True, kw_only=True)
class Pace:
    """How fast it goes, as seen by this process: of all who work on it."""

    began: float = field(default_factory=time.monotonic)
    first: int | None = None  # documents that were done when we began

    def per_hour(self, done: int) -> int:
        """Give documents an hour since we began."""
        if self.first is None:
            self.first = done
        seconds = max(time.monotonic() - self.began, 1.0)
        return round((done - self.first) * _HOUR / seconds)


class BackfillBar:
    """Shows tallies."""

    def __init__(self, known: Backfill, *, balance: Callable[[], Balance], clock: Clock) -> None:
        self._known = known
        self._balance = balance
        self._clock = clock
        self._pace = Pace()
        self._next = 0.0
        self._is_terminal = sys.stderr.isatty()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("documents · {task.fields[words]}"),
            TimeElapsedColumn(),
            console=Console(file=sys.stderr),
            disable=not self._is_terminal,
        )
        self._task = self._progress.add_task(f"Backfill {known.id}", total=known.total or None, words="")

    def saw(self, known: Backfill, tally: Tally) -> None:
        """Show how far it is, if it is time to."""
        self._known = known
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + (1.0 if self._is_terminal else LINE_EVERY)
        facts = self.facts(tally)
        if self._is_terminal:
            total = expected(self._known, tally)
            self._progress.update(
                self._task, completed=documents_done(tally), total=total, words=_words(facts)
            )
        else:
            print_line({"event": "backfill.progress", **facts})

    def facts(self, tally: Tally) -> Mapping[str, object]:
        """Give it as JSON values."""
        done, total = documents_done(tally), expected(self._known, tally)
        per_hour = self._pace.per_hour(done)
        left = self._balance().lanes.get(Lane.BACKFILL)
        hours = (total - done) / per_hour if per_hour > 0 else None
        return {
            "backfill": self._known.id,
            "pipeline": self._known.pipeline,
            "documents": total,
            "done": done,
            "listed": tally.found,
            "delivered": tally.states.get(State.DELIVERED, 0) + tally.states.get(State.COMPLETED, 0),
            "completed": tally.states.get(State.COMPLETED, 0),
            "waiting": tally.open,
            "dead": tally.states.get(State.DEAD, 0),
            "errors": dict(tally.failures),
            "per_hour": per_hour,
            "budget_left": left,
            "finish_at": None if hours is None else _after(self._clock(), hours),
        }

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()


def print_line(value: Mapping[str, object]) -> None:
    """Print one JSON line on standard error."""
    sys.stderr.write(msgspec.json.encode(value).decode() + "\n")
    sys.stderr.flush()


def _words(facts: Mapping[str, object]) -> str:
    errors = facts["errors"]
    words = [f"{facts['delivered']} delivered", f"{facts['per_hour']}/h"]
    if isinstance(errors, Mapping) and errors:
        words.append("set aside: " + ", ".join(f"{count} {name}" for name, count in errors.items()))
    if facts["budget_left"] is not None:
        words.append(f"{facts['budget_left']} requests left this hour")
    if isinstance(facts["finish_at"], datetime):
        words.append(f"done {facts['finish_at']:%Y-%m-%d %H:%M} UTC")
    return " · ".join(words)


def _after(now: datetime, hours: float) -> datetime | None:
    try:
        return (now + timedelta(hours=hours)).replace(microsecond=0)
    except OverflowError:
        return None
