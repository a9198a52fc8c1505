"""Bulk API 2.0 jobs: what they are, how they are shown, and which may be found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.bulk_csv import DELIMITERS, LINE_ENDINGS
from connector.sandbox.salesforce.ids import make_id
from connector.sandbox.salesforce.schema import ObjectType, Schema
from connector.sandbox.salesforce.tokens import USER_ID
from connector.sandbox.salesforce.values import stamp

JOB_PREFIX = "750"
ROWS_PER_BATCH = 10_000
OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
ENDED = ("JobComplete", "Failed", "Aborted")

Row = list[str]


@dataclass(slots=True, kw_only=True, eq=False)
class Job:
    """One job and its results."""

    job_id: str
    schema: Schema  # as its maker saw it
    found: ObjectType
    operation: str
    external_id_field: str
    delimiter: str
    line_ending: str
    version: str  # "v66.0"
    created: datetime
    state: str = "Open"
    content: bytes | None = None
    header: Row = field(default_factory=list)
    successful: list[Row] = field(default_factory=list)  # id, is it new, then the cells
    failed: list[Row] = field(default_factory=list)  # id or nothing, error, then the cells
    unprocessed: list[Row] = field(default_factory=list)
    error: str = ""

    def shown(self) -> dict[str, Any]:
        """Give what the API says of the job."""
        body: dict[str, Any] = {
            "id": self.job_id,
            "operation": self.operation,
            "object": self.found.name,
            "createdById": USER_ID,
            "createdDate": stamp(self.created),
            "systemModstamp": stamp(self.created),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": Decimal(self.version.removeprefix("v")),
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
        }
        if self.external_id_field:
            body["externalIdFieldName"] = self.external_id_field
        if self.state == "Open":
            return {**body, "contentUrl": f"services/data/{self.version}/jobs/ingest/{self.job_id}/batches"}
        body |= {
            "jobType": "V2Ingest",
            "retries": 0,
            "totalProcessingTime": 0,
            "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
            "numberRecordsProcessed": len(self.successful) + len(self.failed),
            "numberRecordsFailed": len(self.failed),
        }
        return {**body, "errorMessage": self.error} if self.error else body


class Jobs:
    """All jobs of an org."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._issued = 0

    def create(self, body: object, schema: Schema, version: str, now: datetime) -> Job:
        """Open a job as its maker asks.

        Raises: ApiError 400 for a request that Salesforce would not take.
        """
        asked: Mapping[str, Any] = body if isinstance(body, dict) else {}
        found = schema.find(str(asked.get("object", "")))
        if found is None:
            raise _invalid("INVALIDENTITY", f"InvalidEntity : Unable to find object: {asked.get('object')}")
        operation, key = asked.get("operation"), str(asked.get("externalIdFieldName") or "")
        if operation not in OPERATIONS:
            raise _invalid("INVALIDJOB", f"InvalidJob : Invalid operation: {operation}")
        if asked.get("contentType", "CSV") != "CSV":
            raise _invalid("INVALIDJOB", "InvalidJob : Unsupported content type")
        _check_key(found, str(operation), key)
        self._issued += 1
        job = Job(
            job_id=make_id(JOB_PREFIX, self._issued),
            schema=schema,
            found=found,
            operation=str(operation),
            external_id_field=key,
            delimiter=_known(asked.get("columnDelimiter", "COMMA"), DELIMITERS),
            line_ending=_known(asked.get("lineEnding", "LF"), LINE_ENDINGS),
            version=version,
            created=now,
        )
        self._jobs[job.job_id] = job
        return job

    def find(self, job_id: str) -> Job:
        """Give a job.

        Raises: ApiError 404 NOT_FOUND.
        """
        job = self._jobs.get(job_id)
        if job is None:
            raise errors.not_found()
        return job

    def forget(self) -> None:
        """Drop all jobs; those at work go on unseen."""
        self._jobs.clear()

    @property
    def batches(self) -> int:
        """Count the internal batches of 10,000 rows that were begun."""
        return sum(
            -(-(len(job.successful) + len(job.failed)) // ROWS_PER_BATCH) for job in self._jobs.values()
        )

    def all(self) -> tuple[Job, ...]:
        """Give all jobs, oldest first."""
        return tuple(self._jobs.values())

    def remove(self, job: Job) -> None:
        """Forget a job that has come to its end.

        Raises: ApiError 400 INVALIDJOBSTATE.
        """
        if job.state not in (*ENDED, "UploadComplete"):
            raise wrong_state(f"Deleting a job in the state {job.state} not allowed")
        del self._jobs[job.job_id]


def wrong_state(message: str) -> errors.ApiError:
    """Refuse what a job's state does not allow."""
    return _invalid("INVALIDJOBSTATE", f"InvalidJobState : {message}")


def _invalid(code: str, message: str) -> errors.ApiError:
    return errors.refusal(400, code, message)


def _check_key(found: ObjectType, operation: str, key: str) -> None:
    if operation != "upsert":
        return
    if not key:
        raise _invalid("INVALIDJOB", "InvalidJob : External ID was blank for upsert")
    matched = found.field(key)
    if matched is None or not (matched.external_id or matched.id_lookup):
        message = f"InvalidJob : Field name provided, {key} does not match an External ID for {found.name}"
        raise _invalid("INVALIDJOB", message)


def _known(name: object, names: Mapping[str, str]) -> str:
    if not isinstance(name, str) or name not in names:
        raise _invalid("INVALIDJOB", f"InvalidJob : {name} is not one of {', '.join(names)}")
    return name
