"""A backfill of many documents by a process of its own: killed every few seconds, or watched for its memory.

    python -m tests.soak.backfill --documents 2000 --kill-every 5
    python -m tests.soak.backfill --documents 200000

A life of a process that is killed is counted in seconds of its own processor time: on a machine that others
use too, five seconds on the wall may not be enough to start. On an idle one they are about the same.

Prints what was lost, doubled and asked twice, judged by the sandboxes alone, and the largest memory of a
process; ends with 1 if anything was lost or doubled, asked twice too often, or too much memory was used.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as day_time
from pathlib import Path

from connector.cli.sandbox_setup import TENANT, Sandboxes, sandboxes, write_sandbox_config
from connector.cli.session import upgrade_quietly
from connector.clock import utc_now
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.generate import generate_documents

PIPELINE = "invoices-to-crm"
YEARS = 700  # days
LEASE = "10s"  # whoever is killed must be replaced while we watch
MOST_REPEATED = 0.05
MOST_MEMORY = 300  # MB


@dataclass(kw_only=True)
class Course:
    """How it went."""

    kills: int = 0
    seconds: float = 0.0
    memory: int = 0  # MB, the largest of any process
    code: int | None = None


def soak(count: int, folder: Path, kill_every: float | None) -> int:
    """Play it, print what came of it, and give the exit code."""
    end = datetime.combine(utc_now().date(), day_time.min, tzinfo=UTC) - timedelta(days=100)
    documents = generate_documents(count, seed="backfill", now=end, days=YEARS)
    docflo = DocfloSandbox(tenant_id=TENANT, documents=documents, rate_limit=None)
    with sandboxes(docflo=docflo) as running:
        config = write_sandbox_config(folder, running)
        text = config.read_text(encoding="utf-8")
        lease = f"service: {{lease: {LEASE}}}\n" if kill_every is not None else ""
        config.write_text(f"{text}{lease}log: {{level: warning}}\n", encoding="utf-8")
        upgrade_quietly(config)
        start = end - timedelta(days=YEARS + 1)
        course = _drive(config, (str(start.date()), str(end.date())), kill_every, docflo)
        return _report(running, course)


def _drive(config: Path, span: tuple[str, str], kill_every: float | None, docflo: DocfloSandbox) -> Course:
    course, began = Course(), time.monotonic()
    command = [sys.executable, "-m", "connector", "backfill", PIPELINE, "--from", span[0], "--to", span[1]]
    command += ["--apply", "--output", "json", "--config", str(config)]
    while course.code is None:
        with (config.parent / "backfill.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 our own program
        while process.poll() is None:
            course.memory = max(course.memory, _resident(process.pid))
            if kill_every is not None and _processor_seconds(process.pid) > kill_every:
                process.send_signal(signal.SIGKILL)
                process.wait()
                course.kills += 1
                shown = sum(docflo.status(name) == "CONFIRMED" for name in docflo.documents)
                print(f"{shown} shown, {course.kills} kills", file=sys.stderr)  # noqa: T201 how far it is
                break
            time.sleep(0.1)  # another process is at work: there is no clock of ours to move
        else:
            course.code = process.returncode
    course.seconds = time.monotonic() - began
    return course


def _processor_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> int:
    """Give the resident memory of a process in MB; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    [words] = [line.split() for line in lines if line.startswith("VmRSS")] or [["", "0"]]
    return int(words[1]) // 1024


def _report(running: Sandboxes, course: Course) -> int:
    docflo, salesforce = running.docflo, running.salesforce
    held = Counter(row["Docflo_Id__c"].rpartition(":")[2] for row in salesforce.rows("Invoice__c"))
    created = Counter(effect.subject for effect in salesforce.journal.effects if effect.kind == "created")
    lost = [name for name in docflo.documents if name not in held or docflo.status(name) != "CONFIRMED"]
    doubled = [name for name, number in (held + created).items() if number > 1]
    asked = Counter(
        (request.operation, request.path, json.dumps(dict(request.query), sort_keys=True))
        for request in docflo.journal.requests
    )
    total = asked.total()
    # A document is read only to see what a process that was killed has left there.
    repeated = sum(
        number if operation == "document" else number - 1 for (operation, _, _), number in asked.items()
    )
    figures = {
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "documents": len(docflo.documents),
        "lost": len(lost),
        "doubled": len(doubled),
        "killed": course.kills,
        "exit code": course.code,
        "requests": dict(docflo.journal.count()),
        "requests a document": round(total / max(1, len(docflo.documents)), 4),
        "repeated": f"{repeated} of {total} ({100 * repeated / max(1, total):.2f} %)",
        "memory MB": course.memory,
        "seconds": round(course.seconds),
    }
    print(json.dumps(figures, indent=2))  # noqa: T201 the figures
    is_fine = course.code == 0 and not lost and not doubled
    return int(not is_fine or repeated > MOST_REPEATED * total or course.memory > MOST_MEMORY)


def main() -> int:
    """Read the arguments and play it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument(
        "--kill-every", type=float, default=None, help="seconds of its processor time; left out: never"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="docflo-backfill-") as folder:
        return soak(arguments.documents, Path(folder), arguments.kill_every)


if __name__ == "__main__":
    raise SystemExit(main())
