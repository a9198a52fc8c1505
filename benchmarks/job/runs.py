"""One run of the whole job, by the connector or by the script: measured from outside, then checked."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from os import sysconf
from pathlib import Path
from typing import Any

from simple_salesforce.api import SFType

from benchmarks.job.docflo import DocfloEmulator
from benchmarks.job.documents import make_invoices
from benchmarks.job.emulator import emulated
from benchmarks.job.salesforce import SalesforceEmulator

SPAN = timedelta(days=4)  # over which the documents were created
PATIENCE = 60  # seconds without progress until a run counts as stuck
_CONNECTOR = (sys.executable, "-m", "connector")
_GLANCE = 0.02  # seconds between two looks at how far it is
_HERE = Path(__file__).parent
_TICKS = sysconf("SC_CLK_TCK")

_CONFIG = """\
docflo: {{base_url: {docflo}, tenant_id: tenant, api_key: '${{file:secret}}'}}
database: {database}
web: {{enabled: false}}
service: {{workers: {workers}}}
log: {{format: json}}
targets:
  crm:
    adapter: salesforce
    login_url: {salesforce}
    instance_url: {salesforce}
    consumer_key: ${{file:secret}}
    consumer_secret: ${{file:secret}}
pipelines:
  invoices:
    documents: {{types: [invoice], statuses: [APPROVED], since: {since}}}
    mapping: {mapping}
    target: crm
    schedule: {{every: {every}}}
    write_back:
      delivered: {{fields: {{ErpId: receipt.id, ErpUrl: receipt.url}}, status: CONFIRMED}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is to be done, and by how many at once."""

    documents: int
    latency: float = 0.0  # seconds until an answer
    workers: int = 4  # in all processes together
    processes: int = 1
    step: timedelta | None = None  # documents come one by one, from now on; None: they are there


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a run took. Units: seconds."""

    documents: int
    seconds: float
    cpu: float  # of the process that does the job, without its start
    requests: Mapping[str, int]
    emulators_cpu: float
    wrong: int  # documents that are missing, there twice, not exact, or not shown as done
    waited: tuple[float, ...] = field(default=(), repr=False)  # of each document, until it was done

    @property
    def rate(self) -> float:
        """Documents a second."""
        return self.documents / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """Seconds of processor time per 1,000 documents."""
        return self.cpu / self.documents * 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The two emulators of a run."""

    docflo: str
    salesforce: str
    documents: int

    @property
    def done(self) -> int:
        """Give how many documents have their last status."""
        states: Mapping[str, int] = told(self.docflo)["states"]
        return states.get("CONFIRMED", 0)

    def has_begun(self) -> bool:
        """Tell whether anything was asked for."""
        return bool(told(self.docflo)["requests"])

    def wait(self, running: Sequence[subprocess.Popen[bytes]]) -> None:
        """Wait until every document is done.

        Raises: RuntimeError when a process ends, or they come no further.
        """
        done, progress_at = 0, time.monotonic()
        while done < self.documents:
            time.sleep(_GLANCE)
            last, done = done, self.done
            progress_at = time.monotonic() if done > last else progress_at
            has_ended = any(each.poll() is not None for each in running)
            if has_ended or time.monotonic() - progress_at > PATIENCE:
                raise RuntimeError(f"{done} of {self.documents} documents are done, and it comes no further")

    def result(self, cpu: float) -> Run:
        """Give what the run took, and compare what is in Salesforce with what should be."""
        docflo, salesforce = told(self.docflo), told(self.salesforce)
        wanted, there = told(self.docflo, "/contents"), told(self.salesforce, "/contents")
        return Run(
            documents=self.documents,
            seconds=max(docflo["last"], salesforce["last"]) - docflo["first"],
            cpu=cpu,
            requests={**docflo["requests"], **salesforce["requests"]},
            emulators_cpu=docflo["cpu"] + salesforce["cpu"],
            wrong=sum(not _is_right(each, there.get(name, [])) for name, each in wanted.items()),
            waited=tuple(each["waited"] for each in wanted.values()),
        )


def _is_right(wanted: Mapping[str, Any], there: list[Mapping[str, Any]]) -> bool:
    return [
        (each["id"], each["total"], each["lines"], each["lines_total"], each["writes"]) for each in there
    ] == [(wanted["record_id"], wanted["total"], wanted["lines"], wanted["lines_total"], 1)] and wanted[
        "writes"
    ] == [1, 1]


@contextmanager
def stage(job: Job) -> Iterator[Stage]:
    """Run both emulators."""
    step = job.step or SPAN / job.documents
    begin = datetime.now(UTC) + (timedelta(seconds=6) if job.step else -SPAN - timedelta(days=1))
    docflo = partial(DocfloEmulator, job.documents, begin=begin, step=step)
    with emulated(docflo, job.latency) as one, emulated(SalesforceEmulator, job.latency) as other:
        yield Stage(docflo=one, salesforce=other, documents=job.documents)


def run_floor(job: Job) -> Run:
    """Let the script do it."""
    with stage(job) as at:
        command = [sys.executable, "-m", "benchmarks.job.floor", at.docflo, at.salesforce, str(job.workers)]
        printed = subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603 ourselves
        return at.result(json.loads(printed)["cpu"])


def run_connector(job: Job, database: str) -> Run:
    """Let `docflo-connector run` do it, over an empty ledger."""
    with stage(job) as at, configured(at, job, database) as config:
        command = [*_CONNECTOR, "run", "--config", str(config)]
        running = [
            subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603 ourselves
            for _ in range(job.processes)
        ]
        try:
            while not at.has_begun() and running[0].poll() is None:
                time.sleep(_GLANCE)
            before = sum(map(_cpu, running))
            at.wait(running)
            return at.result(sum(map(_cpu, running)) - before)
        finally:
            for each in running:
                each.terminate()
            for each in running:
                each.wait()


def run_profiled(job: Job, database: str) -> tuple[Run, Mapping[str, int]]:
    """Let one worker do it in a process that samples itself; give how often each line was met."""
    with stage(job) as at, configured(at, job, database) as config:
        command = [sys.executable, "-m", "benchmarks.job.profile", str(config)]
        printed = subprocess.run(  # noqa: S603 ourselves
            command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ).stdout
        told = json.loads(printed)
        return at.result(told["cpu"]), told["counts"]


def requests_one_by_one(documents: int) -> int:
    """Let simple-salesforce bring the same documents in, one call a record; give how many calls that took."""
    invoices = make_invoices(documents, begin=datetime.now(UTC), step=timedelta(seconds=1))
    with emulated(SalesforceEmulator, 0.0) as address:
        headers, lines = (SFType(name, "token", "") for name in ("Invoice__c", "Invoice_Line__c"))
        for each in (headers, lines):
            each.base_url = f"{address}/services/data/v59.0/sobjects/{each.name}/"
        for invoice in invoices:
            key = f"tenant:single:{invoice.id}"
            made = headers.upsert(f"Docflo_Id__c/{key}", {}, raw_response=True).json()
            for place in range(invoice.lines):
                line = {"Invoice__c": made["id"]}
                lines.upsert(f"Docflo_Key__c/{key}:{place}", line)
        return sum(told(address)["requests"].values())


@contextmanager
def configured(at: Stage, job: Job, database: str) -> Iterator[Path]:
    """Give a config.yaml for these emulators, over a ledger that has its tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "secret").write_text("secret", encoding="utf-8")
        config = folder / "config.yaml"
        config.write_text(
            _CONFIG.format(
                docflo=at.docflo,
                salesforce=at.salesforce,
                database=database,
                workers=job.workers // job.processes,
                since=(datetime.now(UTC) - SPAN * 2).date(),
                mapping=_HERE / "mapping.yaml",
                every="1s" if job.step else "1m",
            ),
            encoding="utf-8",
        )
        upgrade = [*_CONNECTOR, "database", "upgrade", "--config", str(config)]
        subprocess.run(upgrade, check=True, capture_output=True)  # noqa: S603 ourselves
        yield config


def _cpu(running: subprocess.Popen[bytes]) -> float:
    words = Path(f"/proc/{running.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / _TICKS


def told(address: str, more: str = "") -> Any:  # noqa: ANN401 any JSON
    """Ask an emulator what it saw, or what it holds."""
    with urllib.request.urlopen(f"{address}/bench{more}") as answer:  # noqa: S310 our own emulator
        return json.load(answer)
