"""Bulk API 2.0 ingest, from the job to its three sets of results."""

import csv
import io
import time
from typing import Any

import httpx
import pytest

from connector.sandbox.salesforce.options import Options
from connector.sandbox.salesforce.rules import RecordFault
from tests.sandbox.salesforce.org import MakeOrg, Org, code

JOBS = "/jobs/ingest"
INVOICES = {"object": "Invoice__c", "operation": "upsert", "externalIdFieldName": "Docflo_Id__c"}


def opened(org: Org, **asked: object) -> str:
    answer = org.send("POST", JOBS, {"contentType": "CSV", "lineEnding": "LF", **INVOICES, **asked})
    assert answer.status_code == 200
    return str(answer.json()["id"])


def put(org: Org, job: str, content: bytes, kind: str = "text/csv") -> httpx.Response:
    headers = {"Content-Type": kind}
    return org.client.put(f"/services/data/v66.0{JOBS}/{job}/batches", content=content, headers=headers)


def ended(org: Org, job: str) -> dict[str, Any]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        shown: dict[str, Any] = org.send("GET", f"{JOBS}/{job}").json()
        if shown["state"] in ("JobComplete", "Failed", "Aborted"):
            return shown
        time.sleep(0.01)
    raise AssertionError(shown)


def run(org: Org, content: str | bytes, **asked: object) -> tuple[str, dict[str, Any]]:
    job = opened(org, **asked)
    assert put(org, job, content.encode() if isinstance(content, str) else content).status_code == 201
    assert org.send("PATCH", f"{JOBS}/{job}", {"state": "UploadComplete"}).json()["state"] == "UploadComplete"
    return job, ended(org, job)


def results(org: Org, job: str, part: str) -> list[dict[str, str]]:
    text = org.send("GET", f"{JOBS}/{job}/{part}").content.decode()
    return sorted(csv.DictReader(io.StringIO(text, newline="")), key=str)


def test_a_new_job_has_the_documented_shape(org: Org) -> None:
    body = org.send("POST", JOBS, {**INVOICES, "lineEnding": "CRLF"}).json()
    job = body["id"]
    assert job.startswith("750")
    assert {name: body[name] for name in ("state", "object", "operation", "externalIdFieldName")} == {
        "state": "Open",
        "object": "Invoice__c",
        "operation": "upsert",
        "externalIdFieldName": "Docflo_Id__c",
    }
    assert body["contentUrl"] == f"services/data/v66.0/jobs/ingest/{job}/batches"
    assert (body["apiVersion"], body["concurrencyMode"], body["contentType"]) == (66.0, "Parallel", "CSV")
    assert (body["lineEnding"], body["columnDelimiter"]) == ("CRLF", "COMMA")


def test_rows_end_as_successful_or_failed_and_the_counts_include_both(org: Org) -> None:
    known = org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1"})
    job, shown = run(org, "Docflo_Id__c,CurrencyIsoCode\n1,EUR\n2,USD\n3,XXX\n")
    assert (shown["state"], shown["jobType"]) == ("JobComplete", "V2Ingest")
    assert (shown["numberRecordsProcessed"], shown["numberRecordsFailed"]) == (3, 1)
    good = {row["Docflo_Id__c"]: row for row in results(org, job, "successfulResults")}
    assert (good["1"]["sf__Id"], good["1"]["sf__Created"]) == (known, "false")
    assert good["2"]["sf__Created"] == "true"
    (bad,) = results(org, job, "failedResults")
    assert (bad["sf__Id"], bad["Docflo_Id__c"]) == ("", "3")
    assert bad["sf__Error"].startswith("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST:")
    assert bad["sf__Error"].endswith(":CurrencyIsoCode --")


