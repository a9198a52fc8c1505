"""What every step of `advance` works with, and how it reports what it did."""

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from msgspec import Struct
from structlog.typing import FilteringBoundLogger

from connector.clock import Clock, utc_now
from connector.crashpoint import Point, crashpoint
from connector.docflo.client import DocfloClient
from connector.errors import ConnectorError, LeaseLostError
from connector.ledger.delivery import LIVE, Claim, Failure, Halt, State
from connector.ledger.outcomes import Outcomes
from connector.ledger.store import Store
from connector.pipeline.breaker import Breakers, opens
from connector.pipeline.definition import Pipeline
from connector.pipeline.failure import DeadLetter, Retry, Wait, decide, is_for_the_reviewer
from connector.pipeline.pace import Pace

log = structlog.get_logger(__name__)


class Move(Struct, frozen=True, kw_only=True):
    """One delivery's step: where it is now and, if it got no further, why."""

    pipeline: str
    document_id: str
    state: State
    failure: Failure | None = None
    error: Exception | None = None
    age: timedelta | None = None  # of a new document that was just delivered, since it was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Ledger, Docflo, time and identity of one worker."""

    store: Store
    docflo: DocfloClient
    breakers: Breakers
    owner: str  # who holds the leases: unique per process and thread
    lease: timedelta
    clock: Clock = utc_now
    rest: Callable[[float], None] = field(default=time.sleep)
    jitter: Callable[[], float] = field(default=random.random)
    on_move: Callable[[Move], None] = field(default=lambda _move: None)
    wake: Callable[[], None] = field(default=lambda: None)  # others of this process: something became due
    workers: int = 1  # of this process
    mapped: Callable[[], None] = field(default=lambda: None)  # a batch is: others may claim and map theirs
    stopping: Callable[[], bool] = field(default=lambda: False)  # whether to end as soon as it can be done
    backfill_id: int = LIVE  # whose deliveries it moves on
    most_write_backs: int | None = None  # claimed at once; after a crash each of them is looked at again
    # Of a process, as many as may carry original files at a time: the other workers are for deliveries.
    carriers: threading.BoundedSemaphore = field(default_factory=threading.BoundedSemaphore)
    pace: Pace = field(default_factory=Pace)
    log: FilteringBoundLogger = field(default_factory=log.bind)  # bound once, not for each line

    @property
    def write_backs_at_once(self) -> int:
        """How many write-backs this worker takes upon itself."""
        return min(self.pace.batch, self.most_write_backs or self.pace.batch)

    def moved(self, claim: Claim, state: State) -> None:
        """Report a step that succeeded."""
        self.log.info(
            "delivery.moved",
            pipeline=claim.delivery.pipeline,
            document_id=claim.delivery.document_id,
            state=state.value,
        )
        delivery = claim.delivery
        is_first = state is State.DELIVERED and delivery.revision == 1
        self.on_move(
            Move(
                pipeline=delivery.pipeline,
                document_id=delivery.document_id,
                state=state,
                age=self.clock() - delivery.found_at if is_first else None,
            )
        )

    def waited(self, claim: Claim, failure: Failure, error: Exception) -> None:
        """Report that a delivery is where it was, and why."""
        delivery = claim.delivery
        log.info(
            "delivery.wait",
            pipeline=delivery.pipeline,
            document_id=delivery.document_id,
            state=delivery.state.value,
            error=failure.error_class,
            code=failure.code,
        )
        self.on_move(
            Move(
                pipeline=delivery.pipeline,
                document_id=delivery.document_id,
                state=delivery.state,
                failure=failure,
                error=error,
            )
        )


@contextmanager
def recording(work: Work, claims: Sequence[Claim]) -> Iterator[Outcomes]:
    """Record outcomes of these claims, and say so when they halt a pipeline."""
    with work.store.outcomes(claims, on_halt=log_halt) as outcomes:
        yield outcomes


def log_halt(halt: Halt) -> None:
    """Say that a pipeline is halted."""
    log.error(
        "pipeline.halted",
        pipeline=halt.pipeline,
        error=halt.error_class,
        dead_letters=halt.length,
        reason=halt.reason,
        remedy=f"repair the cause, then `docflo-connector pipelines resume {halt.pipeline} --reason ...`",
    )


def record_failures(
    failed: Sequence[tuple[Claim, Exception]],
    pipeline: Pipeline,
    outcomes: Outcomes,
    work: Work,
    held_until: datetime | None = None,
) -> None:
    """Apply the failure decision to each claim, inside the transaction of the batch.

    `held_until`: a breaker is open until then, so none of these counts as a try.
    """
    for claim, error in failed:
        try:
            _record_failure(claim, error, pipeline, outcomes, work, held_until)
            crashpoint(Point.FAILURE_WRITTEN)
        except LeaseLostError:
            log_lost(claim)


def _record_failure(
    claim: Claim,
    error: Exception,
    pipeline: Pipeline,
    outcomes: Outcomes,
    work: Work,
    held_until: datetime | None,
) -> None:
    delivery = claim.delivery
    now = work.clock()
    decision = decide(error, attempts=delivery.attempts, now=now, jitter=work.jitter())
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
            is_to_be_told = (
                pipeline.write_back_dead is not None
                and delivery.state is not State.DELIVERED
                and is_for_the_reviewer(error)
            )
            outcomes.dead(
                claim,
                failure,
                halt_after=pipeline.halt_after,
                notice_due_at=now if is_to_be_told else None,
            )
            state = State.DEAD
            log.warning("delivery.dead", **facts)
        case Retry(failure=failure, due_at=due_at):
            if delivery.state is State.IN_DOUBT:
                due_at = max(due_at, now + pipeline.settle)
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


def give_back(claims: Sequence[Claim], outcomes: Outcomes, work: Work) -> None:
    """Let somebody else do what was not begun, at once instead of after the lease."""
    for claim in claims:
        try:
            outcomes.wait(claim, work.clock())
        except LeaseLostError:
            log_lost(claim)


def log_lost(claim: Claim) -> None:
    """Note that someone else holds the delivery now, so that our result was dropped."""
    log.warning(
        "delivery.lease_lost", pipeline=claim.delivery.pipeline, document_id=claim.delivery.document_id
    )
