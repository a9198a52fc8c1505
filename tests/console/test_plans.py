"""No page of the console reads a whole table: every statement about deliveries goes through an index.

A few rows are read faster without any, so PostgreSQL is told here to do that only where it must. What it
does with a million is in `tests/soak/soak_console.py`.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event

from connector.clock import utc_now
from connector.ledger.database import Database
from tests.console.large import addresses, fill, served

ROWS = 2_000
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


def whole_reads(database: Database, statements: Sequence[Statement], *, is_small: bool = False) -> list[str]:
    """Give the statements for which the database would read all of a large table, or of its index."""
    found: list[str] = []
    with database.read() as connection:
        if is_small and connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, parameters in statements:
            if not statement.startswith(("SELECT", "WITH")):
                continue
            plan = _plan(connection, statement, parameters)
            if _reads_all(plan, is_bounded="LIMIT" in statement):
                found.append(f"{statement}\n{plan}")
    return found


def _plan(connection: Connection, statement: str, parameters: Any) -> str:
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    return "\n".join(str(row[-1]) for row in connection.exec_driver_sql(explain + statement, parameters))


def plans(database: Database, statements: Sequence[Statement]) -> list[str]:
    """Give how the database would read each of them, with every index that it has."""
    with database.read() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        return [_plan(connection, text, values) for text, values in statements if text.startswith("SELECT")]


def _reads_all(plan: str, *, is_bounded: bool) -> bool:
    scans = re.findall(r"Seq Scan on (\w+)", plan)
    scans += re.findall(r"SCAN (\w+)(?:\n|$)", plan)
    if not is_bounded:  # what is ordered by an index is read from one of its ends, as far as is asked
        scans += re.findall(r"SCAN (\w+) USING", plan)
    return any(table in LARGE for table in scans)


ALONE = re.compile(r"(Index Only Scan using|USING COVERING INDEX) ix_delivery_dead_short_money")


def test_no_page_reads_a_whole_table_and_money_of_dead_letters_is_read_from_an_index_alone(
    any_database: Database, tmp_path: Path
) -> None:
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
    whole = {what: whole_reads(any_database, each, is_small=True) for what, each in asked.items()}
    assert {what: found for what, found in whole.items() if found} == {}
    assert any(ALONE.search(plan) for plan in plans(any_database, asked["overview"]))
