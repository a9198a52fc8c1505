"""A whole ledger from one database into another, empty one: SQLite to PostgreSQL, or back."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Table, func, insert, select, text

from connector.errors import ConfigError
from connector.ledger.database import Database
from connector.ledger.tables import delivery, metadata

_BATCH = 500


def copy_ledger(source: Database, target: Database, now: datetime) -> Iterator[tuple[str, int]]:
    """Copy all rows in one transaction, table by table; give each table's name and how many it took.

    Nothing is in the target unless the last table was copied and the counts of all agree.

    Raises: ConfigError when somebody is at work on the source, or the target holds anything already.
    """
    source.require_current_schema()
    target.require_current_schema()
    with source.read() as reading, target.write() as writing:
        _require_idle(reading, now)
        _require_empty(writing)
        for table in metadata.sorted_tables:
            yield table.name, _copy(table, reading, writing)
        _go_on_numbering(writing)


def _require_idle(reading: Connection, now: datetime) -> None:
    busy = select(func.count()).select_from(delivery).where(delivery.c.lease_until > now)
    if reading.execute(busy).scalar_one():
        raise ConfigError(
            "a connector is at work on this ledger", remedy="stop every `run` and `sync` first, then copy"
        )


def _require_empty(writing: Connection) -> None:
    filled = [table.name for table in metadata.sorted_tables if _count(table, writing)]
    if filled:
        raise ConfigError(
            f"the database to copy into is not empty: {', '.join(filled)}",
            remedy="copy into a new database",
        )


def _copy(table: Table, reading: Connection, writing: Connection) -> int:
    rows = reading.execution_options(yield_per=_BATCH).execute(select(table))
    for part in rows.mappings().partitions(_BATCH):
        writing.execute(insert(table), [dict(row) for row in part])
    copied, wanted = _count(table, writing), _count(table, reading)
    if copied != wanted:
        message = f"{table.name}: {copied} of {wanted} rows arrived"
        raise ConfigError(message, remedy="nothing was stored; copy again")
    return copied


def _count(table: Table, connection: Connection) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _go_on_numbering(writing: Connection) -> None:
    """Let PostgreSQL number new rows after the copied ones; SQLite does so by itself."""
    if writing.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        if "id" in table.c and table.c.id.primary_key:
            sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
            highest = f"(SELECT max(id) FROM {table.name})"  # noqa: S608 a name of our own
            writing.execute(text(f"SELECT setval({sequence}, {highest}) WHERE {highest} IS NOT NULL"))
