"""The page about speed: ratios first, then figures, then what the time goes to."""

import importlib.metadata
import os
import platform
import shlex
import sqlite3
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import indent

from benchmarks.job.bulk import JOB_SECONDS
from benchmarks.job.runs import Run

DOCFLO = ("list", "document", "update_fields", "update_status")
SALESFORCE = ("query", "graph")
GOALS = {
    "SQLite": (0.40, 2.8),
    "PostgreSQL": (0.30, None),
    "PostgreSQL, two replicas": (None, None),
}
DELAYED_GOAL = 0.90
REQUESTS_GOAL = 2.02
GROWTH_GOAL = 1.10
SALESFORCE_GOAL = 60
BULK_GOAL = 40
FLOOR = "script"
LIBRARIES = ("aiohttp", "httpx", "msgspec", "simple-salesforce", "sqlalchemy", "psycopg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A run of one worker, and how often each line was met by the clock of its processor time."""

    run: Run
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was measured; runs by who did them."""

    sizes: Mapping[int, Mapping[str, Sequence[Run]]]  # by documents, without latency
    delayed: Mapping[str, Sequence[Run]]
    live: Sequence[float]  # twentieths of the seconds from a document's creation to its last status
    ledger: Mapping[str, float]
    bulk: Mapping[str, int]  # calls of Salesforce for 1,000 documents by jobs, by what they were for
    one_by_one: int  # calls of Salesforce per 1,000 documents, one a record
    others: str  # what the other benchmarks print
    profile: Profile
    rounds: int
    workers: tuple[int, int]  # without and with latency


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def write(measured: Measured) -> str:
    """Give the page."""
    parts = (
        _head(measured),
        _ratios(measured),
        _figures(measured),
        _more(measured),
        _profile(measured.profile),
    )
    return "\n".join(parts)


def median(runs: Sequence[Run], of: Callable[[Run], float]) -> float:
    """Give the median of something over runs."""
    return statistics.median(of(run) for run in runs)


def _rate(run: Run) -> float:
    return run.rate


def _cpu(run: Run) -> float:
    return run.cpu_per_thousand


def _sum(run: Run, kinds: Sequence[str]) -> float:
    return sum(run.requests.get(kind, 0) for kind in kinds) / run.documents


def _docflo(run: Run) -> float:
    return _sum(run, DOCFLO)


def _salesforce(run: Run) -> float:
    return _sum(run, SALESFORCE) * 1000


def _head(measured: Measured) -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
    command = shlex.join(["python", "-m", "benchmarks.performance", *sys.argv[1:]])
    few, many = measured.workers
    return f"""\
# How fast it is

Written by `make bench`; [benchmarks/README.md](../benchmarks/README.md) says how it measures. Ratios hold on
other machines, figures do not.

- {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {_processor()}, {_memory()} GB, {platform.system()}
- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {versions}
- `{command}`: medians of {measured.rounds} rounds, in which all take turns

The job: list approved invoices of 1 to 40 lines, map 25 fields, bring header and lines into Salesforce by
composite graphs, write the receipt and the status back by two calls a document. The connector does it with
everything on: durable ledger (SQLite with synchronous FULL, or PostgreSQL), leases, proof of the listing,
budget, log. The script beside it (`benchmarks/job/floor.py`, aiohttp) does the bare job by hand: it keeps
nothing, and loses or doubles documents when it dies. After each run every document is compared: none missing,
none twice, every amount exact to the last digit. Without latency {few} workers beside {few} tasks; with 50 ms
to each answer {many} beside {many}. Two replicas share that many workers.

![documents a second](performance.svg)
"""


def _ratios(measured: Measured) -> str:
    lines = ["## Beside the script\n", "| what | measured | goal |", "| --- | --- | --- |"]
    for count, runs in measured.sizes.items():
        for name, (rate_goal, cpu_goal) in GOALS.items():
            rate = median(runs[name], _rate) / median(runs[FLOOR], _rate)
            cpu = median(runs[name], _cpu) / median(runs[FLOOR], _cpu)
            goal = f"{rate_goal:.0%} at least" if rate_goal else ""
            lines.append(f"| documents a second, {name}, {count:,} | {rate:.0%} | {goal} |")
            goal = f"{cpu_goal} at most" if cpu_goal else ""
            lines.append(f"| processor time, {name}, {count:,} | {cpu:.1f} times | {goal} |")
    for name in GOALS:
        rate = median(measured.delayed[name], _rate) / median(measured.delayed[FLOOR], _rate)
        goal = f"{DELAYED_GOAL:.0%} at least" if name == "SQLite" else ""
        lines.append(f"| documents a second with 50 ms to each answer, {name} | {rate:.0%} | {goal} |")
    small, large = min(measured.sizes), max(measured.sizes)
    growth = median(measured.sizes[large]["SQLite"], _cpu) / median(measured.sizes[small]["SQLite"], _cpu)
    largest = measured.sizes[large]["SQLite"]
    docflo, salesforce = median(largest, _docflo), median(largest, _salesforce)
    title = f"processor time a document, {large:,} beside {small:,}"
    lines += [
        f"| {title} | {growth:.2f} times | {GROWTH_GOAL} at most |",
        f"| requests to Docflo a document | {docflo:.3f} | {REQUESTS_GOAL} at most |",
        f"| calls of Salesforce per 1,000 documents | {salesforce:.0f} | {SALESFORCE_GOAL} at most |",
        f"| the same, a backfill by Bulk API 2.0 | {sum(measured.bulk.values())} | {BULK_GOAL} at most |",
        f"| the same, one call a record with simple-salesforce | {measured.one_by_one:,} | |",
    ]
    return "\n".join(lines) + "\n\n" + _bulk(measured.bulk)


def _bulk(calls: Mapping[str, int]) -> str:
    told = ", ".join(f"{name} {count}" for name, count in calls.items())
    return f"""\
The calls of the backfill were counted by the sandbox's Salesforce, since the emulator of the other runs knows
no jobs: {told}.
A job waits {JOB_SECONDS:.0f} seconds there before it begins. In an org whose jobs take minutes each of the
three is looked at after 2, 6, 14, 30 and 60 seconds, and once more for each further half minute.
"""


def _figures(measured: Measured) -> str:
    lines = [
        "## Figures\n",
        "| run | documents/s | lowest, highest | processor seconds per 1,000 | emulators busy |",
        "| --- | --- | --- | --- | --- |",
    ]
    groups = {f"{count:,} documents": runs for count, runs in measured.sizes.items()}
    for title, group in {**groups, "50 ms to each answer": measured.delayed}.items():
        for name, runs in group.items():
            rates = [run.rate for run in runs]
            busy = median(runs, lambda run: run.emulators_cpu / run.seconds)
            lines.append(
                f"| {title}, {name} | {statistics.median(rates):,.0f} | {min(rates):,.0f}, {max(rates):,.0f} "
                f"| {median(runs, _cpu):.2f} | {busy:.0%} |"
            )
    return "\n".join(lines) + "\n"


def _more(measured: Measured) -> str:
    live, stored = measured.live, measured.ledger
    return f"""\
Documents that come one a second, listed every second: half are done {live[9]:.1f} seconds after they were
created, 19 of 20 within {live[18]:.1f}.

The ledger alone, listing to completion, every commit on disk: {stored["SQLite"]:,.0f} documents/s on SQLite,
{stored["PostgreSQL"]:,.0f} on PostgreSQL.

Mapping and SOAP alone:

{indent(measured.others, "    ")}
"""


def _profile(profile: Profile) -> str:
    total, cpu = sum(profile.counts.values()), profile.run.cpu_per_thousand
    lines = [
        "## What the time goes to\n",
        f"One worker, {profile.run.documents:,} documents, SQLite, sampled by its processor time:",
        f"{cpu:.2f} ms a document. Waiting is not in it.\n",
        "| line | share | ms a document |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {line} | {count / total:.1%} | {cpu * count / total:.3f} |"
        for line, count in sorted(profile.counts.items(), key=lambda each: -each[1])
    ]
    return "\n".join(lines) + "\n"


def _processor() -> str:
    facts = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in facts if line.startswith("model name")), "unknown")


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


_WIDTH, _LABELS, _BAR, _GAP = 760, 290, 16, 6
_COLOURS = {
    FLOOR: "#9aa5b1",
    "SQLite": "#0b6e99",
    "PostgreSQL": "#4c51bf",
    "PostgreSQL, two replicas": "#7f83d6",
}


def plot(measured: Measured) -> str:
    """Give documents a second as bars, SVG. Fonts are the reader's own."""
    groups = {f"{count:,} documents": runs for count, runs in measured.sizes.items()}
    bars = [
        (f"{title}, {name}", name, median(runs, _rate))
        for title, group in {**groups, "50 ms latency": measured.delayed}.items()
        for name, runs in group.items()
    ]
    scale = (_WIDTH - _LABELS - 70) / max(rate for _, _, rate in bars)
    height = len(bars) * (_BAR + _GAP) + _GAP
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" role="img"',
        ' font-family="sans-serif" font-size="12"><title>Documents a second</title>',
    ]
    for place, (label, name, rate) in enumerate(bars):
        top, length = _GAP + place * (_BAR + _GAP), rate * scale
        lines += [
            f'<text x="{_LABELS - 8}" y="{top + 12}" text-anchor="end">{label}</text>',
            f'<rect x="{_LABELS}" y="{top}" width="{length:.0f}" height="{_BAR}" fill="{_COLOURS[name]}"/>',
            f'<text x="{_LABELS + length + 6:.0f}" y="{top + 12}">{rate:,.0f}</text>',
        ]
    return "\n".join([*lines, "</svg>\n"])
