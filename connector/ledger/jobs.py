"""Jobs that a target does by itself for minutes: which may still run, and what they may write."""

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, bindparam, delete, insert, select

from connector.ledger.database import Database
from connector.ledger.tables import target_job


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenJob:
    """A job that was opened and of which nobody has seen the end."""

    target: str
    job_id: str
    opened_at: datetime
    record_keys: frozenset[str]


# Built once: it is asked before each load.
_OF = (
    select(target_job)
    .where(target_job.c.target == bindparam("of_target"))
    .order_by(target_job.c.opened_at, target_job.c.job_id)
)


class JobStore:
    """The open jobs of all targets. Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, target: str) -> tuple[OpenJob, ...]:
        """Give the open jobs of a target, the oldest first."""
        with self._database.read() as connection:
            return tuple(map(_read, connection.execute(_OF, {"of_target": target}).mappings()))

    def opened(self, job: OpenJob) -> None:
        """Note that a job is open."""
        with self._database.write() as connection:
            connection.execute(
                insert(target_job).values(
                    target=job.target,
                    job_id=job.job_id,
                    opened_at=job.opened_at,
                    record_keys=json.dumps(sorted(job.record_keys)),
                )
            )

    def ended(self, target: str, job_id: str) -> None:
        """Forget a job: nothing will be written by it any more."""
        columns = target_job.c
        with self._database.write() as connection:
            connection.execute(delete(target_job).where(columns.target == target, columns.job_id == job_id))


def _read(row: RowMapping) -> OpenJob:
    keys = frozenset(json.loads(row["record_keys"]))
    return OpenJob(target=row["target"], job_id=row["job_id"], opened_at=row["opened_at"], record_keys=keys)