def test_a_missing_name_fails_in_the_recorded_words(org: Org) -> None:
    """The error that jsforce/jsforce, test/bulk2.test.ts, asserts of a real org."""
    content = "Name,Tax_Id__c\nBulk Account,1\n,2\n"
    job, _ = run(org, content, object="Account", operation="insert", externalIdFieldName=None)
    (bad,) = results(org, job, "failedResults")
    assert (bad["sf__Id"], bad["sf__Error"]) == (
        "",
        "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --",
    )
    assert results(org, job, "unprocessedrecords") == []


def test_results_quote_every_cell_and_keep_the_columns_as_sent(org: Org) -> None:
    job, _ = run(org, 'Number__c,Docflo_Id__c\n"a ""b"", c",1\n')
    record_id = org.sandbox.rows("Invoice__c")[0]["Id"]
    text = org.send("GET", f"{JOBS}/{job}/successfulResults").text
    assert text == (
        f'"sf__Id","sf__Created","Number__c","Docflo_Id__c"\n"{record_id}","true","a ""b"", c","1"\n'
    )
    for part in ("unprocessedrecords", "unprocessedRecords"):
        assert org.send("GET", f"{JOBS}/{job}/{part}").text == '"Number__c","Docflo_Id__c"\n'


def test_line_breaks_within_cells_stay(org: Org) -> None:
    note = "שורה\nline \u2028 \r end"
    job, _ = run(org, f'Docflo_Id__c,Notes__c\r\n1,"{note}"\r\n', lineEnding="CRLF")
    assert org.sandbox.rows("Invoice__c")[0]["Notes__c"] == note
    assert results(org, job, "successfulResults")[0]["Notes__c"] == note


@pytest.mark.parametrize(("ending", "content"), [("LF", "A\r\n1\r\n"), ("CRLF", "A\n1\n")])
def test_another_line_ending_than_the_jobs_fails_it(org: Org, ending: str, content: str) -> None:
    _, shown = run(org, content.replace("A", "Docflo_Id__c"), lineEnding=ending)
    assert shown["state"] == "Failed"
    assert f"Current LineEnding setting is {ending}" in shown["errorMessage"]


def test_an_empty_cell_leaves_and_the_null_word_clears(org: Org) -> None:
    org.sandbox.insert("Invoice__c", {"Docflo_Id__c": "1", "Number__c": "7", "Notes__c": "n"})
    run(org, "Docflo_Id__c,Number__c,Notes__c\n1,,#N/A\n")
    (row,) = org.sandbox.rows("Invoice__c")
    assert (row["Number__c"], row["Notes__c"]) == ("7", None)


def test_a_parent_is_named_by_a_column_with_a_dot(org: Org) -> None:
    vendor = org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    job, _ = run(org, "Docflo_Id__c,Vendor__r.Tax_Id__c\n1,51\n2,52\n")
    assert [row["Vendor__c"] for row in org.sandbox.rows("Invoice__c")] == [vendor]
    (bad,) = results(org, job, "failedResults")
    assert bad["sf__Error"] == (
        "INVALID_FIELD:Foreign key external ID: 52 not found for field Tax_Id__c in entity Account:--"
    )


@pytest.mark.parametrize("column", ["Nothing__c", "\ufeffDocflo_Id__c", "Vendor__r.Nothing__c", "Other__r.A"])
def test_an_unknown_column_fails_the_job_and_a_byte_order_mark_makes_one(org: Org, column: str) -> None:
    job, shown = run(org, f"{column},Number__c\n1,2\n")
    assert shown["state"] == "Failed"
    assert shown["errorMessage"] == f"InvalidBatch : Field name not found : {column}"
    assert results(org, job, "successfulResults") == []
    assert len(results(org, job, "unprocessedrecords")) == 1
    assert org.sandbox.rows("Invoice__c") == ()


def test_a_hidden_field_is_an_unknown_column(make_org: MakeOrg) -> None:
    org = make_org(hidden={"sandbox-consumer": {"Invoice__c.Notes__c"}})
    _, shown = run(org, "Docflo_Id__c,Notes__c\n1,2\n")
    assert shown["errorMessage"] == "InvalidBatch : Field name not found : Notes__c"


