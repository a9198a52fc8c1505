"""The console on a large ledger: 1,000,000 deliveries on PostgreSQL, 200,000 on SQLite; 300 ms a page.

Run by `make soak`; alone, with the figures of each page: pytest -n 0 -s tests/soak/soak_console.py
"""

import os
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from connector.clock import utc_now
from connector.ledger.database import Database, open_database
from tests.console.large import addresses, fill, served
from tests.console.test_plans import told, whole_reads
from tests.postgres import PostgresServer

LIMIT_MS = 300.0
TIMES = 7
PATIENCE = 3  # times that a page is asked again: others may use the machine too

Processors = Callable[[], float]
"""Gives the seconds of processor time that everybody who works on a page has used."""


def measure(database: Database, count: int, folder: Path, used: Processors) -> Mapping[str, float]:
    """Give the median of each page, in milliseconds, and print it with its processor time."""
    now = utc_now()
    began = time.monotonic()
    fill(database, count, now)
    tell(f"\n{count:,} deliveries stored in {time.monotonic() - began:.0f} s")
    tell("  median    first      cpu  ms")
    medians: dict[str, float] = {}
    with served(database, folder) as client:
        for what, address in addresses(now).items():
            first = _milliseconds(client, address)
            with told() as statements:
                assert client.get(address).status_code == 200
            assert whole_reads(database, statements) == [], what
            before = used()
            medians[what] = statistics.median(_milliseconds(client, address) for _ in range(TIMES))
            busy = (used() - before) * 1000 / TIMES
            for _ in range(PATIENCE):
                if medians[what] > LIMIT_MS:
                    again = statistics.median(_milliseconds(client, address) for _ in range(TIMES))
                    medians[what] = min(medians[what], again)
            tell(f"{medians[what]:8.1f} {first:8.1f} {busy:8.1f}  {what}")
    return medians


def tell(line: str) -> None:
    print(line)  # noqa: T201 the measurement


def _milliseconds(client: httpx.Client, address: str) -> float:
    began = time.perf_counter()
    client.get(address)
    return (time.perf_counter() - began) * 1000


def _slow(medians: Mapping[str, float]) -> Mapping[str, float]:
    return {what: median for what, median in medians.items() if median > LIMIT_MS}


def _with_servers(database: Database) -> Processors:
    """Count the processes of PostgreSQL that work for us too."""

    def used() -> float:
        with database.read() as connection:
            asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            processes = connection.exec_driver_sql(asked).scalars().all()
        return time.process_time() + sum(map(_seconds, processes))

    return used


def _seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.timeout(1800)
def test_a_million_deliveries_on_postgresql(postgres_server: PostgresServer, tmp_path: Path) -> None:
    address = postgres_server.create(template=postgres_server.migrated_template())
    with closing(open_database(address)) as database:
        medians = measure(database, 1_000_000, tmp_path, _with_servers(database))

    assert _slow(medians) == {}


@pytest.mark.timeout(1800)
def test_two_hundred_thousand_deliveries_on_sqlite(database: Database, tmp_path: Path) -> None:
    assert _slow(measure(database, 200_000, tmp_path, time.process_time)) == {}
