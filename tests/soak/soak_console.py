"""The console on a large ledger: 1,000,000 deliveries on PostgreSQL, 200,000 on SQLite; 300 ms a page.

Run by `make soak`; alone, with the figures of each page: pytest -n 0 -s tests/soak/soak_console.py
"""

import statistics
import time
from collections.abc import Mapping
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


def measure(database: Database, count: int, folder: Path) -> Mapping[str, float]:
    """Give the median of each page, in milliseconds."""
    now = utc_now()
    began = time.monotonic()
    fill(database, count, now)
    print(f"\n{count:,} deliveries stored in {time.monotonic() - began:.0f} s")  # noqa: T201 the measurement
    medians: dict[str, float] = {}
    with served(database, folder) as client:
        for what, address in addresses(now).items():
            with told() as statements:
                assert client.get(address).status_code == 200
            assert whole_reads(database, statements) == [], what
            medians[what] = statistics.median(_milliseconds(client, address) for _ in range(TIMES))
            print(f"{medians[what]:8.1f} ms  {what}")  # noqa: T201 the measurement
    return medians


def _milliseconds(client: httpx.Client, address: str) -> float:
    began = time.perf_counter()
    client.get(address)
    return (time.perf_counter() - began) * 1000


@pytest.mark.timeout(1800)
def test_a_million_deliveries_on_postgresql(postgres_server: PostgresServer, tmp_path: Path) -> None:
    database = open_database(postgres_server.create(template=postgres_server.migrated_template()))
    slow = {
        what: median for what, median in measure(database, 1_000_000, tmp_path).items() if median > LIMIT_MS
    }
    database.close()
    assert slow == {}


@pytest.mark.timeout(1800)
def test_two_hundred_thousand_deliveries_on_sqlite(database: Database, tmp_path: Path) -> None:
    assert {
        what: median for what, median in measure(database, 200_000, tmp_path).items() if median > LIMIT_MS
    } == {}
