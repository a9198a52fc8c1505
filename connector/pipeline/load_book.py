"""Loads: batches that a target takes in by jobs of its own, which run for minutes and outlive a process.

What holds a record during a load is its claim, renewed while the job is watched; what remembers the job is
the ledger. Loads into one target take turns, in all replicas together: two would meet in the target's locks.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog

from connector.adapters.base import Job, LoadsInBulk
from connector.calls import alive
from connector.errors import LeaseLostError, StoppingError, UnavailableError
from connector.ledger.delivery import Claim, State
from connector.ledger.jobs import OpenJob
from connector.pipeline.definition import Pipeline
from connector.pipeline.work import Work

if TYPE_CHECKING:
    from connector.ledger.lease import Lease

log = structlog.get_logger(__name__)

_SLICE = 1.0  # seconds after which a wait looks whether to end


def load_size(pipeline: Pipeline, work: Work) -> int | None:
    """Give how many records to claim for a load; None when too few are due, 0 when it is not our turn."""
    adapter = pipeline.adapter
    if not isinstance(adapter, LoadsInBulk) or adapter.bulk_from is None:
        return None
    enough = adapter.bulk_from
    due = work.store.due(pipeline.name, most=enough, backfill_id=work.backfill_id)
    if due[State.PENDING] < enough:
        return None
    return 0 if work.store.is_held(_turn(pipeline)) else adapter.bulk_size


@contextmanager
def load_book(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> Iterator["LoadBook"]:
    """Give the book of the target's jobs to a load of these claims; its turn ends with the block."""
    book = LoadBook(claims, pipeline, work)
    try:
        yield book
    finally:
        book.close()


class LoadBook:
    """Keeps the contract of `JobBook` for one load, in the ledger."""

    def __init__(self, claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> None:
        self._claims = claims
        self._target = pipeline.target
        self._name = _turn(pipeline)
        self._work = work
        self._held_at = work.clock()
        self._turn: Lease | None = None

    def open_jobs(self) -> Sequence[Job]:
        """Give what the ledger has of this target."""
        return [
            Job(id=job.job_id, record_keys=job.record_keys) for job in self._work.store.jobs.of(self._target)
        ]

    def take_turn(self) -> bool:
        """Take the lease that one load at a time holds."""
        self._turn = self._work.store.hold(self._name, owner=self._work.owner, length=self._work.lease)
        return self._turn is not None

    def opened(self, job: Job) -> None:
        """Store it, committed; a worker that stood still for too long opens none."""
        self._renew()
        now = self._work.clock()
        self._work.store.jobs.opened(
            OpenJob(target=self._target, job_id=job.id, opened_at=now, record_keys=job.record_keys)
        )
        log.info("load.job_opened", target=self._target, job=job.id, records=len(job.record_keys))

    def ended(self, job_id: str) -> None:
        """Forget it."""
        self._work.store.jobs.ended(self._target, job_id)
        log.info("load.job_ended", target=self._target, job=job_id)

    def pause(self, seconds: float) -> None:
        """Wait in slices, so that a stop is not slept through, and renew what is held before it ends."""
        while True:
            if self._work.stopping():
                raise StoppingError("this process is told to stop; the job goes on, and is found again")
            alive()
            self._hold_on()
            if seconds <= 0:
                return
            self._work.rest(min(seconds, _SLICE))
            seconds -= _SLICE

    def close(self) -> None:
        """Let the next load begin."""
        if self._turn is not None:
            self._work.store.release(self._turn)

    def _hold_on(self) -> None:
        if self._work.clock() - self._held_at < self._work.lease / 3:
            return
        try:
            self._renew()
        except UnavailableError as error:
            log.warning("load.not_renewed", target=self._target, reason=error.message)  # tried again soon

    def _renew(self) -> None:
        """Raise LeaseLostError when somebody took over: what we would still send may be old by now."""
        now = self._work.clock()
        kept = self._work.store.hold_on(self._claims, self._work.lease)
        if kept < len(self._claims):
            raise LeaseLostError(f"{len(self._claims) - kept} records of a load were taken over")
        try:
            if self._turn is not None:
                self._turn = self._work.store.extend(self._turn, self._work.lease)
        except LeaseLostError:
            self._turn = None  # somebody else loads: Salesforce's own locks are between us
        self._held_at = now


def _turn(pipeline: Pipeline) -> str:
    return f"load {pipeline.target}"
