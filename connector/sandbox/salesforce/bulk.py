"""Bulk API 2.0 ingest: the endpoints."""

import asyncio
from collections.abc import Sequence
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import Answer
from connector.sandbox.salesforce.bulk_csv import written
from connector.sandbox.salesforce.bulk_jobs import ENDED, Job, Row, wrong_state
from connector.sandbox.salesforce.bulk_work import abort, work
from connector.sandbox.salesforce.call import Call
from connector.sandbox.salesforce.perform import Visit

CSV = "text/csv"

_at_work: set[asyncio.Task[None]] = set()  # the loop itself keeps no more than a weak reference


def answer_bulk(visit: Visit, call: Call) -> Answer:
    """Answer one request about jobs.

    Raises: ApiError.
    """
    jobs = visit.org.jobs
    if call.target.operation == "bulk_create":
        job = jobs.create(call.json(), visit.schema, call.target.version, call.now)
        return Answer(status=200, body=job.shown())
    if call.target.operation == "bulk_list":
        records = [job.shown() for job in jobs.all()]
        return Answer(status=200, body={"done": True, "nextRecordsUrl": None, "records": records})
    job = jobs.find(call.target.locator)
    match call.target.operation:
        case "bulk_upload":
            _upload(visit, job, call)
            return Answer(status=201)
        case "bulk_patch":
            _move(visit, job, call.json())
        case "bulk_delete":
            jobs.remove(job)
            return Answer(status=204)
        case "bulk_results":
            return _results(visit, job, call.target.part)
    return Answer(status=200, body=job.shown())


def _upload(visit: Visit, job: Job, call: Call) -> None:
    if call.media_type != CSV:
        raise errors.media_type()
    if job.state != "Open" or job.content is not None:
        raise wrong_state(
            f"Found multiple contents for job: <{job.job_id}>, please 'Close' / 'Abort' / 'Delete'"
        )
    if len(call.content) > visit.org.options.bulk_most_bytes:
        raise errors.refusal(400, "FILE_TOO_LARGE", "ClientInputError : The uploaded data is too large")
    job.content = call.content


def _move(visit: Visit, job: Job, body: Any) -> None:  # noqa: ANN401 a JSON value
    wanted = body.get("state") if isinstance(body, dict) else None
    if wanted == "Aborted":
        if job.state in ENDED:
            raise wrong_state(f"Aborting already {job.state} Job not allowed")
        abort(job)
        return
    if wanted != "UploadComplete":
        raise errors.refusal(400, "INVALIDJOBSTATE", f"InvalidJobState : Unknown state: {wanted}")
    if job.state != "Open":
        raise wrong_state(f"Closing already {job.state} Job not allowed")
    job.state = "UploadComplete"
    task = asyncio.get_running_loop().create_task(work(visit.org, job))
    _at_work.add(task)
    task.add_done_callback(_at_work.discard)


def _results(visit: Visit, job: Job, part: str) -> Answer:
    match part:
        case "successfulresults":
            return _file(visit, job, ("sf__Id", "sf__Created"), job.successful)
        case "failedresults":
            return _file(visit, job, ("sf__Id", "sf__Error"), job.failed)
    return _file(visit, job, (), job.unprocessed)


def _file(visit: Visit, job: Job, extra: Sequence[str], rows: Sequence[Row]) -> Answer:
    if job.state not in ENDED:
        raise wrong_state(f"Results of a job in the state {job.state} are not available")
    content = written([*extra, *job.header], rows, delimiter=job.delimiter, line_ending=job.line_ending)
    kind = f"{CSV}; charset=UTF-8" if visit.org.options.bulk_charset else CSV
    return Answer(status=200, content=content, media_type=kind)
