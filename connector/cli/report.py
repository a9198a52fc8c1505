"""Deliveries and cycles as people and scripts read them."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from connector.cli.cycle import Cycle
from connector.cli.output import table
from connector.docflo.shared_budget import Balance
from connector.ledger.breaker import Breaker
from connector.ledger.delivery import Delivery, Errand, Halt, State, UnreadableNote
from connector.ledger.jobs import OpenJob
from connector.ledger.pauses import Pause
from connector.ledger.replicas import Replica
from connector.pipeline.listing import Quirk

_MOST_IDS = 10
WRITES = ("update_fields", "update_status")


def cycle_json(cycle: Cycle) -> Mapping[str, object]:
    """Give a cycle as JSON values; the keys are promised to scripts."""
    limit = cycle.rate_limit
    return {
        "pipelines": {
            found.pipeline: {
                "matched": found.matched,
                "new": found.listed.new,
                "changed": found.listed.changed,
                "changed_after_delivery": found.listed.changed_after_delivery,
                "held": found.listed.held,
                "ignored": found.listed.ignored,
                "unreadable": found.unreadable,
                "delivered": cycle.moves[found.pipeline, State.DELIVERED],
                "completed": cycle.moves[found.pipeline, State.COMPLETED],
                "dead": cycle.moves[found.pipeline, State.DEAD],
                "waiting": cycle.open[found.pipeline],
            }
            for found in cycle.discovered
        },
        "busy": cycle.busy,
        "halted": [halt_json(halt) for halt in cycle.halts],
        "paused": [pause_json(pause) for pause in cycle.paused],
        "dead": [delivery_json(delivery) for delivery in cycle.dead],
        "originals": {"waiting": cycle.originals, "dead": cycle.dead_originals},
        "errors": [{"error": type(error).__name__, "message": error.message} for error in cycle.errors],
        "requests": {"total": cycle.requests.total(), **dict(sorted(cycle.requests.items()))},
        "rate_limit": None
        if limit is None
        else {"limit": limit.limit, "remaining": limit.remaining, "reset_at": limit.reset_at},
        "budget": None if cycle.budget is None else budget_json(cycle.budget),
        "breakers": [breaker_json(breaker) for breaker in cycle.breakers],
        "come_back_at": cycle.come_back_at(),
    }


def budget_json(budget: Balance) -> Mapping[str, object]:
    """Give the budget as JSON values."""
    return {
        "limit": budget.limit,
        "used": budget.used,
        "reset_at": budget.reset_at,
        "closed_until": budget.closed_until,
        "lanes": {lane.value: left for lane, left in budget.lanes.items()},
    }


def breaker_json(breaker: Breaker) -> Mapping[str, object]:
    """Give an open breaker as JSON values."""
    return {
        "side": breaker.side,
        "error": breaker.error_class,
        "reason": breaker.reason,
        "open_since": breaker.opened_at,
        "failures": breaker.failures,
        "next_try": breaker.next_try,
    }


def budget_line(budget: Balance) -> str:
    """Say what is left of the request budget, and for whom."""
    if budget.closed_until is not None:
        return f"Requests to Docflo: none before {budget.closed_until:%H:%M:%S} UTC, as Docflo asked."
    if budget.limit is None:
        return "Requests to Docflo: no limit is known yet."
    lanes = ", ".join(f"{lane.value.replace('_', '-')} {left}" for lane, left in budget.lanes.items())
    reset = f"; all of them again at {budget.reset_at:%H:%M:%S} UTC" if budget.reset_at else ""
    return f"Requests to Docflo: {budget.used} of {budget.limit} used; left for {lanes}{reset}."


def unreadable_json(note: UnreadableNote) -> Mapping[str, object]:
    """Give a listed document that could not be read as JSON values."""
    return {
        "document": note.unreadable.mark,
        "reason": note.unreadable.reason,
        "created_on": note.unreadable.created_on,
        "first_seen_at": note.first_seen_at,
        "last_seen_at": note.last_seen_at,
    }


def unreadable_table(notes: Iterable[UnreadableNote]) -> Table:
    """Draw listed documents that could not be read."""
    rows = [
        (
            note.pipeline,
            note.unreadable.mark,
            note.unreadable.reason,
            note.unreadable.created_on,
            note.first_seen_at,
        )
        for note in notes
    ]
    columns = ("pipeline", "document", "why", "created (UTC)", "since (UTC)")
    return table("Listed, but cannot be read: tried again by each listing", columns, rows)


def breaker_table(breakers: Iterable[Breaker]) -> Table:
    """Draw the sides that are left alone for now."""
    rows = [(breaker.side, breaker.reason, breaker.opened_at, breaker.next_try) for breaker in breakers]
    return table("Left alone for now", ("side", "why", "since (UTC)", "next try (UTC)"), rows)


def job_json(job: OpenJob) -> Mapping[str, object]:
    """Give a target's open job as JSON values."""
    return {
        "target": job.target,
        "job": job.job_id,
        "opened_at": job.opened_at,
        "records": len(job.record_keys),
    }


