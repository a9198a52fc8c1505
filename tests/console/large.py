"""A ledger with as many deliveries as a company has after years; filled without the pipelines."""

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import Insert, insert, literal, select

from connector.cli.serving_console import console_mount
from connector.config import Config, load_config
from connector.console.app import make_app
from connector.console.server import WebServer
from connector.docflo.shared_budget import Balance
from connector.ledger.database import Database
from connector.ledger.delivery import Headline, State
from connector.ledger.parties import learn_parties
from connector.ledger.rows import content_columns, failure_columns
from connector.ledger.search_keys import search_key
from connector.ledger.tables import delivery
from tests.factories import make_failure, make_found

PIPELINES = ("invoices-to-crm", "orders-to-erp", "receipts-to-crm")
PARTIES = tuple(f"{name} {kind}" for name in ("Acme", "Birch", "Cedar", "Delta") for kind in range(500))
_BATCH = 5_000
_FIRST = 100_000
_DAYS = 400


def fill(database: Database, count: int, now: datetime) -> None:
    """Store `count` deliveries of the last year: 97 of 100 completed, the rest in the other states.

    The first are made one by one, the others are these again under other numbers and ids.
    """
    first = min(count, _FIRST)
    rows = _rows(first, now)
    while batch := list(islice(rows, _BATCH)):
        with database.write() as connection:
            connection.execute(insert(delivery), batch)
    for copy in range(1, count // first):
        with database.write() as connection:
            connection.execute(_again(first, copy))
    with database.write() as connection:
        learn_parties(connection, PARTIES)
    _let_settle(database)


def _let_settle(database: Database) -> None:
    """Do what PostgreSQL does by itself within minutes. SQLite does nothing by itself."""
    with database.read() as connection:
        if connection.dialect.name != "postgresql":
            return
        driver: Any = connection.connection.driver_connection
        driver.rollback()
        driver.autocommit = True  # tables are not tidied inside of a transaction
        driver.execute("VACUUM ANALYZE delivery")
        driver.autocommit = False


def _again(first: int, copy: int) -> Insert:
    mark = f"-{copy}"
    changed = {
        "document_id": delivery.c.document_id + mark,
        "number": delivery.c.number + mark,
        "number_key": delivery.c.number_key + mark,
        "number_end_key": literal(mark[::-1]) + delivery.c.number_end_key,
    }
    same = [column for column in delivery.c if column.key != "id" and column.key not in changed]
    source = select(*same, *changed.values()).where(delivery.c.id <= first)
    return insert(delivery).from_select([*(column.key for column in same), *changed], source)


def _rows(count: int, now: datetime) -> Iterator[Mapping[str, Any]]:
    chance = random.Random(7)  # noqa: S311 documents, not secrets
    for number in range(count):
        found_at = now - timedelta(days=_DAYS) * (1 - number / count)
        state = chance.choices(
            [State.COMPLETED, State.DEAD, State.PENDING, State.IN_DOUBT, State.DELIVERED, State.SKIPPED],
            [9700, 100, 80, 1, 19, 100],
        )[0]
        headline = Headline(
            number=f"INV-{number:08}",
            party=chance.choice(PARTIES),
            amount=Decimal(chance.randrange(1, 10**7)) / 100,
            currency=chance.choice(("EUR", "USD", "JPY")),
        )
        yield _row(f"{number:024x}", state, headline, found_at, chance)


def _row(
    document_id: str, state: State, headline: Headline, found_at: datetime, chance: random.Random
) -> Mapping[str, Any]:
    is_open = state in {State.PENDING, State.IN_DOUBT, State.DELIVERED}
    is_there = state in {State.DELIVERED, State.COMPLETED}
    receipt = f"a01{document_id[-12:]}" if is_there else None
    failure = (
        make_failure(reason=f"rule {chance.randrange(20)}: period closed") if state is State.DEAD else None
    )
    return {
        **content_columns(make_found(document_id, headline=headline, snapshot=b"")),
        **failure_columns(failure),
        "failure_cause": failure and failure.reason,
        "pipeline": chance.choice(PIPELINES),
        "document_id": document_id,
        "revision": 1,
        "state": state.value,
        "found_at": found_at,
        "changed_at": found_at + timedelta(minutes=1),
        "attempts": 0,
        "due_at": found_at + timedelta(days=9999) if is_open else None,
        "died_in": State.PENDING.value if failure else None,
        "lease_epoch": 0,
        "receipt_id": receipt,
        "receipt_key": search_key(receipt),
        "delivered_at": found_at + timedelta(minutes=1) if is_there else None,
        "doubted_at": found_at if state is State.IN_DOUBT else None,
        "written_back_at": found_at + timedelta(minutes=2) if state is State.COMPLETED else None,
    }


def large_config(folder: Path) -> Config:
    """Give a configuration with these pipelines; nobody is asked anything with it."""
    pipelines = "\n".join(
        f"  {name}: {{documents: {{types: [invoice], since: 2020-01-01}}, mapping: m.yaml, target: there}}"
        for name in PIPELINES
    )
    path = folder / "config.yaml"
    path.write_text(
        "docflo: {base_url: 'http://127.0.0.1:1', tenant_id: t, api_key: '${env:NONE}'}\n"
        f"targets: {{there: {{adapter: memory}}}}\npipelines:\n{pipelines}\n",
        encoding="utf-8",
    )
    return load_config(path, offline=True)


@contextmanager
def served(database: Database, folder: Path) -> Iterator[httpx.Client]:
    """Serve the console on this ledger alone; give who asks it."""
    config = large_config(folder)
    nothing = Balance(limit=None, used=0, reset_at=None, closed_until=None, lanes={})
    pages = console_mount(database, config=lambda: config, balance=lambda: nothing)
    server = WebServer(make_app([pages]), host="127.0.0.1", port=0)
    server.start()
    try:
        with httpx.Client(base_url=server.address) as client:
            yield client
    finally:
        server.stop()


def addresses(now: datetime) -> Mapping[str, str]:
    """Give the pages that are to answer at once, by what they ask."""
    day = (now - timedelta(days=200)).date()
    deep = f"{now - timedelta(days=300):%Y-%m-%dT%H:%M:%S}%2B00:00~999999999"
    return {
        "overview": "/",
        "documents": "/documents",
        "of a state": "/documents?state=dead",
        "completed": "/documents?state=completed",
        "of a pipeline": "/documents?pipeline=orders-to-erp",
        "of a pipeline and a state": "/documents?pipeline=orders-to-erp&state=in_doubt",
        "of a class": "/documents?class=RejectedError",
        "of a class and a pipeline": "/documents?class=RejectedError&pipeline=orders-to-erp",
        "of a class and another state": "/documents?class=RejectedError&state=pending",
        "of a class that is not there": "/documents?class=NoSuchError",
        "of a day": f"/documents?from={day}&to={day}",
        "of a day and a state": f"/documents?from={day}&to={day}&state=dead",
        "by the end of a number": "/documents?q=04217",
        "by the beginning of a number": "/documents?q=INV-000042",
        "by the beginning of many old numbers": "/documents?q=INV-0000",
        "by the beginning of old numbers, of a state": "/documents?q=INV-0000&state=completed",
        "by what only old numbers have, of a state": "/documents?q=INV-000&state=skipped",
        "by any number": "/documents?q=inv",
        "by any number of a state": "/documents?q=inv&state=dead",
        "by any number of a state and a pipeline": "/documents?q=inv&state=skipped&pipeline=orders-to-erp",
        "by any number long ago": f"/documents?q=inv&to={day}",
        "by a party": "/documents?q=birch+41",
        "by a word of a party": "/documents?q=party%3A417",
        "by many parties": "/documents?q=party%3Aa",
        "by many parties of a class": "/documents?q=party%3Ab&class=RejectedError",
        "by many parties and a number": "/documents?q=party%3Abirch+number%3AINV-00004",
        "of a pipeline and a usual state": "/documents?state=completed&pipeline=orders-to-erp",
        "by an amount": "/documents?q=1250.50",
        "by a target id": "/documents?q=target%3Aa01000000001041",
        "by a Docflo id": "/documents?q=id%3A000000000000000000001041",
        "by what is not there": "/documents?q=zzzzzz",
        "deep in the list": f"/documents?after={deep}",
        "problems": "/problems",
        "in doubt": "/doubts",
        "one document": "/documents/1041",
    }
