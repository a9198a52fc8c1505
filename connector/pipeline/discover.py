"""From Docflo's listing into the ledger: what there is, and how far we have looked.

A listing is read to its end before anything in it is worked on, and its rows are stored in one transaction
with the checkpoint, by whoever holds the pipeline's discovery. Nothing is delivered here.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import product
from typing import TypeAlias

import structlog

from connector.crashpoint import Point, crashpoint
from connector.docflo.budget import Lane
from connector.docflo.outgoing import DocumentQuery
from connector.document import Document
from connector.errors import ConnectorError, StoppingError
from connector.ledger.delivery import Checkpoint, Found, OnChange
from connector.ledger.lease import Lease, discovery_of
from connector.ledger.listing import Listed
from connector.pipeline.definition import Pipeline
from connector.pipeline.found import found
from connector.pipeline.listing import Quirk, read_window
from connector.pipeline.low_water import low_water_mark
from connector.pipeline.work import Work
from connector.timetable import Cron

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=3)  # renewed between requests, so longer than one of them
LEAST_LOOKBACK = timedelta(
    hours=1
)  # clocks differ, and a document may be listed a while after it was created
EARLY = 0.9  # of a pause: two ticks are never exactly that far apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What one listing brought."""

    pipeline: str
    matched: int  # documents that the pipeline wants
    listed: Listed
    quirks: frozenset[Quirk] = frozenset()  # what the server did not do as asked


Listing: TypeAlias = Callable[[Pipeline, Work], Discovered | None]


def discover(pipeline: Pipeline, work: Work) -> Discovered | None:
    """List what was created since the checkpoint less `lookback`, and store it with the new checkpoint.

    None when somebody else is listing this pipeline.
    Raises: what the client raises, LeaseLostError when somebody took over meanwhile; then nothing is stored
    and the checkpoint stays where it was.
    """
    work = replace(work, docflo=work.docflo.lane(Lane.TAIL))
    with _discovery(pipeline, work) as turn:
        return _list_tail(pipeline, work, turn) if turn else None


def sweep(pipeline: Pipeline, work: Work) -> Discovered | None:
    """List everything since the low-water mark, and what was delivered lately.

    Finds what was approved long after it was created, and what was edited after delivery. None and Raises as
    in `discover`.
    """
    work = replace(work, docflo=work.docflo.lane(Lane.SWEEP))
    with _discovery(pipeline, work) as turn:
        return _list_whole(pipeline, work, turn) if turn else None


def due_listing(
    checkpoint: Checkpoint | None,
    *,
    every: timedelta,
    sweep_every: timedelta,
    now: datetime,
    cron: Cron | None = None,
) -> Listing | None:
    """Give the listing that is due by what any replica did last; None when none is.

    With `cron`, what is due is due at its times only, and a time that was missed is made up for.
    """
    if checkpoint is None or checkpoint.swept_at is None:
        return sweep
    was_listing = checkpoint.actor is None
    if cron is not None and was_listing:
        fires_at = cron.next_after(checkpoint.moved_at)
        if checkpoint.moved_at <= now and (fires_at is None or fires_at > now):
            return None
        return sweep if _has_passed(sweep_every, checkpoint.swept_at, now) else discover
    if _has_passed(sweep_every, checkpoint.swept_at, now):
        return sweep
    return None if was_listing and not _has_passed(every, checkpoint.moved_at, now) else discover


def _has_passed(pause: timedelta, last: datetime, now: datetime) -> bool:
    # A time in the future comes from a clock that was wrong.
    return last > now or now - last >= pause * EARLY


@dataclass(slots=True, kw_only=True)
class _Turn:
    """Our right to list a pipeline, and how to keep it."""

    held: Lease
    work: Work

    def keep(self) -> None:
        """Hold on to it; called before each request.

        Raises: StoppingError when this process is told to stop; a listing that breaks off stores nothing.
        """
        if self.work.stopping():
            raise StoppingError("the listing breaks off: this process is told to stop")
        if self.held.until - self.work.clock() < LEASE / 2:
            self.held = self.work.store.extend(self.held, LEASE)


@contextmanager
def _discovery(pipeline: Pipeline, work: Work) -> Iterator[_Turn | None]:
    held = work.store.hold(discovery_of(pipeline.name), owner=work.owner, length=LEASE)
    if held is None:
        log.info("discover.busy", pipeline=pipeline.name)
        yield None
        return
    turn = _Turn(held=held, work=work)
    try:
        yield turn
    finally:
        with suppress(ConnectorError):  # it ends by itself
            work.store.release(turn.held)


def _list_tail(pipeline: Pipeline, work: Work, turn: _Turn) -> Discovered:
    # Taken before the first request: a document created while we list belongs to the next listing.
    began = work.clock()
    last = _last(pipeline, work, began)
    start = pipeline.since
    if last.listed_until is not None:
        # Ours may have been ahead when it was stored.
        start = max(start, min(last.listed_until, began) - max(pipeline.lookback, LEAST_LOOKBACK))
    return _record(pipeline, work, turn, _Plan(start=start, checkpoint=_listed(last, began)))


