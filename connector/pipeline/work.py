"""What every step of `advance` works with, and how it reports what it did."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from connector.clock import Clock, utc_now
from connector.crashpoint import Point, crashpoint
from connector.docflo.client import DocfloClient
from connector.errors import ConnectorError, LeaseLostError
from connector.ledger.delivery import Claim, Failure, State
from connector.ledger.outcomes import Outcomes
from connector.ledger.store import Store
from connector.pipeline.breaker import Breakers, opens
from connector.pipeline.failure import DeadLetter, Retry, Wait, decide

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One delivery's step: where it is now and, if it got no further, why."""

    pipeline: str
    document_id: str
    state: State
    failure: Failure | None = None
    error: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Ledger, Docflo, time and identity of one worker."""

    store: Store
    docflo: DocfloClient
    breakers: Breakers
    owner: str  # who holds the leases: unique per process and thread
    lease: timedelta
    clock: Clock = utc_now
    jitter: Callable[[], float] = field(default=random.random)
    on_move: Callable[[Move], None] = field(default=lambda _move: None)

    def moved(self, claim: Claim, state: State) -> None:
        """Report a step that succeeded."""
        log.info(
            "delivery.moved",
            pipeline=claim.delivery.pipeline,
            document_id=claim.delivery.document_id,
            state=state.value,
        )
        self.on_move(
            Move(pipeline=claim.delivery.pipeline, document_id=claim.delivery.document_id, state=state)
        )


def record_failures(
    failed: Sequence[tuple[Claim, Exception]],
    outcomes: Outcomes,
    work: Work,
    held_until: datetime | None = None,
) -> None:
    """Apply the failure decision to each claim, inside the transaction of the batch.

    `held_until`: a breaker is open until then, so none of these counts as a try.
    """
    for claim, error in failed:
        try:
            _record_failure(claim, error, outcomes, work, held_until)
            crashpoint(Point.FAILURE_WRITTEN)
        except LeaseLostError:
            log_lost(claim)


def _record_failure(
    claim: Claim, error: Exception, outcomes: Outcomes, work: Work, held_until: datetime | None
) -> None:
    delivery = claim.delivery
    decision = decide(error, attempts=delivery.attempts, now=work.clock(), jitter=work.jitter())
    if held_until is not None and opens(error):
        decision = Wait(failure=decision.failure, due_at=held_until)
    facts = {
        "pipeline": delivery.pipeline,
        "document_id": delivery.document_id,
        "state": delivery.state.value,
        "error": decision.failure.error_class,
        "code": decision.failure.code,
    }
    state = delivery.state
    match decision:
        case DeadLetter(failure=failure):
            outcomes.dead(claim, failure)
            state = State.DEAD
            log.warning("delivery.dead", **facts)
        case Retry(failure=failure, due_at=due_at):
            outcomes.retry(claim, failure, due_at)
            log.warning("delivery.retry", **facts, attempt=delivery.attempts + 1, due_at=due_at.isoformat())
        case Wait(failure=failure, due_at=due_at):
            outcomes.wait(claim, due_at, failure)
            log.info("delivery.wait", **facts, due_at=due_at.isoformat())
    if not isinstance(error, ConnectorError):
        log.error("delivery.bug", **facts, exc_info=error)
    work.on_move(
        Move(
            pipeline=delivery.pipeline,
            document_id=delivery.document_id,
            state=state,
            failure=decision.failure,
            error=error,
        )
    )


def log_lost(claim: Claim) -> None:
    """Note that someone else holds the delivery now, so that our result was dropped."""
    log.warning(
        "delivery.lease_lost", pipeline=claim.delivery.pipeline, document_id=claim.delivery.document_id
    )
