"""Measures the whole job beside a script that does the bare job, and writes docs/performance.md by itself.

Run: python -m benchmarks.performance [--documents 1000 5000] [--delayed 2000] [--rounds 3] [--live 20]
"""

import argparse
import statistics
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from benchmarks import ledger
from benchmarks.job.bulk import run_backfill
from benchmarks.job.runs import Job, Run, requests_one_by_one, run_connector, run_floor, run_profiled
from benchmarks.report import Measured, Profile, plot, say, write

LATENCY = 0.05
WORKERS = 4
DELAYED_WORKERS = 16
ONE_BY_ONE = 100  # documents that simple-salesforce brings in
FLOOR, SQLITE, POSTGRESQL, REPLICAS = "script", "SQLite", "PostgreSQL", "PostgreSQL, two replicas"


def compare(job: Job, at: ledger.Databases, rounds: int) -> Mapping[str, Sequence[Run]]:
    """Let the script and the connector do the same job in turns: what disturbs one disturbs the others."""
    ways: Mapping[str, Callable[[], Run]] = {
        FLOOR: lambda: run_floor(job),
        SQLITE: lambda: run_connector(job, at.sqlite()),
        POSTGRESQL: lambda: run_connector(job, at.postgresql()),
        REPLICAS: lambda: run_connector(replace(job, processes=2), at.postgresql()),
    }
    runs: dict[str, list[Run]] = defaultdict(list)
    for number in range(rounds):
        for name, way in ways.items():
            run = way()
            say(f"{job.documents} documents, round {number + 1}, {name}: {run.rate:,.0f} a second")
            if run.wrong:
                raise RuntimeError(f"{name}: {run.wrong} documents are not in Salesforce as they should be")
            runs[name].append(run)
    return runs


def _printed_by(name: str) -> str:
    command = [sys.executable, "-m", f"benchmarks.{name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 ourselves


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, nargs="+", default=[1000, 5000], help="without latency")
    parser.add_argument("--delayed", type=int, default=2000, help="documents with 50 ms to each answer")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--live", type=int, default=20, help="documents that come one a second")
    parser.add_argument("--output", type=Path, default=Path("docs"))
    chosen = parser.parse_args()
    with ledger.databases() as at:
        sizes = {
            count: compare(Job(documents=count, workers=WORKERS), at, chosen.rounds)
            for count in chosen.documents
        }
        delayed = Job(documents=chosen.delayed, latency=LATENCY, workers=DELAYED_WORKERS)
        live = Job(documents=chosen.live, step=timedelta(seconds=1))
        profiled, counts = run_profiled(Job(documents=chosen.documents[0], workers=1), at.sqlite())
        measured = Measured(
            sizes=sizes,
            delayed=compare(delayed, at, chosen.rounds),
            live=statistics.quantiles(run_connector(live, at.sqlite()).waited, n=20),
            ledger=ledger.measure(at, chosen.documents[0], chosen.rounds),
            others="".join(_printed_by(name) for name in ("mapping", "soap")),
            bulk=run_backfill(1000, at.sqlite()),
            one_by_one=requests_one_by_one(ONE_BY_ONE) * 1000 // ONE_BY_ONE,
            profile=Profile(run=profiled, counts=counts),
            rounds=chosen.rounds,
            workers=(WORKERS, DELAYED_WORKERS),
        )
    page = write(measured)
    (chosen.output / "performance.md").write_text(page, encoding="utf-8")
    (chosen.output / "performance.svg").write_text(plot(measured), encoding="utf-8")
    say(page)


if __name__ == "__main__":
    main()
