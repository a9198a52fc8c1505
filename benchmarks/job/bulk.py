"""A backfill through Bulk API 2.0, counted by the sandbox's Salesforce in a process of its own.

The emulator beside this knows no jobs. The sandbox keeps the API's rules and is slow: nothing is timed here.
Its jobs wait `JOB_SECONDS` before they begin: the longer a job, the more often it is looked at.
"""

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from benchmarks.job.docflo import DocfloEmulator
from benchmarks.job.emulator import emulated, served_apart
from benchmarks.job.runs import SPAN, Job, Stage, configured, told
from benchmarks.job.salesforce import HEADER, HEADER_KEY, LINE, LINE_KEY, NUMBERS, TEXTS
from connector.sandbox.salesforce.options import Options
from connector.sandbox.salesforce.sandbox import SalesforceSandbox
from connector.sandbox.salesforce.tailored import Wanted, tailored_objects
from connector.sandbox.server import SandboxServer

JOB_SECONDS = 10.0
MARKER = "Notes__c"
_BULK = f"    bulk_from: 1000\n    completion_field: {MARKER}\n"


def run_backfill(documents: int, database: str) -> Mapping[str, int]:
    """Let `docflo-connector backfill` bring the job's documents in; give the calls by what they were for.

    Raises: RuntimeError when a document is not in Salesforce as it should be.
    """
    begin = datetime.now(UTC) - SPAN - timedelta(days=1)
    docflo = partial(DocfloEmulator, documents, begin=begin, step=SPAN / documents)
    with emulated(docflo, 0.0) as source, served_apart(_serve) as target:
        at = Stage(docflo=source, salesforce=target, documents=documents)
        with configured(at, Job(documents=documents), database) as config:
            text = config.read_text(encoding="utf-8")
            crm = "    adapter: salesforce\n"
            config.write_text(text.replace(crm, crm + _BULK), encoding="utf-8")
            range_ = ("--from", str(begin.date()), "--to", str(datetime.now(UTC).date()))
            command = [sys.executable, "-m", "connector", "backfill", "invoices", *range_, "--apply"]
            done = subprocess.run(  # noqa: S603 ourselves
                [*command, "--config", str(config)], check=False, capture_output=True, text=True
            )
        wrong = _wrong(told(source, "/contents"), target)
        if done.returncode or wrong:
            raise RuntimeError(f"backfill: {wrong} documents are not as they should be\n{done.stderr}")
        counts: Mapping[str, int] = _asked(target, "journal")["counts"]
        return counts


def _wrong(wanted: Mapping[str, Any], target: str) -> int:
    lines: dict[str, list[Decimal]] = {}
    for row in _asked(target, f"rows/{LINE}"):
        lines.setdefault(row[HEADER], []).append(row["Amount__c"])
    there: dict[str, list[tuple[Any, ...]]] = {}
    for row in _asked(target, f"rows/{HEADER}"):
        amounts = lines.pop(row["Id"], [])
        held = (row["Id"], row[MARKER], str(row["Total__c"]), len(amounts), str(sum(amounts, Decimal())))
        there.setdefault(row[HEADER_KEY].rpartition(":")[2], []).append(held)
    as_wanted = {
        name: [(each["record_id"], "complete", each["total"], each["lines"], each["lines_total"])]
        for name, each in wanted.items()
    }
    strangers = len(lines) + len(there.keys() - wanted.keys())
    return strangers + sum(there.get(name) != held for name, held in as_wanted.items())


def _serve(parent: Connection) -> None:
    org = SalesforceSandbox(
        clients={"secret": "secret"},
        objects=tailored_objects(
            {
                HEADER: Wanted(key_field=HEADER_KEY, fields=_fields()),
                LINE: Wanted(key_field=LINE_KEY, fields=_fields()),
            }
        ),
        options=Options(bulk_delay=JOB_SECONDS),
    )
    with SandboxServer(org.app) as server:
        parent.send(server.url)
        parent.poll(None)


def _fields() -> Mapping[str, Any]:
    return {**dict.fromkeys(TEXTS, "textarea"), **dict.fromkeys(NUMBERS, "double")}


def _asked(address: str, what: str) -> Any:  # noqa: ANN401 any JSON
    with urllib.request.urlopen(f"{address}/sandbox/{what}") as answer:  # noqa: S310 our own sandbox
        return json.load(answer, parse_float=Decimal)
