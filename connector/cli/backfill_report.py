"""Backfills as people and scripts read them: plans, dry runs, lists, and the summary at the end."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connector.backfill.plan import LARGEST_BUDGET, Plan
from connector.backfill.run import End, Ended
from connector.backfill.trial import Trial, Trouble
from connector.cli.exits import Exit
from connector.cli.output import table
from connector.ledger.backfill import Backfill, Tally, documents_done, expected
from connector.ledger.delivery import State

_WORDS = {
    End.FINISHED: "is finished",
    End.PAUSED: "is paused",
    End.CANCELLED: "was cancelled",
    End.BUDGET: "waits: the request budget has nothing left for it",
    End.UNTIL: "stops here: the time has come that it was given",
    End.WAITING: "waits: what is left is due later",
    End.HELD: "waits: its pipeline is paused or halted, `docflo-connector status` says why",
    End.STOPPED: "stops here: this process was told to",
}


def plan_json(plan: Plan, now: datetime) -> Mapping[str, object]:
    """Give a plan as JSON values; the keys are promised to scripts."""
    return {
        "pipeline": plan.pipeline,
        "from": plan.over.start,
        "to": plan.over.end,
        "documents": plan.documents,
        "already": {state.value: count for state, count in plan.known.items()},
        "to_deliver": plan.to_deliver,
        "windows": len(plan.parts),
        "requests": {"total": plan.requests, "listing": plan.listings, "writes": plan.writes},
        "target_calls": plan.target_calls,
        "hourly_limit": plan.limit,
        "budget_percent": plan.budget,
        "share_of_hourly_budget": None if plan.limit is None else round(plan.requests / plan.limit, 4),
        "hours": None if plan.hours is None else round(plan.hours, 2),
        "finish_at": plan.finish_at(now),
    }


def show_plan(plan: Plan, asked: int, now: datetime, screen: Console) -> None:
    """Print a plan."""
    rows = [*_plan_rows(plan, now)]
    title = f"Backfill of {plan.pipeline}, created {_span(plan.over.start, plan.over.end)}"
    screen.print(table(title, ("", ""), rows))
    if asked > LARGEST_BUDGET:
        screen.print(
            f"--budget {asked}%: the live pipelines keep their reserve, so it is {LARGEST_BUDGET}%.",
            soft_wrap=True,
        )
    screen.print("Nothing was done. --dry-run maps every document; --apply begins.")


def _plan_rows(plan: Plan, now: datetime) -> Iterator[tuple[str, object]]:
    known = ", ".join(f"{count} {state.value}" for state, count in plan.known.items())
    yield "documents ready in Docflo", str(plan.documents)
    yield "known to the ledger", known or "none"
    yield "to deliver", str(plan.to_deliver)
    yield "requests to Docflo", f"{plan.requests} ({plan.listings} for listings, {plan.writes} writes)"
    yield "calls to the target", f"about {plan.target_calls}"
    if plan.limit is None or plan.hours is None:
        yield "time", "Docflo has told no limit: as fast as it and the target answer"
        return
    percent = round(100 * plan.requests / plan.limit)
    yield "of one hour's budget", f"{percent}% of {plan.limit}; it may use {plan.budget}% of each hour"
    yield "hours", f"{plan.hours:.1f} at least"
    done = plan.finish_at(now)
    yield "done", f"{done:%Y-%m-%d %H:%M} UTC at the earliest" if done else None


def trial_json(trial: Trial) -> Mapping[str, object]:
    """Give a dry run as JSON values."""
    return {
        "documents": trial.documents,
        "fit": trial.fit,
        "skipped": dict(trial.skipped),
        "failed": trial.failed,
        "unreadable": trial.unreadable,
        "problems": [
            {"place": place, "problem": what, "documents": trouble.documents, "examples": trouble.examples}
            for (place, what), trouble in _by_count(trial)
        ],
    }


def show_trial(trial: Trial, screen: Console) -> None:
    """Print a dry run."""
    screen.print(
        f"{trial.documents} documents read: {trial.fit} fit the mapping, {trial.skipped.total()} would be "
        f"skipped, {trial.failed} would be set aside, {trial.unreadable} cannot be read. "
        "Nothing was written.",
        soft_wrap=True,
    )
    rows = [
        (trouble.documents, place, what, ", ".join(trouble.examples))
        for (place, what), trouble in _by_count(trial)
    ]
    if rows:
        screen.print(table("Would be set aside", ("documents", "rule", "problem", "such as"), rows))
    if trial.skipped:
        skipped = [(count, reason) for reason, count in trial.skipped.most_common()]
        screen.print(table("Would be skipped", ("documents", "why"), skipped))


def backfill_json(known: Backfill, tally: Tally) -> Mapping[str, object]:
    """Give a backfill as JSON values."""
    return {
        "id": known.id,
        "pipeline": known.pipeline,
        "from": known.created_from,
        "to": known.created_to,
        "state": known.state.value,
        "reason": known.reason,
        "limit": known.most,
        "only_missing": known.only_missing,
        "began_at": known.began_at,
        "changed_at": known.changed_at,
        "actor": known.actor,
        "planned": known.total if known.planned_at is not None else None,
        "documents": expected(known, tally),
        "done": documents_done(tally),
        "windows": {"all": tally.windows, "listed": tally.listed},
        "listed": {"documents": tally.found, "new": tally.new, "changed": tally.changed},
        "unreadable": tally.unreadable,
        "deliveries": {state.value: count for state, count in tally.states.items()},
        "waiting": tally.open,
        "errors": dict(tally.failures),
        "next_due": tally.next_due,
    }


def backfill_line(known: Backfill, tally: Tally) -> str:
    """Say how far a backfill is that is not over."""
    reason = f": {known.reason}" if known.reason else ""
    done = f"{documents_done(tally)} of {expected(known, tally)} documents are done"
    span = _span(known.created_from, known.created_to)
    return f"Backfill {known.id} of {known.pipeline} ({span}) is {known.state.value}{reason}; {done}."


def backfill_table(backfills: Sequence[tuple[Backfill, Tally]]) -> Table:
    """Draw backfills."""
    columns = (
        "id",
        "pipeline",
        "created (UTC)",
        "state",
        "documents",
        "done",
        "waiting",
        "set aside",
        "since",
    )
    rows = [
        (
            known.id,
            known.pipeline,
            _span(known.created_from, known.created_to),
            known.state.value,
            expected(known, tally),
            documents_done(tally),
            tally.open,
            tally.states.get(State.DEAD, 0),
            known.began_at,
        )
        for known, tally in backfills
    ]
    return table("Backfills", columns, rows)


def summary_json(
    known: Backfill, tally: Tally, ended: Ended, requests: Mapping[str, int], seconds: float
) -> Mapping[str, object]:
    """Give what a process did on a backfill as JSON values; the keys are promised to scripts."""
    return {
        **backfill_json(known, tally),
        "ended": ended.why.value,
        "come_back_at": ended.come_back_at,
        "requests": {"total": sum(requests.values()), **dict(sorted(requests.items()))},
        "seconds": round(seconds, 1),
    }


def show_backfill(known: Backfill, tally: Tally, screen: Console) -> None:
    """Print how far a backfill is."""
    screen.print(backfill_table([(known, tally)]))
    if known.reason:
        screen.print(f"{known.state.value}: {escape(known.reason)}", soft_wrap=True)
    for name, count in tally.failures.items():
        screen.print(f"[red]✗[/red] {count} set aside: {escape(name)}")
    if tally.unreadable:
        screen.print(
            f"[red]✗[/red] {tally.unreadable} listed documents cannot be read; `docflo-connector status` "
            "names them, another backfill tries them again.",
            soft_wrap=True,
        )


def show_summary(
    known: Backfill,
    tally: Tally,
    ended: Ended,
    requests: Mapping[str, int],
    seconds: float,
    screen: Console,
) -> None:
    """Print the same."""
    show_backfill(known, tally, screen)
    screen.print(f"Requests to Docflo by this process: {sum(requests.values())}, in {seconds:.0f} seconds.")
    screen.print(escape(end_line(known, ended)), soft_wrap=True)


def end_line(known: Backfill, ended: Ended) -> str:
    """Say why the work on a backfill ended, and how it goes on."""
    line = f"Backfill {known.id} {_WORDS[ended.why]}"
    if ended.reason:
        line += f": {ended.reason}"
    if ended.come_back_at is not None:
        line += f"; come back after {ended.come_back_at:%Y-%m-%d %H:%M:%S} UTC"
    if ended.why in {End.FINISHED, End.CANCELLED}:
        return f"{line}."
    return f"{line}. Nothing is lost; `docflo-connector backfill resume {known.id}` goes on from here."


def exit_of(tally: Tally, ended: Ended, *, is_halted: bool) -> Exit:
    """Give the exit code of a backfill that ended by itself."""
    needs_person = tally.states.get(State.DEAD, 0) or tally.unreadable
    match ended.why:
        case End.CANCELLED:
            return Exit.FINE
        case End.FINISHED if needs_person:
            return Exit.DEAD
        case End.FINISHED:
            return Exit.IN_DOUBT if tally.states.get(State.IN_DOUBT) else Exit.FINE
        case End.PAUSED if needs_person:
            return Exit.DEAD
        case End.HELD if is_halted:
            return Exit.DEAD
        case _:
            return Exit.LATER


def _by_count(trial: Trial) -> list[tuple[tuple[str, str], Trouble]]:
    return sorted(trial.problems.items(), key=lambda item: (-item[1].documents, item[0]))


def _span(start: datetime, end: datetime) -> str:
    return f"{_short(start)} to {_short(end)}"


def _short(moment: datetime) -> str:
    is_day = (moment.hour, moment.minute, moment.second) == (0, 0, 0)
    return f"{moment:%Y-%m-%d}" if is_day else f"{moment:%Y-%m-%d %H:%M:%S}"