def _list_whole(pipeline: Pipeline, work: Work, turn: _Turn) -> Discovered:
    began = work.clock()
    last = _last(pipeline, work, began)
    lately = began - max(pipeline.lookback, LEAST_LOOKBACK)
    # Asked before the listing: what is approved in between is listed, or lies behind the mark.
    mark = low_water_mark(pipeline, work.docflo, latest=lately, before_request=turn.keep)
    moved = replace(_listed(last, began), open_since=mark, swept_at=began, event="swept")
    start = max(pipeline.since, last.open_since or pipeline.since)
    return _record(
        pipeline,
        work,
        turn,
        _Plan(start=start, checkpoint=moved, done_start=max(pipeline.since, lately)),
    )


def _last(pipeline: Pipeline, work: Work, began: datetime) -> Checkpoint:
    """Give the checkpoint; one that knows nothing where something else was listed for until now."""
    nothing = Checkpoint(pipeline=pipeline.name, listed_until=None, moved_at=began)
    scope = _scope(pipeline)
    last = work.store.checkpoint(pipeline.name)
    return last if last is not None and last.scope in {None, scope} else nothing


def _listed(last: Checkpoint, began: datetime) -> Checkpoint:
    return replace(last, listed_until=began, event="listed", actor=None, reason=None)


def _scope(pipeline: Pipeline) -> str:
    # Documents that the pipeline did not want before lie behind its checkpoint: they must be listed now.
    words = (
        pipeline.since.isoformat(),
        *sorted(pipeline.types),
        *sorted(pipeline.statuses),
        *sorted(pipeline.open_statuses),
    )
    return sha256("\n".join(words).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    start: datetime
    checkpoint: Checkpoint
    done_start: datetime | None = None  # from when on delivered documents are looked at; None: not at all


@dataclass(slots=True, kw_only=True)
class _Gathered:
    found: dict[str, Found] = field(default_factory=dict)
    quirks: set[Quirk] = field(default_factory=set)


def _record(pipeline: Pipeline, work: Work, turn: _Turn, plan: _Plan) -> Discovered:
    gathered = _Gathered()
    _gather_ready(plan.start, pipeline, work, turn, gathered)
    matched = len(gathered.found)
    if plan.done_start is not None and pipeline.on_change is not OnChange.IGNORE:
        _gather_done(plan.done_start, pipeline, work, turn, gathered)
    crashpoint(Point.LISTED)
    checkpoint = replace(plan.checkpoint, moved_at=work.clock(), scope=_scope(pipeline))
    listed = work.store.record_listing(
        pipeline.name,
        tuple(gathered.found.values()),
        checkpoint,
        on_change=pipeline.on_change,
        held=turn.held,
    )
    crashpoint(Point.ROWS_STORED)
    log.info(
        "discover.listed",
        pipeline=pipeline.name,
        listing=checkpoint.event,
        created_from=plan.start.isoformat(),
        matched=matched,
        new=listed.new,
        changed=listed.changed + listed.changed_after_delivery,
        held=listed.held,
        quirks=sorted(gathered.quirks),
    )
    return Discovered(
        pipeline=pipeline.name, matched=matched, listed=listed, quirks=frozenset(gathered.quirks)
    )


def _gather_ready(start: datetime, pipeline: Pipeline, work: Work, turn: _Turn, gathered: _Gathered) -> None:
    for document in _documents(start, pipeline.statuses, pipeline, work, turn, gathered):
        if document.id in gathered.found or not _is_wanted(document, pipeline.statuses, pipeline):
            continue
        whole = document
        if not document.has_fields:
            turn.keep()
            whole = work.docflo.document(document.id)
        gathered.found[document.id] = found(whole, pipeline)


def _gather_done(start: datetime, pipeline: Pipeline, work: Work, turn: _Turn, gathered: _Gathered) -> None:
    for document in _documents(start, pipeline.done_statuses, pipeline, work, turn, gathered):
        # Without fields a request for each would be needed, every time: more than an edit is worth.
        is_wanted = _is_wanted(document, pipeline.done_statuses, pipeline) and document.has_fields
        if is_wanted and document.id not in gathered.found:
            gathered.found[document.id] = replace(found(document, pipeline), is_ready=False)


def _documents(
    start: datetime,
    statuses: Iterable[str],
    pipeline: Pipeline,
    work: Work,
    turn: _Turn,
    gathered: _Gathered,
) -> Iterator[Document]:
    for type_, status in product(pipeline.types, statuses):
        query = DocumentQuery(type=type_, status=status, created_from=start, include_results=True)
        window = read_window(query, work.docflo, before_request=turn.keep)
        gathered.quirks |= window.quirks
        if not window.is_proven:
            log.warning("discover.unproven", pipeline=pipeline.name, type=type_, status=status)
        yield from window.documents


def _is_wanted(document: Document, statuses: Iterable[str], pipeline: Pipeline) -> bool:
    """Judge again what the query asked for: a server may ignore a filter it does not know."""
    if document.status is not None and document.status not in statuses:
        return False
    if document.type is not None and document.type not in pipeline.types:
        return False
    return document.created_on is None or document.created_on >= pipeline.since
