"""The worker behind a bulk job: row by row, each for itself, in transactions of 200."""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import RecordAddress
from connector.sandbox.salesforce.bulk_csv import BatchRefusedError, CellRefusedError, Columns, read_rows
from connector.sandbox.salesforce.bulk_jobs import Job, Row
from connector.sandbox.salesforce.collection import MOST_RECORDS, Collections
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.records import Records

OUT_OF_TIME = "InternalServerError : The job was stopped after retrying its batches too often"
OPERATIONS = {
    "insert": "collection_create",
    "update": "collection_update",
    "upsert": "collection_upsert",
    "delete": "collection_delete",
    "hardDelete": "collection_delete",
}


async def work(org: Org, job: Job) -> None:
    """Bring a job from UploadComplete to its end."""
    await asyncio.sleep(org.options.bulk_delay)
    if job.state != "UploadComplete":
        return
    job.state = "InProgress"
    try:
        rows = _rows(job)
        job.unprocessed = rows
        columns = Columns(job.schema, job.found, job.header)
    except BatchRefusedError as refusal:
        job.error, job.state = str(refusal), "Failed"
        return
    await _all_rows(org, job, columns, rows)


def abort(job: Job) -> None:
    """Stop a job. Rows that the worker has not reached are unprocessed."""
    if job.state != "InProgress":
        with suppress(BatchRefusedError):  # a file that cannot be read has no rows to tell of
            job.unprocessed = _rows(job)
    job.state = "Aborted"


def _rows(job: Job) -> list[Row]:
    job.header, rows = read_rows(job.content or b"", delimiter=job.delimiter, line_ending=job.line_ending)
    return rows


async def _all_rows(org: Org, job: Job, columns: Columns, rows: list[Row]) -> None:
    last = org.options.bulk_fail_after
    done = 0
    for chunk in _chunks(rows[:last]):
        if job.state != "InProgress":
            break
        await _chunk(org, job, columns, chunk)
        done += len(chunk)
        job.unprocessed = rows[done:]
        await asyncio.sleep(org.options.bulk_chunk_delay)
    if org.options.bulk_seed is not None:
        for results in (job.successful, job.failed, job.unprocessed):
            random.Random(org.options.bulk_seed).shuffle(results)
    if job.state == "InProgress":
        job.state = "JobComplete" if last is None or last >= len(rows) else "Failed"
        job.error = OUT_OF_TIME if job.state == "Failed" else ""


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), MOST_RECORDS):
        yield rows[start : start + MOST_RECORDS]


async def _chunk(org: Org, job: Job, columns: Columns, rows: Sequence[Row]) -> None:
    """Write up to 200 rows; those whose cells cannot be read fail without being tried."""
    readable: list[tuple[Row, dict[str, Any]]] = []
    for row in rows:
        try:
            readable.append((row, _record(job, columns, row)))
        except CellRefusedError as refusal:
            job.failed.append(["", _error_text([refusal.entry]), *row])
    if not readable:
        return
    records = [record for _, record in readable]
    results = await org.keep(lambda: _results(org, job, records))
    for (row, record), result in zip(readable, results, strict=True):
        if result["success"]:
            is_new = result.get("created", job.operation == "insert")
            job.successful.append([result["id"], str(is_new).lower(), *row])
        else:
            known = str(record.get("Id") or "") if job.operation != "insert" else ""
            entries = [{**error, "errorCode": error["statusCode"]} for error in result["errors"]]
            job.failed.append([known, _error_text(entries), *row])


def _record(job: Job, columns: Columns, row: Row) -> dict[str, Any]:
    if len(row) != len(job.header):
        raise _uneven(job, row)
    return {"attributes": {"type": job.found.name}, **columns.record(row)}


def _uneven(job: Job, row: Row) -> CellRefusedError:
    refusal = CellRefusedError(job.found.fields[0], "")
    refusal.entry = {
        "errorCode": "MALFORMED_ROW",
        "message": f"the row has {len(row)} cells, the header {len(job.header)}",
        "fields": [],
    }
    return refusal


def _results(org: Org, job: Job, records: list[dict[str, Any]]) -> list[Any]:
    known = Records(
        schema=job.schema,
        store=org.store,
        rules=org.rules,
        now=org.clock(),
        root=f"/services/data/{job.version}/sobjects",
    )
    collections = Collections(schema=job.schema, store=org.store, records=known, options=org.options)
    operation = OPERATIONS[job.operation]
    query = {"ids": ",".join(str(record.get("Id", "")) for record in records)}
    address = RecordAddress(
        version=job.version, object_name=job.found.name, name=job.external_id_field, query=query
    )
    if operation == "collection_delete" and not all(record.get("Id") for record in records):
        return [_without_id() for _ in records]
    return collections.answer(operation, address, {"records": records})


def _without_id() -> dict[str, Any]:
    error = errors.entry("MISSING_ARGUMENT", "Id not specified in an update call")
    return {"success": False, "errors": [{**error, "statusCode": error["errorCode"]}]}


def _error_text(entries: Sequence[Mapping[str, Any]]) -> str:
    """Give `CODE:message:field --`, as real clients have recorded it."""
    return "".join(
        f"{entry['errorCode']}:{entry['message']}:{','.join(entry['fields'])}"
        + (" --" if entry["fields"] else "--")
        for entry in entries
    )
