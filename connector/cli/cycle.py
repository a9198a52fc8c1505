"""One cycle for a one-shot command: list, advance until nothing is due, and say what came of it."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connector.cli.exits import Exit, exit_code
from connector.docflo.ratelimit import RateLimit
from connector.errors import ConnectorError, ThrottledError
from connector.ledger.delivery import Delivery, State
from connector.pipeline.advance import drain
from connector.pipeline.discover import Discovered, discover, sweep
from connector.pipeline.work import Move
from connector.wiring import Connector

FINAL = (State.COMPLETED, State.SKIPPED, State.DEAD)


@dataclass(kw_only=True)
class Cycle:
    """What one cycle did."""

    discovered: list[Discovered] = field(default_factory=list)
    errors: list[ConnectorError] = field(default_factory=list)  # listings that failed
    moves: Counter[tuple[str, State]] = field(default_factory=Counter)
    failures: dict[tuple[str, str], Move] = field(default_factory=dict)  # (pipeline, document) -> the last
    requests: Counter[str] = field(default_factory=Counter)
    rate_limit: RateLimit | None = None
    open: Counter[str] = field(default_factory=Counter)  # pipeline -> deliveries that wait for a later cycle
    in_doubt: int = 0
    dead: list[Delivery] = field(default_factory=list)  # this cycle's

    def saw(self, move: Move) -> None:
        """Take note of a step."""
        if move.failure is None:
            self.moves[move.pipeline, move.state] += 1
            return
        self.failures[move.pipeline, move.document_id] = move
        if move.state is State.DEAD:
            self.moves[move.pipeline, State.DEAD] += 1

    def count(self, state: State) -> int:
        """Count deliveries that reached `state` in this cycle."""
        return sum(number for (_, reached), number in self.moves.items() if reached is state)

    def exit(self) -> Exit:
        """Give the exit code: the gravest thing that a person should know."""
        known = [
            *self.errors,
            *(move.error for move in self.failures.values() if move.state is not State.DEAD),
        ]
        codes = {exit_code(error) for error in known if isinstance(error, ConnectorError)}
        for code in (Exit.CONFIGURATION, Exit.CREDENTIALS):
            if code in codes:
                return code
        if self.count(State.DEAD):
            return Exit.DEAD
        if self.in_doubt:
            return Exit.IN_DOUBT
        return Exit.LATER if codes or self.open else Exit.FINE


def run_cycle(connector: Connector, *, full: bool, on_move: Callable[[Move], None]) -> Cycle:
    """List every pipeline, then advance until nothing is due. `full`: list from `since`."""
    cycle = Cycle()
    for pipeline in connector.pipelines:
        listing = sweep if full else discover
        try:
            found = listing(pipeline, connector.docflo, connector.store, clock=connector.clock)
            cycle.discovered.append(found)
        except ConnectorError as error:
            # What is in the ledger already can still be delivered.
            cycle.errors.append(error)

    def watch(move: Move) -> None:
        cycle.saw(move)
        on_move(move)

    # A spent budget is known to all further calls: nothing more is asked in this cycle.
    spent = any(isinstance(error, ThrottledError) for error in cycle.errors)
    drain(connector.pipelines, connector.work(watch), stop=lambda: spent)
    cycle.requests = connector.docflo.requests
    cycle.rate_limit = connector.docflo.rate_limit
    _read_ledger(cycle, connector)
    return cycle


def _read_ledger(cycle: Cycle, connector: Connector) -> None:
    counts = connector.store.counts()
    for pipeline in connector.pipelines:
        states = counts.get(pipeline.name, {})
        waiting = states.get(State.PENDING, 0) + states.get(State.DELIVERED, 0)
        if waiting:
            cycle.open[pipeline.name] = waiting
        cycle.in_doubt += states.get(State.IN_DOUBT, 0)
    for (pipeline_name, document_id), move in cycle.failures.items():
        if move.state is State.DEAD:
            cycle.dead += connector.store.find(pipeline=pipeline_name, document_id=document_id)


@contextmanager
def progress(connector: Connector, title: str) -> Iterator[Callable[[Move], None]]:
    """Show a bar on a terminal; elsewhere nothing, since every step is a log line there.

    The total is what the ledger holds open, read again as listings add to it.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=40),
        MofNCompleteColumn(),
        TextColumn("documents · {task.fields[delivered]} delivered · {task.fields[dead]} set aside"),
        TimeElapsedColumn(),
        console=Console(file=sys.stderr),
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(title, total=None, delivered=0, dead=0)
        seen: Counter[State] = Counter()

        def on_move(move: Move) -> None:
            if move.failure is not None and move.state is not State.DEAD:
                return
            seen[move.state] += 1
            done = sum(seen[state] for state in FINAL)
            if bar.tasks[0].total is None:
                bar.update(task, total=done + _open(connector))
            bar.update(task, completed=done, delivered=seen[State.DELIVERED], dead=seen[State.DEAD])

        yield on_move
        bar.update(task, total=bar.tasks[0].completed)  # where nothing was due, that is zero


def _open(connector: Connector) -> int:
    names = {pipeline.name for pipeline in connector.pipelines}
    return sum(
        sum(states.get(state, 0) for state in (State.PENDING, State.IN_DOUBT, State.DELIVERED))
        for name, states in connector.store.counts().items()
        if name in names
    )
