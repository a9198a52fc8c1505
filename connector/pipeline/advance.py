"""Claim what is due, move it one arrow, apply the failure decision. The second of the two loops."""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

import structlog

from connector.adapters.base import Idempotency
from connector.calls import under_way
from connector.crashpoint import Point, crashpoint
from connector.errors import ConnectorError
from connector.ledger.delivery import Claim, State
from connector.pipeline.attach_original import attach_next
from connector.pipeline.breaker import DOCFLO, Admission
from connector.pipeline.definition import Pipeline
from connector.pipeline.deliver import deliver, may_write_back, settle
from connector.pipeline.load_book import load_size
from connector.pipeline.tell_dead import tell_dead
from connector.pipeline.work import Work, record_failures, recording
from connector.pipeline.write_back import write_back

log = structlog.get_logger(__name__)

Step = Callable[[Sequence[Claim], Pipeline, Work], Sequence[Claim]]
"""Takes a batch one arrow further; gives what is to be written back now, by who holds it."""

SETTLE_BATCH = 25
NOTICE_BATCH = 10  # up to three requests each
_PATIENCE = 0.5  # seconds to wait for a turn; meanwhile other things may have become due

_turn = threading.Lock()
_stocking_up = threading.Lock()

# Write-back first: a document that the target has should be shown in Docflo before the next is sent.
STEPS: tuple[tuple[State, Step], ...] = (
    (State.DELIVERED, write_back),
    (State.IN_DOUBT, settle),
    (State.PENDING, deliver),
)


def drain(pipelines: Sequence[Pipeline], work: Work, *, stop: Callable[[], bool]) -> None:
    """Advance until nothing is due in any of these pipelines, or until told to stop.

    Ends by itself: every outcome either moves a delivery on or makes it due later.
    """
    while not stop():
        # A batch of each in turn: one pipeline's backlog must not starve the others.
        busy = [pipeline for pipeline in pipelines if advance(pipeline, work)]
        if not busy:
            return


def advance(pipeline: Pipeline, work: Work) -> bool:
    """Take one batch of one state through its step. False when nothing is due, or its side is left alone.

    Raises: UnavailableError when the ledger itself cannot be reached; leases then run out by themselves.
    """
    due = _due(pipeline, work)
    # Originals last: whatever a delivery needs comes before a file.
    return (
        _stock_up(due, pipeline, work)
        or any(_take(state, step, pipeline, work) for state, step in STEPS if due[state])
        or _tell_dead(pipeline, work)
        or attach_next(pipeline, work)
    )


def _due(pipeline: Pipeline, work: Work) -> Mapping[State, int]:
    most = pipeline.adapter.batch_size
    return work.store.due(pipeline.name, most=most, backfill_id=work.backfill_id)


def _stock_up(due: Mapping[State, int], pipeline: Pipeline, work: Work) -> bool:
    """Let one worker of several deliver before there is nothing to write back: all would run out at once."""
    is_low = due[State.DELIVERED] < pipeline.adapter.batch_size
    if work.workers == 1 or not is_low or due[State.IN_DOUBT] or not due[State.PENDING]:
        return False
    if not _stocking_up.acquire(blocking=False):
        return False
    try:
        return _take(State.PENDING, deliver, pipeline, work)
    finally:
        _stocking_up.release()


def _take(state: State, step: Step, pipeline: Pipeline, work: Work) -> bool:
    """Claim a batch and take it through its step; of a side that was away, a batch of one."""
    if state is State.IN_DOUBT and pipeline.adapter.idempotency is Idempotency.CREATE_ONLY:
        return False  # nobody can ask the target: doubts wait for the person whom the pipeline names
    side = _side(state, pipeline)
    if side == pipeline.side and pipeline.is_in_maintenance(work.clock()):
        return False
    if state is State.PENDING and not _fits(pipeline, work):
        return False
    admission = work.breakers.admits(side) if side is not None else Admission.ALL
    if admission is Admission.NONE:
        return False
    try:
        limit = 1 if admission is Admission.ONE else _batch(state, pipeline, work)
        if limit == 0:
            return False
        if state is State.PENDING and pipeline.answers is None:
            return _take_in_turn(limit, pipeline, work)
        return _take_batch(state, step, limit, pipeline, work)
    finally:
        if side is not None and admission is Admission.ONE:
            work.breakers.resign(side)  # when it answered or failed, this changes nothing


