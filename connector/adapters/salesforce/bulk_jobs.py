"""Jobs of Bulk API 2.0: opened, noted, uploaded, watched to their end, and each row accounted for.

The job's id is on record before a row is uploaded. Whatever breaks off later, the next try finds the job and
lets it end before anything else is sent for its records: rows that still run can never overwrite newer ones.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from connector.adapters.base import Job, JobBook
from connector.adapters.salesforce.bulk_csv import files, read_file
from connector.adapters.salesforce.bulk_errors import read_job_error, read_row_error
from connector.adapters.salesforce.faults import Fault
from connector.adapters.salesforce.json_text import encode, expected
from connector.adapters.salesforce.transport import Transport
from connector.clock import Clock
from connector.errors import (
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TemporaryError,
    UnavailableError,
    UnexpectedResponseError,
)

_ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
_FIRST_LOOK, _LAST_LOOK = 2.0, 30.0  # seconds between two looks at a job
_PATIENCE = timedelta(hours=1)
_MOST_LOST_LOOKS = 5  # in a row
_TRIES = 3
_REMEDY = "Give the integration user what Bulk API 2.0 needs, or take bulk_from out of the configuration."


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Rows of one object that are to be written or removed."""

    object: str
    operation: Literal["upsert", "delete"]
    key_column: str  # what tells the rows apart; of an upsert, the external id
    rows: Sequence[Mapping[str, str]]
    record_keys: frozenset[str]  # of the records that the rows belong to


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """A row that Salesforce has taken."""

    id: str
    created: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A row that the job's results say nothing of."""

    reason: str


RowResult: TypeAlias = Landed | Fault | Lost


