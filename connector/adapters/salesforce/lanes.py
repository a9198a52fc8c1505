"""Who may write below which parent now: a line locks its header, and a header the account it names.

Documents of one parent travel one call at a time in this process, those that lost a lock without strangers,
and a parent that keeps losing goes to the serial lane: one document a call, one call at a time. Other
processes meet in Salesforce's own row locks, whose losers come back here.
"""

import random
import threading
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar

from connector.adapters.salesforce.answers import Committed, Refused
from connector.adapters.salesforce.describe import columns_of
from connector.adapters.salesforce.faults import Kind, rule_for
from connector.adapters.salesforce.keys import Shapes
from connector.adapters.salesforce.sending import Result
from connector.clock import Clock
from connector.errors import BusyError
from connector.record import Record

Parents: TypeAlias = frozenset[tuple[str, str]]
"""Records that a document refers to: by a field, and a value of it."""

T = TypeVar("T", bound=Hashable)  # whatever travels: a graph, a large record

HOT_AFTER = 3  # lost locks
_FORGOTTEN_AFTER = timedelta(minutes=15)
_PAUSE = timedelta(seconds=1)  # at least; jitter adds up to twice as much
_SERIAL: Parents = frozenset({("", "serial lane")})


def parents_of(record: Record, shapes: Shapes) -> Parents:
    """Give what the header and the companions refer to."""
    parents: set[tuple[str, str]] = set()
    for item in (record, *record.companions):
        columns = columns_of(shapes.get(item.object))
        for name, value in item.fields.items():
            column = columns[name]
            if column.is_parent and value not in (None, ""):
                parents.add((column.folded, str(value)))
    return frozenset(parents)


class Lanes:
    """The parents that are busy, and those that lost locks lately. Safe between threads."""

    def __init__(self, clock: Clock, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._lock = threading.Lock()
        self._busy: set[tuple[str, str]] = set()
        self._losses: dict[tuple[str, str], tuple[int, datetime]] = {}

    def parties(self, graphs: Sequence[T], parents: Mapping[T, Parents]) -> Iterator[list[T]]:
        """Share graphs out over calls: strangers together, each losing parent by itself, hot ones alone."""
        together: list[T] = []
        losing: dict[Parents, list[T]] = {}
        for graph in graphs:
            if self._lost(parents[graph]):
                losing.setdefault(parents[graph], []).append(graph)
            else:
                together.append(graph)
        if together:
            yield together
        for shared, party in losing.items():
            yield from ([graph] for graph in party) if self._is_hot(shared) else [party]

    @contextmanager
    def entered(self, party: Sequence[T], parents: Mapping[T, Parents]) -> Iterator[list[T]]:
        """Give those whose parents nobody else is busy with; they are ours inside the block."""
        ours: set[tuple[str, str]] = set()
        admitted: list[T] = []
        with self._lock:
            for graph in party:
                wanted = parents[graph]
                if self._is_hot(wanted):
                    wanted |= _SERIAL
                if not (wanted - ours) & self._busy:
                    ours |= wanted
                    self._busy |= wanted
                    admitted.append(graph)
        try:
            yield admitted
        finally:
            with self._lock:
                self._busy -= ours

    def busy(self) -> BusyError:
        """Give what becomes of a graph that was not admitted."""
        until = self._clock() + _PAUSE * (1 + 2 * self._jitter())
        return BusyError("another document of the same parent is under way", until=until)

    def learn(self, parents: Parents, result: Result) -> None:
        """Take note of what became of a graph below these parents."""
        now = self._clock()
        with self._lock:
            for parent in parents:
                if isinstance(result, Committed):
                    self._losses.pop(parent, None)
                elif lost_a_lock(result):
                    self._losses[parent] = (self._count(parent) + 1, now)

    def _lost(self, parents: Collection[tuple[str, str]]) -> bool:
        return any(self._count(parent) > 0 for parent in parents)

    def _is_hot(self, parents: Collection[tuple[str, str]]) -> bool:
        return any(self._count(parent) >= HOT_AFTER for parent in parents)

    def _count(self, parent: tuple[str, str]) -> int:
        losses, at = self._losses.get(parent, (0, None))
        return losses if at is not None and self._clock() - at < _FORGOTTEN_AFTER else 0


def lost_a_lock(result: Result) -> bool:
    """Tell whether a graph failed because somebody else held a row."""
    return isinstance(result, Refused) and all(
        rule_for(fault).kind is Kind.LOCK for fault in result.faults.values()
    )
