"""`backfill`, done: the plan, the dry run, and the work of this process until it ends."""

import gc
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType

import typer

from connector.backfill.counting import Range, count_parts
from connector.backfill.plan import LARGEST_BUDGET, Plan, make_plan
from connector.backfill.run import Bench, Conditions, End, Run
from connector.backfill.trial import Trial, try_out
from connector.cli.acting import by
from connector.cli.backfill_bar import BackfillBar, print_line
from connector.cli.backfill_options import read_budget, read_range, read_until
from connector.cli.backfill_report import (
    exit_of,
    plan_json,
    show_plan,
    show_summary,
    show_trial,
    summary_json,
    trial_json,
)
from connector.cli.exits import Exit
from connector.cli.options import Output
from connector.cli.output import console, print_json
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.config import Config
from connector.docflo.budget import Lane
from connector.errors import ConfigError
from connector.ledger.backfill import Backfill, BackfillState
from connector.ledger.backfills import BackfillStore
from connector.ledger.database import Database
from connector.pipeline.breaker import listing_of
from connector.pipeline.definition import Pipeline
from connector.sight import open_sight
from connector.wiring import Connector, connect, connect_over, select_pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person wants, as it was typed."""

    pipeline: str
    since: str
    to: str | None
    apply: bool
    dry_run: bool
    most: int | None
    only_missing: bool
    budget: str
    until: str | None
    wait: bool


def bring(wish: Wish, config: Path, output: Output) -> int:
    """Plan, try out or do a backfill; give the exit code.

    Raises: ConfigError for what makes no sense, or shares a part of its range with another backfill.
    """
    now = utc_now()
    over = read_range(wish.since, wish.to, now)
    percent = read_budget(wish.budget)
    conditions = Conditions(until=read_until(wish.until, now), waits=wish.wait or wish.until is not None)
    settings = open_session(config)
    select_pipeline(settings, wish.pipeline)
    with connect(settings, only=[wish.pipeline], backfill_budget=percent) as connector:
        [pipeline] = connector.pipelines
        if wish.apply:
            known = _under_way(connector, wish, over)
            if known is None:
                known = _begin(connector, wish, over, percent)
            else:
                typer.echo(f"Backfill {known.id} has this range already: it goes on.", err=True)
            return _work_on(known, connector, conditions, output)
        _refuse_overlap(connector, wish, over)
        plan = _plan(connector, pipeline, wish, over, percent)
        if wish.dry_run:
            return _try_out(plan, connector, pipeline, wish, output)
        if output is Output.JSON:
            print_json(plan_json(plan, now))
        else:
            show_plan(plan, percent, now, console())
        return Exit.FINE


def go_on(
    number: int | None, config: Path, output: Output, *, budget: str, until: str | None, wait: bool
) -> int:
    """Go on with a backfill that is not over; give the exit code.

    Raises: ConfigError when there is no such backfill, or several and none was named.
    """
    now = utc_now()
    percent = read_budget(budget)
    conditions = Conditions(until=read_until(until, now), waits=wait or until is not None)
    settings = open_session(config)
    known = _to_go_on_with(settings, number)
    if known is None:
        typer.echo("There is no backfill to go on with.", err=True)
        return Exit.FINE
    select_pipeline(settings, known.pipeline)
    with connect(settings, only=[known.pipeline], backfill_budget=percent) as connector:
        act = by("resume", f"backfill={known.id}")
        known = connector.backfills.change(known.id, BackfillState.RUNNING, act)
        return _work_on(known, connector, conditions, output)


def _to_go_on_with(settings: Config, number: int | None) -> Backfill | None:
    with open_sight(settings) as sight:
        active = [each for each in sight.backfills.all() if each.is_active]
        if number is not None:
            known = sight.backfills.get(number)
            if known is None or not known.is_active:
                state = f"is {known.state.value}" if known else "does not exist"
                raise ConfigError(
                    f"backfill {number} {state}", remedy="`docflo-connector backfill list` shows all"
                )
            return known
    if len(active) > 1:
        ids = ", ".join(str(each.id) for each in reversed(active))
        raise ConfigError(f"{len(active)} backfills are not over: {ids}", remedy="name one of them")
    return active[0] if active else None


def _under_way(connector: Connector, wish: Wish, over: Range) -> Backfill | None:
    """Give the backfill that this wish is about, if there is one.

    Raises: ConfigError when another one shares a part of the range, or this one is paused.
    """
    known = connector.backfills.clash(wish.pipeline, over.start, over.end)
    if known is None:
        return None
    if not _is_range_of(known, wish, over) or (known.most, known.only_missing) != (
        wish.most,
        wish.only_missing,
    ):
        raise _overlap(known)
    if known.state is BackfillState.PAUSED:
        raise ConfigError(
            f"backfill {known.id} has this range, and is paused by {known.actor}: {known.reason}",
            remedy=f"`docflo-connector backfill resume {known.id}` goes on with it",
        )
    return known


def _refuse_overlap(connector: Connector, wish: Wish, over: Range) -> None:
    known = connector.backfills.clash(wish.pipeline, over.start, over.end)
    if known is not None and not _is_range_of(known, wish, over):
        raise _overlap(known)


def _is_range_of(known: Backfill, wish: Wish, over: Range) -> bool:
    # Without an end, "until now" was another moment when it began.
    return known.created_from == over.start and (wish.to is None or known.created_to == over.end)


def _overlap(known: Backfill) -> ConfigError:
    limits = f", at most {known.most}" if known.most is not None else ""
    missing = ", only what is missing" if known.only_missing else ""
    return ConfigError(
        f"backfill {known.id} of {known.pipeline} is not over and shares a part of this range: created "
        f"{known.created_from:%Y-%m-%d %H:%M} to {known.created_to:%Y-%m-%d %H:%M} UTC{limits}{missing}",
        remedy=f"go on with it (`docflo-connector backfill resume {known.id}`), cancel it, or name a range "
        "beside it",
    )


def _plan(connector: Connector, pipeline: Pipeline, wish: Wish, over: Range, percent: int) -> Plan:
    docflo = connector.docflo.lane(Lane.BACKFILL)
    with listing_of(connector.breakers):
        parts = count_parts(pipeline, over, docflo, lambda: None)
    return make_plan(
        pipeline,
        over,
        parts,
        connector.backfills.known_documents(wish.pipeline, over.start, over.end),
        connector.budget.balance(),
        page_size=docflo.page_size,
        budget=percent,
        most=wish.most,
    )


def _wanted(pipeline: str, over: Range, actor: str, *, most: int | None, only_missing: bool) -> Backfill:
    now = utc_now()
    return Backfill(
        id=0,
        pipeline=pipeline,
        created_from=over.start,
        created_to=over.end,
        state=BackfillState.RUNNING,
        total=0,  # until it is planned
        most=most,
        only_missing=only_missing,
        began_at=now,
        changed_at=now,
        actor=actor,
    )


def _begin(connector: Connector, wish: Wish, over: Range, percent: int) -> Backfill:
    actor = by("begin", "").actor
    begun = connector.backfills.begin(
        _wanted(wish.pipeline, over, actor, most=wish.most, only_missing=wish.only_missing)
    )
    if begun is not None:
        if percent > LARGEST_BUDGET:
            typer.echo(f"The live pipelines keep their reserve: {LARGEST_BUDGET}% of each hour.", err=True)
        return begun
    # Somebody began one in this moment.
    known = _under_way(connector, wish, over)
    if known is None:
        raise ConfigError("another backfill over this range has just ended", remedy="run the command again")
    return known


def _work_on(known: Backfill, connector: Connector, conditions: Conditions, output: Output) -> int:
    [pipeline] = connector.pipelines
    began = time.monotonic()
    gc.freeze()  # as in `serving`; the process ends with the backfill
    with BackfillBar(known, balance=connector.budget.balance, clock=connector.clock) as bar:
        run = Run(known, pipeline, bench_of(connector, pipeline), conditions, bar.saw)
        stopped = _stop_on_signals(run)
        ended = run.run()
    known = connector.backfills.get(known.id) or known
    tally = connector.backfills.tally(known)
    seconds = time.monotonic() - began
    requests = connector.docflo.requests
    if not sys.stderr.isatty():
        print_line({"event": "backfill.ended", "ended": ended.why.value, **bar.facts(tally)})
    if output is Output.JSON:
        print_json(summary_json(known, tally, ended, requests, seconds))
    else:
        show_summary(known, tally, ended, requests, seconds, console())
    code: int = exit_of(tally, ended, is_halted=_is_halted(connector, pipeline))
    if ended.why is End.STOPPED and stopped:
        code = 128 + stopped[0]
    if ended.left_running:
        # Waiting for threads that hang is what the grace period has just ended.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    return code


def bench_of(connector: Connector, pipeline: Pipeline) -> Bench:
    """Give what the work on a backfill is done with."""
    service = connector.config.service
    return Bench(
        backfills=connector.backfills,
        windows=connector.windows,
        breakers=connector.breakers,
        make_work=connector.work,
        is_held=lambda: _is_halted(connector, pipeline) or _is_paused(connector, pipeline),
        clock=connector.clock,
        workers=service.workers,
        grace=service.grace,
    )


def _is_halted(connector: Connector, pipeline: Pipeline) -> bool:
    return any(halt.pipeline == pipeline.name for halt in connector.store.halts())


def _is_paused(connector: Connector, pipeline: Pipeline) -> bool:
    return any(pause.pipeline == pipeline.name for pause in connector.pauses.all())


def _stop_on_signals(run: Run) -> list[int]:
    """Stop on SIGTERM and SIGINT; the list that is given holds the signal once it came."""
    came: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        run.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return came


def _try_out(plan: Plan, connector: Connector, pipeline: Pipeline, wish: Wish, output: Output) -> int:
    work = connector.work()
    work = replace(work, docflo=work.docflo.lane(Lane.BACKFILL))

    def ended(trial: Trial) -> None:
        if not sys.stderr.isatty():
            print_line(
                {
                    "event": "backfill.dry_run",
                    "pipeline": pipeline.name,
                    "documents": plan.documents,
                    "done": trial.documents,
                    "failed": trial.failed,
                }
            )

    with listing_of(connector.breakers):
        trial = try_out(plan.parts, pipeline, work, most=wish.most, ended=ended)
    if output is Output.JSON:
        print_json({"plan": plan_json(plan, utc_now()), "dry_run": trial_json(trial)})
    else:
        show_trial(trial, console())
    return Exit.DEAD if trial.failed or trial.unreadable else Exit.FINE


def plan_for_a_person(
    database: Database, config: Config, pipeline: str, start: str, end: str
) -> Mapping[str, object]:
    """Give what a backfill would cost, over a database that is open. Nothing is stored.

    Raises: ConfigError for what makes no sense, or shares a part of its range with another backfill.
    """
    now = utc_now()
    over = read_range(start, end, now)
    percent = LARGEST_BUDGET
    with connect_over(database, config, only=[pipeline]) as connector:
        [meant] = connector.pipelines
        known = connector.backfills.clash(pipeline, over.start, over.end)
        if known is not None:
            raise _overlap(known)
        wish = Wish(
            pipeline=pipeline,
            since=start,
            to=end,
            apply=False,
            dry_run=False,
            most=None,
            only_missing=False,
            budget=f"{percent}%",
            until=None,
            wait=False,
        )
        return plan_json(_plan(connector, meant, wish, over, percent), now)


def begin_for_a_person(database: Database, pipeline: str, start: str, end: str, actor: str) -> Backfill:
    """Store a backfill that whoever works on backfills takes up.

    Raises: ConfigError for what makes no sense, or shares a part of its range with another backfill.
    """
    over = read_range(start, end, utc_now())
    store = BackfillStore(database, clock=utc_now)
    begun = store.begin(_wanted(pipeline, over, actor, most=None, only_missing=False))
    if begun is not None:
        return begun
    known = store.clash(pipeline, over.start, over.end)
    if known is None:
        raise ConfigError("another backfill over this range has just ended", remedy="look at the list again")
    raise _overlap(known)
