"""The documents that the ledger still holds, as they were mapped."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select

from connector.ledger.database import Database
from connector.ledger.delivery import Delivery
from connector.ledger.rows import WITHOUT_SNAPSHOT, read_delivery
from connector.ledger.tables import delivery

_PAGE = 100  # documents read at a time: a few MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Which stored documents are wanted."""

    document_type: str
    since: datetime  # found at or after; aware, UTC
    pipeline: str | None = None  # None: every pipeline


class Snapshots:
    """Reads deliveries with their documents, without a lock and page by page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def count(self, wanted: Stored) -> int:
        """Give how many deliveries `read` will give."""
        statement = select(func.count()).select_from(delivery).where(_condition(wanted))
        with self._database.read() as connection:
            return int(connection.execute(statement).scalar_one())

    def latest(self, pipeline: str, limit: int) -> tuple[Delivery, ...]:
        """Give the newest deliveries of a pipeline of which the document is stored, without it."""
        statement = select(*WITHOUT_SNAPSHOT).where(
            delivery.c.pipeline == pipeline, func.length(delivery.c.snapshot) > 0
        )
        return self._newest(statement, limit)

    def latest_whole(self, pipeline: str, limit: int) -> tuple[Delivery, ...]:
        """Give the same with their documents."""
        statement = select(delivery).where(
            delivery.c.pipeline == pipeline, func.length(delivery.c.snapshot) > 0
        )
        return self._newest(statement, limit)

    def _newest(self, statement: Select[Any], limit: int) -> tuple[Delivery, ...]:
        with self._database.read() as connection:
            rows = connection.execute(statement.order_by(delivery.c.id.desc()).limit(limit)).mappings()
            return tuple(map(read_delivery, rows))

    def read(self, wanted: Stored) -> Iterator[Delivery]:
        """Give each delivery, oldest first. Its snapshot is empty when it is no longer stored."""
        last = 0
        while True:
            statement = (
                select(delivery)
                .where(_condition(wanted), delivery.c.id > last)
                .order_by(delivery.c.id)
                .limit(_PAGE)
            )
            with self._database.read() as connection:
                page = [read_delivery(row) for row in connection.execute(statement).mappings()]
            yield from page
            if len(page) < _PAGE:
                return
            last = page[-1].id


def _condition(wanted: Stored) -> ColumnElement[bool]:
    columns = delivery.c
    conditions = [columns.document_type == wanted.document_type, columns.found_at >= wanted.since]
    if wanted.pipeline is not None:
        conditions.append(columns.pipeline == wanted.pipeline)
    return and_(*conditions)
