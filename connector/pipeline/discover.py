"""Which listings there are, when each is due, and where it begins and ends. `gather.py` reads them.

Whoever holds the pipeline's discovery lists it. Nothing is delivered here.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeAlias

import structlog

from connector.docflo.budget import Lane
from connector.errors import ConnectorError
from connector.ledger.delivery import Checkpoint, Progress
from connector.ledger.lease import discovery_of
from connector.mapping.tables import changed_files
from connector.pipeline.definition import Pipeline
from connector.pipeline.gather import Discovered, Turn, gather, turn_of
from connector.pipeline.low_water import low_water_mark
from connector.pipeline.work import Work
from connector.timetable import Cron

log = structlog.get_logger(__name__)

LEAST_LOOKBACK = timedelta(
    hours=1
)  # clocks differ, and a document may be listed a while after it was created
ENOUGH = 500  # found and to be delivered: five pages
PUT_OFF = timedelta(minutes=5)  # how long a tail waits at most while there is enough to do
EARLY = 0.9  # of a pause: two ticks are never exactly that far apart


Listing: TypeAlias = Callable[[Pipeline, Work], Discovered | None]


def discover(pipeline: Pipeline, work: Work) -> Discovered | None:
    """List what was created since the checkpoint less `lookback`, and store it with the new checkpoint.

    None when somebody else is listing this pipeline.
    Raises: what the client raises, LeaseLostError when somebody took over meanwhile; then nothing is stored
    and the checkpoint stays where it was.
    """
    work = replace(work, docflo=work.docflo.lane(Lane.TAIL))
    with discovery(pipeline, work) as turn:
        return _list_tail(pipeline, work, turn) if turn else None


def sweep(pipeline: Pipeline, work: Work) -> Discovered | None:
    """List everything since the low-water mark, and what was delivered lately.

    Finds what was approved long after it was created, and what was edited after delivery. None and Raises as
    in `discover`.
    """
    work = replace(work, docflo=work.docflo.lane(Lane.SWEEP))
    with discovery(pipeline, work) as turn:
        return _list_whole(pipeline, work, turn) if turn else None


def rescan(pipeline: Pipeline, work: Work) -> Discovered | None:
    """List everything that `documents.rescan` reaches back to, delivered documents too.

    Finds edits long after delivery, and whatever else a sweep was led to believe was settled. None and Raises
    as in `discover`.
    """
    work = replace(work, docflo=work.docflo.lane(Lane.BACKFILL))
    with discovery(pipeline, work) as turn:
        return _list_again(pipeline, work, turn) if turn else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """How long between two listings of a kind."""

    every: timedelta
    sweep: timedelta
    rescan: timedelta
    cron: Cron | None = None  # instead of `every`


def due_listing(
    checkpoint: Checkpoint | None,
    pauses: Pauses,
    *,
    now: datetime,
    without: Collection[Listing] = (),
    backlog: int = 0,
) -> Listing | None:
    """Give the listing that is due by what any replica did last; None when none is.

    With `cron`, what is due is due at its times only, and a time that was missed is made up for.
    `without`: those that were tried just now. What the budget keeps from a sweep, it may still give a tail.
    `backlog`: deliveries that could begin now. While there are `ENOUGH`, a tail would read all of them again
    to add to their end, so it is put off for a while.
    """
    if checkpoint is None:
        return None if sweep in without else sweep
    is_time = _is_time(checkpoint, pauses, now)
    may_begin = is_time or pauses.cron is None
    is_late = checkpoint.swept_at is None or (
        may_begin and _has_passed(pauses.sweep, checkpoint.swept_at, now)
    )
    if is_late and sweep not in without:
        return sweep
    if is_time and discover not in without and not _can_wait(checkpoint, pauses, now, backlog):
        return discover
    if rescan not in without and (may_begin or without) and is_rescan_due(checkpoint, pauses.rescan, now):
        return rescan
    return None


def _is_time(checkpoint: Checkpoint, pauses: Pauses, now: datetime) -> bool:
    if checkpoint.actor is not None:
        return True  # a person moved it
    if pauses.cron is None:
        return _has_passed(pauses.every, checkpoint.moved_at, now)
    fires_at = pauses.cron.next_after(checkpoint.moved_at)
    return checkpoint.moved_at > now or (fires_at is not None and fires_at <= now)


def _can_wait(checkpoint: Checkpoint, pauses: Pauses, now: datetime, backlog: int) -> bool:
    if backlog < ENOUGH or pauses.cron is not None or checkpoint.actor is not None:
        return False
    return not _has_passed(pauses.every + PUT_OFF, checkpoint.moved_at, now)


def is_rescan_due(checkpoint: Checkpoint, pause: timedelta, now: datetime) -> bool:
    """Tell whether the last rescan was long enough ago."""
    return _has_passed(pause, checkpoint.rescanned_at, now)


def _has_passed(pause: timedelta, last: datetime | None, now: datetime) -> bool:
    # A time in the future comes from a clock that was wrong.
    return last is None or last > now or now - last >= pause * EARLY


@contextmanager
def discovery(pipeline: Pipeline, work: Work) -> Iterator[Turn | None]:
    """Give the right to store what is listed of this pipeline; None while somebody else has it."""
    held = work.store.hold(discovery_of(pipeline.name), owner=work.owner, length=turn_of(work))
    if held is None:
        log.info("discover.busy", pipeline=pipeline.name)
        yield None
        return
    for path in changed_files(pipeline.mapping.files):
        # What is mapped goes on by the rules that were checked when we started.
        log.warning(
            "mapping.changed",
            pipeline=pipeline.name,
            file=path.name,
            remedy="`run` reads it by itself unless it is refused",
        )
    turn = Turn(held=held, work=work)
    try:
        yield turn
    finally:
        with suppress(ConnectorError):  # it ends by itself
            work.store.release(turn.held)


def _list_tail(pipeline: Pipeline, work: Work, turn: Turn) -> Discovered:
    # Taken before the first request: a document created while we list belongs to the next listing.
    began = work.clock()
    last = _last(work.store.checkpoint(pipeline.name), pipeline, began)
    start = pipeline.since
    if last.listed_until is not None:
        # Ours may have been ahead when it was stored.
        start = max(start, min(last.listed_until, began) - max(pipeline.lookback, LEAST_LOOKBACK))
    begun = _resumed("listed", pipeline, work) or _begun("listed", began, start, pipeline)
    return _record(pipeline, work, turn, begun, _listed(last, begun, began))


def _list_whole(pipeline: Pipeline, work: Work, turn: Turn) -> Discovered:
    began = work.clock()
    known = work.store.checkpoint(pipeline.name)
    last = _last(known, pipeline, began)
    begun = _resumed("swept", pipeline, work)
    if begun is None:
        lately = began - max(pipeline.lookback, LEAST_LOOKBACK)
        # Two requests a type and open status, and then a page and its proof.
        work.docflo.afford(2 * len(pipeline.types) * len(pipeline.open_statuses) + 2)
        # Asked before the listing: what is approved in between is listed, or lies behind the mark.
        mark = low_water_mark(pipeline, work.docflo, latest=lately, before_request=turn.keep)
        begun = replace(
            _begun("swept", began, max(pipeline.since, last.open_since or pipeline.since), pipeline),
            # Before its first listing nothing was delivered that could have been edited since, and what is
            # delivered meanwhile moves such a list while it is read.
            done_from=None if known is None else max(pipeline.since, lately),
            open_since=mark,
        )
    moved = replace(_listed(last, begun, began), open_since=begun.open_since, swept_at=begun.began_at)
    return _record(pipeline, work, turn, begun, moved)


def _list_again(pipeline: Pipeline, work: Work, turn: Turn) -> Discovered:
    began = work.clock()
    last = _last(work.store.checkpoint(pipeline.name), pipeline, began)
    begun = _resumed("rescanned", pipeline, work)
    if begun is None:
        start = max(pipeline.since, began - pipeline.rescan)
        begun = replace(_begun("rescanned", began, start, pipeline), done_from=start)
    moved = replace(_listed(last, begun, began), rescanned_at=begun.began_at)
    # Older documents were not listed: where there is no checkpoint yet, this is none.
    moved = replace(moved, listed_until=last.listed_until and moved.listed_until)
    return _record(pipeline, work, turn, begun, moved)


def _begun(kind: str, began: datetime, start: datetime, pipeline: Pipeline) -> Progress:
    return Progress(
        pipeline=pipeline.name,
        kind=kind,
        scope=_scope(pipeline, *pipeline.done_statuses, pipeline.on_change),
        began_at=began,
        created_from=start,
    )


def _resumed(kind: str, pipeline: Pipeline, work: Work) -> Progress | None:
    """Give a listing of this kind that was interrupted, if it is still the one to be made."""
    kept = work.store.progress(pipeline.name).get(kind)
    is_ours = kept is not None and kept.scope == _scope(pipeline, *pipeline.done_statuses, pipeline.on_change)
    return kept if is_ours else None


def _last(known: Checkpoint | None, pipeline: Pipeline, began: datetime) -> Checkpoint:
    """Give the checkpoint; one that knows nothing where something else was listed for until now."""
    nothing = Checkpoint(pipeline=pipeline.name, listed_until=None, moved_at=began)
    if known is None:
        # Nothing was delivered yet, so no edit is to be looked for.
        return replace(nothing, rescanned_at=began)
    is_same = known.scope in {None, _scope(pipeline)}
    return known if is_same else replace(nothing, rescanned_at=known.rescanned_at)


def _listed(last: Checkpoint, begun: Progress, now: datetime) -> Checkpoint:
    until = begun.began_at
    # While this listing was under way, another one may have come further.
    if last.listed_until is not None and last.listed_until <= now:
        until = max(until, last.listed_until)
    rescanned_at = None if last.rescanned_at is None else min(last.rescanned_at, begun.began_at)
    return replace(
        last,
        listed_until=until,
        rescanned_at=rescanned_at,
        event=begun.kind,
        actor=None,
        reason=None,
    )


def _scope(pipeline: Pipeline, *more: str) -> str:
    # Documents that the pipeline did not want before lie behind its checkpoint: they must be listed now.
    words = (
        pipeline.since.isoformat(),
        *sorted(pipeline.types),
        *sorted(pipeline.statuses),
        *sorted(pipeline.open_statuses),
        *more,
    )
    return sha256("\n".join(words).encode()).hexdigest()[:16]


def _record(
    pipeline: Pipeline, work: Work, turn: Turn, begun: Progress, checkpoint: Checkpoint
) -> Discovered:
    return gather(pipeline, work, turn, begun, replace(checkpoint, scope=_scope(pipeline)))