def job_line(job: OpenJob) -> str:
    """Say what may still be written by itself."""
    return (
        f"Job {job.job_id} of {job.target}, opened at {job.opened_at:%Y-%m-%d %H:%M} UTC, may still write "
        f"{len(job.record_keys)} records; nothing else is sent for them before it ends."
    )


def pause_json(pause: Pause) -> Mapping[str, object]:
    """Give a pause as JSON values."""
    return {
        "pipeline": pause.pipeline,
        "paused_at": pause.paused_at,
        "actor": pause.actor,
        "reason": pause.reason,
    }


def pause_line(pause: Pause) -> str:
    """Say that a pipeline is paused, by whom and why, and what lets it go on."""
    return (
        f"{pause.pipeline} is paused since {pause.paused_at:%Y-%m-%d %H:%M} UTC by {pause.actor}: "
        f"{pause.reason}. It is neither listed nor delivered until "
        f"`docflo-connector pipelines resume {pause.pipeline} --reason ...` is run."
    )


def halt_json(halt: Halt) -> Mapping[str, object]:
    """Give a halt as JSON values."""
    return {
        "pipeline": halt.pipeline,
        "errand": halt.errand.value,
        "error": halt.error_class,
        "dead_letters": halt.length,
        "reason": halt.reason,
        "halted_at": halt.halted_at,
    }


def halt_line(halt: Halt) -> str:
    """Say that a pipeline is halted, why, and what lifts it."""
    errand = "deliveries" if halt.errand is Errand.DELIVERY else "write-backs"
    return (
        f"{halt.pipeline} is halted since {halt.halted_at:%Y-%m-%d %H:%M} UTC: {halt.length} {errand} in a "
        f"row died of {halt.error_class}, the last one of: {halt.reason}. Nothing of it is sent until the "
        f"cause is repaired and `docflo-connector pipelines resume {halt.pipeline} --reason ...` is run."
    )


def replica_json(replica: Replica) -> Mapping[str, object]:
    """Give a process of `run` as JSON values."""
    return {
        "name": replica.name,
        "version": replica.version,
        "started_at": replica.started_at,
        "seen_at": replica.seen_at,
        "config_read_at": replica.config_read_at,
        "config_refused": replica.config_refused,
    }


def replica_lines(replicas: Iterable[Replica], *, now: datetime) -> Iterator[str]:
    """Say which processes of `run` there are, and what a person should know of each."""
    for replica in replicas:
        line = f"{replica.name} runs since {replica.started_at:%Y-%m-%d %H:%M} UTC ({replica.version})"
        if replica.is_gone(now):
            seen = f"{replica.seen_at:%Y-%m-%d %H:%M:%S} UTC"
            line = f"{replica.name} was last seen at {seen}: it was killed, or stands still"
        if replica.config_refused:
            read = f"{replica.config_read_at:%Y-%m-%d %H:%M} UTC"
            line += (
                f"; it refuses the configuration and goes on with that of {read}: {replica.config_refused}"
            )
        yield f"{line}."


def delivery_json(delivery: Delivery) -> Mapping[str, object]:
    """Give a delivery as JSON values, without the document."""
    failure = delivery.failure
    return {
        "id": delivery.id,
        "pipeline": delivery.pipeline,
        "document": delivery.document_id,
        "type": delivery.document_type,
        "revision": delivery.revision,
        "state": delivery.state.value,
        "number": delivery.headline.number,
        "party": delivery.headline.party,
        "amount": delivery.headline.amount,
        "currency": delivery.headline.currency,
        "date": delivery.headline.date,
        "receipt": delivery.receipt_id,
        "url": delivery.receipt_url,
        "attempts": delivery.attempts,
        "due_at": delivery.due_at,
        "error": failure.error_class if failure else None,
        "code": failure.code if failure else None,
        "reason": failure.reason if failure else None,
        "died_in": delivery.died_in.value if delivery.died_in else None,
        "found_at": delivery.found_at,
        "changed_at": delivery.changed_at,
    }


