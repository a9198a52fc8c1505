"""The progress bar of a cycle."""

import sys
from collections import Counter
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connector.ledger.delivery import State
from connector.pipeline.work import Move

FINAL = (State.COMPLETED, State.SKIPPED, State.DEAD)


class Bar:
    """A progress bar on a terminal; elsewhere nothing, since every step is a log line there."""

    def __init__(self, title: str) -> None:
        self._seen: Counter[State] = Counter()
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TextColumn("documents · {task.fields[delivered]} delivered · {task.fields[dead]} set aside"),
            TimeElapsedColumn(),
            console=Console(file=sys.stderr),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._progress.add_task(title, total=None, delivered=0, dead=0)

    def expect(self, total: int) -> None:
        """Tell how many documents this cycle has to do."""
        self._progress.update(self._task, total=total)

    def saw(self, move: Move) -> None:
        """Show a step."""
        if move.failure is not None and move.state is not State.DEAD:
            return
        self._seen[move.state] += 1
        self._progress.update(
            self._task,
            completed=sum(self._seen[state] for state in FINAL),
            delivered=self._seen[State.DELIVERED],
            dead=self._seen[State.DEAD],
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