class BulkJobs:
    """The jobs of one org."""

    def __init__(self, transport: Transport, version: str, clock: Clock) -> None:
        self._transport = transport
        self._root = f"/services/data/v{version}/jobs/ingest"
        self._clock = clock

    def run(self, task: Task, book: JobBook) -> dict[str, RowResult]:
        """Give one result for each row, by its key, in as few jobs as the size of a file allows.

        Raises: any `ConnectorError`; OutcomeUnknownError when a job goes on that cannot be watched, which
            stays in the book. StoppingError: the same.
        """
        results: dict[str, RowResult] = {}
        for content, rows in files(task.key_column, task.rows):
            keys = [row[task.key_column] for row in rows]
            results |= self._run(task, content, keys, book)
        return results

    def watch(self, job_id: str, book: JobBook) -> Mapping[str, object] | None:
        """Give the job when it has ended; None when Salesforce knows no such job, so that nothing runs.

        Raises: any `ConnectorError` when it still runs and cannot be watched any longer.
        """
        ends, pause, lost = self._clock() + _PATIENCE, _FIRST_LOOK, 0
        while self._clock() < ends:
            book.pause(pause)
            pause = min(_LAST_LOOK, pause * 2)
            try:
                job = self._look(job_id)
            except (TemporaryError, UnexpectedResponseError) as error:
                lost += 1
                if lost >= _MOST_LOST_LOOKS:
                    raise OutcomeUnknownError(f"job {job_id} goes on and cannot be seen: {error}") from error
                continue
            lost = 0
            if job is None or job.get("state") in _ENDED:
                return job
        raise OutcomeUnknownError(
            f"job {job_id} has not ended in {_PATIENCE.total_seconds() / 60:.0f} minutes"
        )

    def give_up(self, job_id: str) -> None:
        """Abort a job whose rows were not all uploaded, so that nothing will come of it.

        Raises: any `ConnectorError` when that is not certain.
        """
        with suppress(RejectedError):  # it has ended
            self._transport.write(self._path(job_id), encode({"state": "Aborted"}), method="PATCH")

    def is_open(self, job_id: str) -> bool:
        """Tell whether the job still waits for its rows: whoever opened it will not come back."""
        job = self._look(job_id)
        return job is not None and job.get("state") == "Open"

    def _run(self, task: Task, content: bytes, keys: Sequence[str], book: JobBook) -> dict[str, RowResult]:
        job_id = self._open(task)
        book.opened(Job(id=job_id, record_keys=task.record_keys))
        self._upload(job_id, content, book)
        self._close(job_id, book)
        job = self.watch(job_id, book)
        if job is None:
            raise OutcomeUnknownError(f"Salesforce does not know job {job_id} any more")
        results = self._results(job_id, job, task.key_column, keys, book)
        book.ended(job_id)
        return results

    def _open(self, task: Task) -> str:
        wanted = {
            "object": task.object,
            "operation": task.operation,
            "contentType": "CSV",
            "lineEnding": "CRLF",
            "columnDelimiter": "COMMA",
        }
        if task.operation == "upsert":
            wanted["externalIdFieldName"] = task.key_column
        try:
            answer = self._transport.write(self._root, encode(wanted))
        except OutcomeUnknownError as error:
            # A job without rows does nothing, whoever may have opened it.
            raise UnavailableError(f"no job was opened: {error.message}") from error
        except RejectedError as error:
            message = f"Salesforce opens no job for {task.object}: {error.message}"
            raise ConfigError(message, remedy=_REMEDY, remote=error.remote) from error
        job_id = answer.get("id") if isinstance(answer, Mapping) else None
        if not isinstance(job_id, str) or not job_id:
            raise UnavailableError("no job was opened: the answer names none")
        return job_id

    def _upload(self, job_id: str, content: bytes, book: JobBook) -> None:
        try:
            self._transport.put_csv(f"{self._path(job_id)}/batches", content)
        except ConnectorError as error:
            # It is not closed, so nothing of it was begun; a second upload is not allowed.
            self.give_up(job_id)
            book.ended(job_id)
            if isinstance(error, OutcomeUnknownError | RejectedError):
                raise UnavailableError(
                    f"job {job_id} was given up before it began: {error.message}", remote=error.remote
                ) from error
            raise

    def _close(self, job_id: str, book: JobBook) -> None:
        for _ in range(_TRIES):
            try:
                self._transport.write(self._path(job_id), encode({"state": "UploadComplete"}), method="PATCH")
            except TemporaryError as error:
                lost = error
                book.pause(_FIRST_LOOK)
            except RejectedError:
                return  # it is closed: the answer that said so was lost
            else:
                return
        raise OutcomeUnknownError(f"job {job_id} may have begun: {lost.message}") from lost

    def _look(self, job_id: str) -> Mapping[str, object] | None:
        job = self._transport.read_if_known(self._path(job_id))
        return None if job is None else expected(job, dict, "job")

    def _results(
        self, job_id: str, job: Mapping[str, object], key_column: str, keys: Collection[str], book: JobBook
    ) -> dict[str, RowResult]:
        """Read until every row is accounted for: what succeeded, then what failed, then what was not tried.

        What no file tells of is in doubt, and so is what two of them tell of.
        """
        results: dict[str, RowResult] = {}
        wanted = set(keys)
        for name in ("successfulResults", "failedResults", "unprocessedrecords"):
            if results.keys() >= wanted:
                break
            for row in self._read(f"{self._path(job_id)}/{name}", book):
                key = row.get(key_column)
                if key is None or key not in wanted:
                    continue
                twice = Lost(reason="the job's results tell two things of it")
                results[key] = twice if key in results else _result(name, row, job)
        for key in wanted - results.keys():
            results[key] = Lost(reason="the job's results leave it out")
        return results

    def _read(self, path: str, book: JobBook) -> list[dict[str, str]]:
        """Give the rows of a file of results; none when it cannot be had, so that its rows are lost."""
        for _ in range(_TRIES):
            try:
                return read_file(self._transport.get_csv(path))
            except (TemporaryError, UnexpectedResponseError):
                book.pause(_FIRST_LOOK)
        return []

    def _path(self, job_id: str) -> str:
        return f"{self._root}/{job_id}"


def _result(name: str, row: Mapping[str, str], job: Mapping[str, object]) -> RowResult:
    match name:
        case "successfulResults":
            if not row.get("sf__Id"):
                return Lost(reason="the job's results name no id")
            return Landed(
                id=row["sf__Id"], created={"true": True, "false": False}.get(row.get("sf__Created", ""))
            )
        case "failedResults":
            return read_row_error(row.get("sf__Error", ""))
        case _:
            return read_job_error(job.get("errorMessage"))