@pytest.mark.parametrize("cell", ["12,5", "abc", "NaN"])
def test_a_cell_of_the_wrong_type_fails_its_row(org: Org, cell: str) -> None:
    job, shown = run(org, f'Docflo_Id__c,Total__c\n1,"{cell}"\n2,12.50\n')
    assert shown["numberRecordsFailed"] == 1
    (bad,) = results(org, job, "failedResults")
    assert bad["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")
    assert str(org.sandbox.rows("Invoice__c")[0]["Total__c"]) == "12.50"


def test_a_key_twice_in_a_file_fails_both_rows(org: Org) -> None:
    job, _ = run(org, "Docflo_Id__c,Number__c\n1,a\n1,b\n")
    assert len(results(org, job, "failedResults")) == 2
    assert org.sandbox.rows("Invoice__c") == ()


def test_updates_and_deletes_go_by_id(org: Org) -> None:
    known = org.sandbox.insert("Account", {"Name": "a"})
    account = {"object": "Account", "externalIdFieldName": None}
    run(org, f"Id,Name\n{known},b\n", **account, operation="update")
    assert org.sandbox.rows("Account")[0]["Name"] == "b"
    job, _ = run(org, f"Id\n{known}\n", **account, operation="delete")
    assert org.sandbox.rows("Account") == ()
    assert results(org, job, "successfulResults")[0] == {"sf__Id": known, "sf__Created": "false", "Id": known}


def test_a_job_that_fails_midway_has_committed_some_rows_and_left_others(make_org: MakeOrg) -> None:
    org = make_org(options=Options(bulk_fail_after=200))
    rows = "".join(f"{number}\n" for number in range(300))
    job, shown = run(org, f"Docflo_Id__c\n{rows}")
    assert shown["state"] == "Failed"
    assert shown["errorMessage"]
    assert len(org.sandbox.rows("Invoice__c")) == len(results(org, job, "successfulResults")) == 200
    assert len(results(org, job, "unprocessedRecords")) == 100


def test_an_aborted_job_keeps_what_it_did(make_org: MakeOrg) -> None:
    org = make_org(options=Options(bulk_chunk_delay=0.3))
    job = opened(org)
    put(org, job, ("Docflo_Id__c\n" + "".join(f"{number}\n" for number in range(600))).encode())
    org.send("PATCH", f"{JOBS}/{job}", {"state": "UploadComplete"})
    until = time.monotonic() + 20
    while not org.sandbox.rows("Invoice__c") and time.monotonic() < until:
        time.sleep(0.01)
    assert org.send("PATCH", f"{JOBS}/{job}", {"state": "Aborted"}).json()["state"] == "Aborted"
    time.sleep(0.5)
    kept = len(org.sandbox.rows("Invoice__c"))
    assert 0 < kept < 600
    assert len(results(org, job, "unprocessedrecords")) == 600 - kept


def test_a_job_that_is_aborted_before_its_turn_leaves_every_row_unprocessed(org: Org) -> None:
    job = opened(org)
    put(org, job, b"Docflo_Id__c\n1\n2\n")
    org.send("PATCH", f"{JOBS}/{job}", {"state": "Aborted"})
    assert len(results(org, job, "unprocessedRecords")) == 2
    assert org.sandbox.rows("Invoice__c") == ()