def show_cycle(cycle: Cycle, screen: Console) -> None:
    """Print what a cycle did: a line of sums, who needs a person, and what it cost."""
    _show_listings(cycle, screen)
    rows = [
        (
            found.pipeline,
            found.matched,
            found.listed.new + found.listed.changed + found.listed.changed_after_delivery,
            cycle.moves[found.pipeline, State.DELIVERED],
            cycle.moves[found.pipeline, State.COMPLETED],
            cycle.moves[found.pipeline, State.DEAD],
            cycle.open[found.pipeline],
        )
        for found in cycle.discovered
    ]
    columns = ("pipeline", "listed", "new or changed", "delivered", "written back", "set aside", "waiting")
    if rows:
        screen.print(table("This sync", columns, rows))
    if cycle.dead:
        screen.print(problem_table(cycle.dead, "Set aside: each needs a person"))
        screen.print(
            "Look closer with `docflo-connector deliveries show ID`, repair, then `deliveries replay ID`."
        )
    _show_originals(cycle, screen)
    if cycle.breakers:
        screen.print(breaker_table(cycle.breakers))
    for halt in cycle.halts:
        screen.print(f"[red]✗[/red] {escape(halt_line(halt))}", soft_wrap=True)
    for pause in cycle.paused:
        screen.print(f"[yellow]![/yellow] {escape(pause_line(pause))}", soft_wrap=True)
    screen.print(cost_line(cycle))
    until = cycle.come_back_at()
    if until is not None:
        screen.print(f"Come back after {until:%Y-%m-%d %H:%M:%S} UTC; nothing is lost.")


def _show_originals(cycle: Cycle, screen: Console) -> None:
    if cycle.originals:
        screen.print(f"{cycle.originals.total()} original files are to follow their records.")
    if cycle.dead_originals:
        ids = ", ".join(map(str, cycle.dead_originals[:_MOST_IDS]))
        more = ", …" if len(cycle.dead_originals) > _MOST_IDS else ""
        count = len(cycle.dead_originals)
        screen.print(
            f"[red]✗[/red] {count} original files were given up, of deliveries {ids}{more}:"
            " `docflo-connector deliveries show ID` says why, `deliveries attach ID` tries again.",
            soft_wrap=True,
        )


def _show_listings(cycle: Cycle, screen: Console) -> None:
    for error in cycle.errors:
        screen.print(f"[red]✗[/red] listing failed: {escape(error.message)}", soft_wrap=True)
    for name in cycle.busy:
        screen.print(
            f"{name}: another process is listing it, so this sync listed nothing. "
            "If none is running, one was killed: its turn ends after service.lease, three minutes at most.",
            soft_wrap=True,
        )
    for found in cycle.discovered:
        if Quirk.SHIFTING in found.quirks:
            screen.print(
                f"[yellow]![/yellow] {found.pipeline}: {Quirk.SHIFTING}; the next listing looks again.",
                soft_wrap=True,
            )
        if found.unreadable:
            screen.print(
                f"[red]✗[/red] {found.pipeline}: {found.unreadable} listed documents cannot be read; "
                "`docflo-connector status` names them. The next listing tries them again.",
                soft_wrap=True,
            )
        if found.listed.held:
            screen.print(
                f"[yellow]![/yellow] {found.pipeline}: {found.listed.held} edited after delivery and held; "
                "`docflo-connector deliveries list --state dead` shows them.",
                soft_wrap=True,
            )


def cost_line(cycle: Cycle) -> str:
    """Say how many requests the cycle made to Docflo, and what is left."""
    writes = sum(cycle.requests[name] for name in WRITES)
    rest = cycle.requests.total() - cycle.requests["list"] - writes
    pages = cycle.requests["list"]
    line = f"Requests to Docflo: {cycle.requests.total()} ({pages} listing pages, {writes} writes"
    line += f", {rest} other)" if rest else ")"
    if cycle.rate_limit and cycle.rate_limit.remaining is not None:
        line += f"; {cycle.rate_limit.remaining} left of {cycle.rate_limit.limit} this hour"
    return line + "."


def problem_table(deliveries: Iterable[Delivery], title: str) -> Table:
    """Draw deliveries with the reason why they went no further."""
    rows = [
        (
            delivery.id,
            delivery.headline.number or delivery.document_id,
            delivery.headline.party,
            delivery.headline.amount,
            delivery.headline.currency,
            delivery.failure.reason if delivery.failure else None,
        )
        for delivery in deliveries
    ]
    return table(title, ("id", "number", "party", "amount", "currency", "why"), rows)
