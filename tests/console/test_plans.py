"""No page of the console reads a whole table: every statement about deliveries goes through an index."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from connector.clock import utc_now
from connector.ledger.database import Database
from tests.console.large import addresses, fill, served

ROWS = 12_000
LARGE = ("delivery",)

Statement = tuple[str, Any]


@contextmanager
def told() -> Iterator[list[Statement]]:
    """Note every statement that any database of this process is asked."""
    noted: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        noted.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield noted
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def whole_reads(database: Database, statements: Sequence[Statement]) -> list[str]:
    """Give the statements for which the database would read all of a large table."""
    found: list[str] = []
    with database.read() as connection:
        dialect = connection.dialect.name
        explain = "EXPLAIN QUERY PLAN " if dialect == "sqlite" else "EXPLAIN "
        for statement, parameters in statements:
            if not statement.startswith(("SELECT", "WITH")):
                continue
            plan = "\n".join(
                str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters)
            )
            if _reads_all(plan):
                found.append(f"{statement}\n{plan}")
    return found


def _reads_all(plan: str) -> bool:
    scans = re.findall(r"Seq Scan on (\w+)", plan)
    scans += re.findall(r"SCAN (\w+)(?! USING)(?:\n|$)", plan)
    return any(table in LARGE for table in scans)


def test_no_page_reads_a_whole_table(any_database: Database, tmp_path: Path) -> None:
    now = utc_now()
    fill(any_database, ROWS, now)
    asked: dict[str, list[Statement]] = {}
    with served(any_database, tmp_path) as client:
        for what, address in addresses(now).items():
            with told() as statements:
                answer = client.get(address)
            assert answer.status_code == 200, what
            asked[what] = statements

    assert all(any("delivery" in text for text, _ in statements) for statements in asked.values())
    assert {what: found for what, each in asked.items() if (found := whole_reads(any_database, each))} == {}
