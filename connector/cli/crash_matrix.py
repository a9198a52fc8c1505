"""Kills a connector at each named place, lets another one go on, and compares what both sides hold.

The measure is a run that nobody disturbed: after any crash the target must hold the same records, each
once, and Docflo must show the same. Nothing the connector says of itself is believed.
"""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import msgspec

from connector.cli.crash_child import PAUSE, End, Order
from connector.crashpoint import COUNT, Point

KILLED = -9
CHILD = (sys.executable, "-m", "connector.cli.crash_child")


class Forks:
    """The process that forks the connectors, as its commander sees it. Usable in a `with` block."""

    def __init__(self, command: Sequence[str] = CHILD) -> None:
        self._process = subprocess.Popen(  # noqa: S603 our own program
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def live(self, order: Order) -> End:
        """Let one connector live, and give how it ended.

        Raises: RuntimeError when the forking process itself is gone.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the process was started without pipes")
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            message = f"the process that forks ended with {self._process.wait()}"
            raise RuntimeError(message)
        return msgspec.json.decode(line, type=End)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:  # closes its input, which ends it, and waits
            pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One object in the target: its key, and everything in it, spelt the same in every run."""

    key: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What both sides hold."""

    held: tuple[Held, ...]
    shown: Mapping[str, str]  # document id -> its status and what was written into it


class Stage(Protocol):
    """Both sides, freshly set up for one case, and a configuration that points at them."""

    @property
    def config(self) -> Path:
        """Where config.yaml is."""
        ...

    def seen(self) -> Seen:
        """Give what both sides hold now."""
        ...


Stages = Callable[[], AbstractContextManager[Stage]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """Where a connector dies: the n-th time that it comes to a place."""

    point: Point
    arrival: int = 1

    def __str__(self) -> str:
        return f"{self.point.value}:{self.arrival}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Clean:
    """The undisturbed run: the measure of all others."""

    seen: Seen
    arrivals: Mapping[Point, int]
    waiting: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one case left behind, by key or document id."""

    kills: tuple[Kill, ...]
    died: int  # of the connectors that were to die; one that never came to its place did not
    lost: tuple[str, ...]  # not in the target, or not shown in Docflo
    doubled: tuple[str, ...]
    changed: tuple[str, ...]  # other contents than in the clean run, or not there in it at all
    waiting: int
    failed: bool  # the connector that was to go on ended with an error

    @property
    def is_recovered(self) -> bool:
        """Tell whether nothing shows that anything ever happened."""
        return not (self.lost or self.doubled or self.changed or self.waiting or self.failed)


def run_clean(forks: Forks, stages: Stages) -> Clean:
    """Run once without a crash, and count how often each place is reached.

    Raises: RuntimeError when the connector fails by itself.
    """
    with stages() as stage:
        end = forks.live(Order(config=str(stage.config), armed=COUNT, ahead=0))
        if end.code:
            message = f"the connector ended with {end.code} without being killed"
            raise RuntimeError(message)
        arrivals = {Point(name): count for name, count in end.arrivals.items()}
        return Clean(seen=stage.seen(), arrivals=arrivals, waiting=end.waiting)


def play(forks: Forks, stages: Stages, clean: Clean, kills: Sequence[Kill]) -> Verdict:
    """Let one connector after the other die as told, and a last one finish the work."""
    died, ahead = 0, 0.0
    with stages() as stage:
        for kill in kills:
            end = forks.live(Order(config=str(stage.config), armed=str(kill), ahead=ahead))
            died += end.code == KILLED
            ahead += PAUSE.total_seconds()
        last = forks.live(Order(config=str(stage.config), armed=COUNT, ahead=ahead))
        return judge(clean, stage.seen(), kills=tuple(kills), died=died, last=last)


def judge(clean: Clean, seen: Seen, *, kills: tuple[Kill, ...], died: int, last: End) -> Verdict:
    """Compare with the clean run."""
    wanted = {held.key: held.content for held in clean.seen.held}
    found = Counter(held.key for held in seen.held)
    not_shown = [name for name, text in clean.seen.shown.items() if seen.shown.get(name) != text]
    return Verdict(
        kills=kills,
        died=died,
        lost=tuple(sorted({*(wanted.keys() - found.keys()), *not_shown})),
        doubled=tuple(sorted(key for key, count in found.items() if count > 1)),
        changed=tuple(sorted({held.key for held in seen.held if wanted.get(held.key) != held.content})),
        waiting=last.waiting,
        failed=last.code != 0,
    )


def single_kills(clean: Clean) -> Iterator[tuple[Kill]]:
    """Give each place that the clean run reached: the first, the middle and the last time."""
    for point in Point:
        count = clean.arrivals.get(point, 0)
        for arrival in sorted({1, (count + 1) // 2, count}):
            if count:
                yield (Kill(point=point, arrival=arrival),)


def pairs_of_kills(clean: Clean) -> Iterator[tuple[Kill, Kill]]:
    """Give every two places: the second connector dies as well, while it recovers from the first death."""
    reached = [point for point in Point if clean.arrivals.get(point)]
    for first in reached:
        for second in reached:
            yield Kill(point=first), Kill(point=second)
