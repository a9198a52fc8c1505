"""One cycle for a one-shot command: list, advance until nothing is due, and say what came of it."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from connector.cli.bar import Bar
from connector.cli.exits import Exit, exit_code
from connector.docflo.ratelimit import RateLimit
from connector.docflo.shared_budget import Balance
from connector.errors import ConnectorError, ThrottledError
from connector.ledger.breaker import Breaker
from connector.ledger.delivery import Delivery, Halt, State
from connector.ledger.original import OPEN_ORIGINALS
from connector.ledger.pauses import Pause
from connector.pipeline.advance import drain
from connector.pipeline.breaker import listing_of
from connector.pipeline.definition import Pipeline
from connector.pipeline.discover import discover, is_rescan_due, rescan, sweep
from connector.pipeline.gather import Discovered, merged
from connector.pipeline.work import Move, Work
from connector.wiring import Connector


@dataclass(kw_only=True)
class Cycle:
    """What one cycle did."""

    discovered: list[Discovered] = field(default_factory=list)
    paused: tuple[Pause, ...] = ()  # pipelines that a person wants left alone
    busy: list[str] = field(default_factory=list)  # pipelines that another process is listing
    errors: list[ConnectorError] = field(default_factory=list)  # listings that failed
    moves: Counter[tuple[str, State]] = field(default_factory=Counter)
    failures: dict[tuple[str, str], Move] = field(default_factory=dict)  # (pipeline, document) -> the last
    requests: Counter[str] = field(default_factory=Counter)
    rate_limit: RateLimit | None = None
    budget: Balance | None = None
    mappings: frozenset[str] = frozenset()  # the sides of this cycle's mappings
    breakers: tuple[Breaker, ...] = ()  # sides that are left alone when the cycle ends
    open: Counter[str] = field(default_factory=Counter)  # pipeline -> deliveries that wait for a later cycle
    in_doubt: int = 0
    originals: Counter[str] = field(default_factory=Counter)  # pipeline -> original files that wait
    originals_due: datetime | None = None  # when the next of them can be tried
    dead_originals: tuple[int, ...] = ()  # this cycle's, by delivery
    dead: list[Delivery] = field(default_factory=list)  # this cycle's
    halts: tuple[Halt, ...] = ()  # pipelines of which nothing is claimed

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

    def come_back_at(self) -> datetime | None:
        """Give when something that had to wait can go on; None when nothing asked to wait."""
        errors = [*self.errors, *(move.error for move in self.failures.values())]
        times = [error.until for error in errors if isinstance(error, ThrottledError)]
        if self.originals_due is not None:
            times.append(self.originals_due)
        return min([*times, *(breaker.next_try for breaker in self.breakers)], default=None)

    def exit(self) -> Exit:
        """Give the exit code: the gravest thing that a person should know."""
        known = [
            *self.errors,
            *(move.error for move in self.failures.values() if move.state is not State.DEAD),
        ]
        codes = {exit_code(error) for error in known if isinstance(error, ConnectorError)}
        if any(breaker.side in self.mappings for breaker in self.breakers):
            codes.add(Exit.CONFIGURATION)
        for code in (Exit.CONFIGURATION, Exit.CREDENTIALS):
            if code in codes:
                return code
        needs_person = any(found.listed.held or found.unreadable for found in self.discovered)
        if self.halts or self.count(State.DEAD) or self.dead_originals or needs_person:
            return Exit.DEAD
        if self.in_doubt:
            return Exit.IN_DOUBT
        return Exit.LATER if codes or self.open or self.originals else Exit.FINE


def run_cycle(connector: Connector, *, full: bool, bar: Bar) -> Cycle:
    """List every pipeline, then advance until nothing is due. `full`: sweep.

    A pipeline that another process is listing is left to it; what is in the ledger is delivered all the same.
    """
    cycle = Cycle()
    began = connector.clock()
    connector.breakers.try_now()
    lister = connector.work()
    names = {pipeline.name for pipeline in connector.pipelines}
    cycle.paused = tuple(pause for pause in connector.pauses.all() if pause.pipeline in names)
    left_alone = {pause.pipeline for pause in cycle.paused}
    for pipeline in connector.pipelines:
        if pipeline.name in left_alone:
            continue
        try:
            with listing_of(connector.breakers):
                found = _sweep(pipeline, lister, connector) if full else discover(pipeline, lister)
        except ConnectorError as error:
            # What is in the ledger already can still be delivered.
            cycle.errors.append(error)
            continue
        if found is None:
            cycle.busy.append(pipeline.name)
        else:
            cycle.discovered.append(found)

    def watch(move: Move) -> None:
        cycle.saw(move)
        bar.saw(move)

    bar.expect(_open(connector).total())

    drain(connector.pipelines, connector.work(watch), stop=lambda: False)
    cycle.requests = connector.docflo.requests
    cycle.rate_limit = connector.docflo.rate_limit
    cycle.budget = connector.budget.balance()
    cycle.breakers = connector.breakers.open()
    cycle.mappings = frozenset(pipeline.mapping_side for pipeline in connector.pipelines)
    _read_ledger(cycle, connector)
    _read_originals(cycle, connector, began)
    return cycle


def _sweep(pipeline: Pipeline, lister: Work, connector: Connector) -> Discovered | None:
    """Sweep, and rescan when the last rescan was long ago."""
    found = sweep(pipeline, lister)
    pause = connector.config.pipelines[pipeline.name].schedule.rescan
    checkpoint = connector.store.checkpoint(pipeline.name)
    if found is None or checkpoint is None or not is_rescan_due(checkpoint, pause, connector.clock()):
        return found
    again = rescan(pipeline, lister)
    return found if again is None else merged(found, again)


def _read_ledger(cycle: Cycle, connector: Connector) -> None:
    cycle.open = +_open(connector)  # without the zeros
    names = {pipeline.name for pipeline in connector.pipelines}
    cycle.halts = tuple(halt for halt in connector.store.halts() if halt.pipeline in names)
    counts = connector.store.counts()
    cycle.in_doubt = sum(
        counts.get(pipeline.name, {}).get(State.IN_DOUBT, 0) for pipeline in connector.pipelines
    )
    for (pipeline_name, document_id), move in cycle.failures.items():
        if move.state is State.DEAD:
            cycle.dead += connector.store.find(pipeline=pipeline_name, document_id=document_id)


def _read_originals(cycle: Cycle, connector: Connector, began: datetime) -> None:
    originals = connector.store.originals
    names = [pipeline.name for pipeline in connector.pipelines]
    counts = originals.counts()
    cycle.originals = +Counter(
        {name: sum(counts.get(name, {}).get(state, 0) for state in OPEN_ORIGINALS) for name in names}
    )
    cycle.dead_originals = originals.died_since(names, began)
    due, now = originals.next_due(names), connector.clock()
    if due is not None and due <= now and cycle.budget is not None:
        # It is due, and was left: the budget has nothing for it in this hour.
        due = cycle.budget.closed_until or cycle.budget.reset_at or due
    cycle.originals_due = due


def _open(connector: Connector) -> Counter[str]:
    """Count what is due now or later, by pipeline; a backfill looks after its own."""
    counts = connector.store.counts(backfills=False)
    names = [pipeline.name for pipeline in connector.pipelines]
    return Counter(
        {
            name: sum(counts.get(name, {}).get(state, 0) for state in (State.PENDING, State.DELIVERED))
            for name in names
        }
    )
