"""Deliveries page by page, newest first.

A page is found from where the one before ended, never by counting rows: the thousandth costs as much as the
first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select

from connector.ledger.database import Database
from connector.ledger.delivery import Delivery, State
from connector.ledger.rows import WITHOUT_SNAPSHOT, read_delivery
from connector.ledger.searching import Place, look
from connector.ledger.sought import Sought
from connector.ledger.tables import delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page. `after` leads to the next; None: there is none."""

    deliveries: tuple[Delivery, ...]
    after: Place | None
    count: int | None  # of all that are sought, one more than `COUNTED` at most; None: not counted
    is_partial: bool  # not full, because looking further costs another look


class Browsing:
    """Reads the ledger for people who look.

    Raises: UnavailableError when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, sought: Sought, *, after: Place | None = None, size: int = 50) -> Listed:
        """Give the deliveries behind `after`, without documents and records."""
        with self._database.read() as connection:
            seen = look(connection, sought, after, size + 1)
            places = seen.places[:size]
            deliveries = _read(connection, [place.id for place in places])
        is_full = len(seen.places) > size
        return Listed(
            deliveries=deliveries,
            after=places[-1] if is_full else seen.ended,
            count=seen.count,
            is_partial=seen.ended is not None,
        )

    def all(self, sought: Sought, *, size: int = 1000) -> Iterator[Delivery]:
        """Give every one, page by page: no transaction is open while the caller writes."""
        after: Place | None = None
        while True:
            page = self.page(sought, after=after, size=size)
            yield from page.deliveries
            if page.after is None:
                return
            after = page.after

    def oldest_doubts(self, most: int) -> tuple[Delivery, ...]:
        """Give what may or may not be in the target, the longest first."""
        columns = delivery.c
        statement = select(*WITHOUT_SNAPSHOT).where(columns.state == State.IN_DOUBT.value)
        with self._database.read() as connection:
            rows = connection.execute(
                statement.order_by(columns.doubted_at, columns.id).limit(most)
            ).mappings()
            return tuple(map(read_delivery, rows))


def _read(connection: Connection, ids: list[int]) -> tuple[Delivery, ...]:
    rows = connection.execute(select(*WITHOUT_SNAPSHOT).where(delivery.c.id.in_(ids))).mappings()
    found = {row["id"]: read_delivery(row) for row in rows}
    return tuple(found[number] for number in ids)