def _take_in_turn(limit: int, pipeline: Pipeline, work: Work) -> bool:
    """Claim and map while nobody else of this process does; whoever had to wait looks again at what is due.

    Threads share one interpreter. In turns, the first batch travels while the next is mapped, and what came
    of it is written back meanwhile; all at once, nothing would travel before the last batch is mapped.
    """
    at_once = _turn.acquire(blocking=False)
    if not at_once and not _turn.acquire(timeout=_PATIENCE):
        return True
    with ExitStack() as turn:
        turn.callback(_turn.release)
        if not at_once and may_write_back(pipeline, work) and _due(pipeline, work)[State.DELIVERED]:
            return True
        return _take_batch(State.PENDING, deliver, limit, pipeline, replace(work, mapped=turn.close))


def _take_batch(state: State, step: Step, limit: int, pipeline: Pipeline, work: Work) -> bool:
    claims = work.store.claim(
        pipeline.name,
        state,
        limit=limit,
        owner=work.owner,
        lease=work.lease,
        backfill_id=work.backfill_id,
    )
    if claims:
        crashpoint(Point.CLAIMED)
        _run_on(step, claims, pipeline, work)
    return bool(claims)


def _fits(pipeline: Pipeline, work: Work) -> bool:
    """Tell whether the pipeline may claim: the target takes what its mapping writes, as far as it tells."""
    fit = pipeline.fit
    if fit is None:
        return True
    side, now = pipeline.mapping_side, work.clock()
    admission = work.breakers.admits(side)
    if admission is Admission.NONE and not fit.is_unseen:
        return False
    if admission is Admission.ALL and not fit.is_due(now):
        return True
    try:
        misfit = fit.look(now)
    except ConnectorError:
        return admission is Admission.ALL  # the delivery meets the same, and reports it
    finally:
        if admission is Admission.ONE:
            work.breakers.resign(side)
    if misfit is None:
        work.breakers.fits(side)
        return True
    work.breakers.misfits(side, misfit)
    return False


def _side(state: State, pipeline: Pipeline) -> str | None:
    """Give whom this step talks to; None: nobody."""
    if state is State.DELIVERED:
        return DOCFLO if pipeline.writes_back else None
    return pipeline.side


def _tell_dead(pipeline: Pipeline, work: Work) -> bool:
    if pipeline.write_back_dead is None:
        return False
    admission = work.breakers.admits(DOCFLO)
    if admission is Admission.NONE:
        return False
    try:
        limit = 1 if admission is Admission.ONE else NOTICE_BATCH
        notices = work.store.claim_notices(
            pipeline.name,
            limit=limit,
            owner=work.owner,
            lease=work.lease,
            backfill_id=work.backfill_id,
        )
        documents = tuple(notice.delivery.document_id for notice in notices)
        with under_way("tell_dead", pipeline=pipeline.name, documents=documents):
            tell_dead(notices, pipeline, work)
        return bool(notices)
    finally:
        if admission is Admission.ONE:
            work.breakers.resign(DOCFLO)


def _batch(state: State, pipeline: Pipeline, work: Work) -> int:
    if state is State.PENDING and (size := load_size(pipeline, work)) is not None:
        return size
    sizes = {State.DELIVERED: work.write_backs_at_once, State.IN_DOUBT: SETTLE_BATCH}
    return sizes.get(state, pipeline.adapter.batch_size)


def _run_on(step: Step, claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> None:
    ours = _run(step, claims, pipeline, work)
    if ours:
        _run(write_back, ours, pipeline, work)


def _run(step: Step, claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> Sequence[Claim]:
    documents = tuple(claim.delivery.document_id for claim in claims)
    deliveries = tuple(claim.delivery.id for claim in claims)
    try:
        with under_way(step.__name__, pipeline=pipeline.name, documents=documents, deliveries=deliveries):
            return step(claims, pipeline, work)
    except ConnectorError:
        raise
    except Exception as error:
        log.exception("advance.bug", pipeline=pipeline.name, step=step.__name__, claims=len(claims))
        if len(claims) > 1:
            # One document must not take its neighbours along: each alone, so that only the culprit fails.
            # What was recorded before the bug has lost its lease and is dropped, not done twice.
            return [ours for claim in claims for ours in _run(step, [claim], pipeline, work)]
        with recording(work, claims) as outcomes:
            record_failures([(claims[0], error)], pipeline, outcomes, work)
        return ()
