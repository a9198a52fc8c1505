"""The largest memory of a backfill, or of `run`, over many documents: it must not grow with them.

Run: python -m benchmarks.memory [--documents 20000 200000] [--by backfill]
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.job.runs import SPAN, Job, Stage, configured, stage
from benchmarks.ledger import databases
from benchmarks.report import say

LOOK = 0.2  # seconds between two looks at a process
MOST = 300  # MB


def largest(documents: int, by: str, database: str) -> tuple[int, float]:
    """Let the connector bring in so many documents; give the largest resident memory, in MB, and the seconds.

    Raises: RuntimeError when a document is not in Salesforce as it should be, or not shown as done.
    """
    job = Job(documents=documents)
    with stage(job) as at, configured(at, job, database) as config:
        began = time.monotonic()
        process = subprocess.Popen(  # noqa: S603 ourselves
            [sys.executable, "-m", "connector", *_command(by), "--config", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        memory = _watched(process, at)
        seconds = time.monotonic() - began
        wrong = at.result(0.0).wrong
        if wrong or process.returncode:
            raise RuntimeError(f"{wrong} documents are not as they should be; exit {process.returncode}")
        return memory, seconds


def _command(by: str) -> Sequence[str]:
    if by == "run":
        return ["run"]
    first = datetime.now(UTC) - SPAN - timedelta(days=2)
    return [by, "invoices", "--from", str(first.date()), "--to", str(datetime.now(UTC).date()), "--apply"]


def _watched(process: subprocess.Popen[bytes], at: Stage) -> int:
    memory = 0
    while process.poll() is None:
        time.sleep(LOOK)
        memory = max(memory, _resident(process.pid))
        if at.done == at.documents:
            process.terminate()  # `run` would go on; a backfill is at its end
            process.wait()
            process.returncode = 0
    return memory


def _resident(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    peak = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")), "0")
    return int(peak) // 1024


def main() -> None:
    """Print the largest memory for each number of documents; end with 1 when one is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, nargs="+", default=[20_000, 200_000])
    parser.add_argument("--by", choices=["backfill", "run"], default="backfill")
    chosen = parser.parse_args()
    is_too_much = False
    with databases() as at:
        for documents in chosen.documents:
            memory, seconds = largest(documents, chosen.by, at.sqlite())
            say(f"{documents:,} documents by {chosen.by}: {memory} MB at most, {seconds:,.0f} seconds")
            is_too_much = is_too_much or memory > MOST
    sys.exit(is_too_much)


if __name__ == "__main__":
    main()
