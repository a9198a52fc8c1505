"""Claim what is due, move it one arrow, apply the failure decision. The second of the two loops."""

from collections.abc import Callable, Sequence

import structlog

from connector.adapters.base import Idempotency
from connector.calls import under_way
from connector.crashpoint import Point, crashpoint
from connector.errors import ConnectorError
from connector.ledger.delivery import Claim, State
from connector.pipeline.attach_original import attach_next
from connector.pipeline.breaker import DOCFLO, Admission
from connector.pipeline.definition import Pipeline
from connector.pipeline.deliver import deliver, settle
from connector.pipeline.load_book import load_size
from connector.pipeline.tell_dead import tell_dead
from connector.pipeline.work import Work, record_failures, recording
from connector.pipeline.write_back import write_back

log = structlog.get_logger(__name__)

Step = Callable[[Sequence[Claim], Pipeline, Work], Sequence[Claim]]
"""Takes a batch one arrow further; gives what is to be written back now, by who holds it."""

SETTLE_BATCH = 25
NOTICE_BATCH = 10  # up to three requests each

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
    # Originals last: whatever a delivery needs comes before a file.
    return (
        any(_take(state, step, pipeline, work) for state, step in STEPS)
        or _tell_dead(pipeline, work)
        or attach_next(pipeline, work)
    )


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
    finally:
        if side is not None and admission is Admission.ONE:
            work.breakers.resign(side)  # when it answered or failed, this changes nothing


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
        if not work.store.has_due([pipeline.name]):
            return True  # nobody waits for the answer
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