def test_states_only_move_forward(org: Org) -> None:
    job = opened(org)
    assert code(org.send("DELETE", f"{JOBS}/{job}")) == (400, "INVALIDJOBSTATE")
    assert code(org.send("GET", f"{JOBS}/{job}/failedResults")) == (400, "INVALIDJOBSTATE")
    assert put(org, job, b"Docflo_Id__c\n1\n").status_code == 201
    assert code(put(org, job, b"Docflo_Id__c\n2\n")) == (400, "INVALIDJOBSTATE")
    org.send("PATCH", f"{JOBS}/{job}", {"state": "UploadComplete"})
    ended(org, job)
    for state in ("UploadComplete", "Aborted"):
        assert code(org.send("PATCH", f"{JOBS}/{job}", {"state": state})) == (400, "INVALIDJOBSTATE")
    assert org.send("DELETE", f"{JOBS}/{job}").status_code == 204
    assert code(org.send("GET", f"{JOBS}/{job}")) == (404, "NOT_FOUND")
    assert len(org.sandbox.rows("Invoice__c")) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"object": "Nothing__c"},
        {"operation": "merge"},
        {"externalIdFieldName": None},
        {"externalIdFieldName": "Number__c"},
        {"contentType": "JSON"},
        {"lineEnding": "CR"},
        {"columnDelimiter": ","},
    ],
)
def test_a_job_that_cannot_be_is_refused(org: Org, asked: dict[str, object]) -> None:
    assert org.send("POST", JOBS, {**INVOICES, **asked}).status_code == 400


def test_only_csv_is_taken(org: Org) -> None:
    assert put(org, opened(org), b"{}", "application/json").status_code == 415


def test_a_file_may_be_too_large(make_org: MakeOrg) -> None:
    org = make_org(options=Options(bulk_most_bytes=10))
    assert put(org, opened(org), b"Docflo_Id__c\n1\n").status_code == 400


@pytest.mark.parametrize("is_told", [True, False])
def test_the_charset_of_results_is_told_or_not(make_org: MakeOrg, is_told: bool) -> None:  # noqa: FBT001 a case
    org = make_org(options=Options(bulk_charset=is_told))
    job, _ = run(org, "Docflo_Id__c,Number__c\n1,שלום\n")
    answer = org.send("GET", f"{JOBS}/{job}/successfulResults")
    assert ("charset" in answer.headers["content-type"]) is is_told
    assert "שלום".encode() in answer.content


def test_results_need_not_come_in_the_order_of_the_file(org: Org) -> None:
    job, _ = run(org, "Docflo_Id__c\n" + "".join(f"{number:03}\n" for number in range(50)))
    text = org.send("GET", f"{JOBS}/{job}/successfulResults").text
    keys = [row["Docflo_Id__c"] for row in csv.DictReader(io.StringIO(text))]
    assert keys != sorted(keys)
    assert sorted(keys) == [f"{number:03}" for number in range(50)]


def test_a_job_takes_its_time(make_org: MakeOrg) -> None:
    org = make_org(options=Options(bulk_delay=0.3))
    job = opened(org)
    put(org, job, b"Docflo_Id__c\n1\n")
    org.send("PATCH", f"{JOBS}/{job}", {"state": "UploadComplete"})
    assert org.send("GET", f"{JOBS}/{job}").json()["state"] == "UploadComplete"
    assert ended(org, job)["state"] == "JobComplete"


def test_a_row_that_is_locked_fails_alone(org: Org) -> None:
    org.sandbox.record_faults.add(RecordFault(code="UNABLE_TO_LOCK_ROW", message="locked", containing="2"))
    job, shown = run(org, "Docflo_Id__c\n1\n2\n3\n")
    assert shown["state"] == "JobComplete"
    assert [row["sf__Error"] for row in results(org, job, "failedResults")] == [
        "UNABLE_TO_LOCK_ROW:locked:--"
    ]


def test_jobs_are_listed(org: Org) -> None:
    jobs = [opened(org) for _ in range(2)]
    assert [job["id"] for job in org.send("GET", JOBS).json()["records"]] == jobs


def test_a_job_of_no_rows_ends_with_headers_alone(org: Org) -> None:
    job, shown = run(org, "Docflo_Id__c\n")
    assert (shown["state"], shown["numberRecordsProcessed"]) == ("JobComplete", 0)
    assert org.send("GET", f"{JOBS}/{job}/failedResults").text == '"sf__Id","sf__Error","Docflo_Id__c"\n'
