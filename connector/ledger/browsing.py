"""Deliveries page by page, newest first: what is asked for finds its way through an index, or is not asked.

A page is found from where the one before ended, never by counting rows: the thousandth costs as much as the
first. How many there are in all is not told: that would read them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, tuple_

from connector.ledger.database import Database
from connector.ledger.delivery import Delivery, State
from connector.ledger.rows import WITHOUT_SNAPSHOT, read_delivery
from connector.ledger.search_keys import amount_key, end_key, search_key
from connector.ledger.tables import delivery

LAST = "\U0010ffff"  # of all characters: with it, a prefix is a range


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What somebody looks for. All that is named must hold; `anything` may be any down to `receipt_id`."""

    anything: str | None = None
    number: str | None = None  # how it begins, without case
    number_end: str | None = None  # how it ends
    party: str | None = None  # how it begins
    amount: Decimal | None = None  # 12.5 finds 12.50
    document_id: str | None = None
    receipt_id: str | None = None
    state: State | None = None
    pipeline: str | None = None
    failure_class: str | None = None  # without a state: of dead letters
    found_from: datetime | None = None
    found_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ended: the next begins behind it."""

    found_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One page. `after` leads to the next; None: there is none."""

    deliveries: tuple[Delivery, ...]
    after: Place | None


class Browsing:
    """Reads the ledger for people who look.

    Raises: UnavailableError when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, sought: Sought, *, after: Place | None = None, size: int = 50) -> Listed:
        """Give the deliveries behind `after`, without documents and records."""
        with self._database.read() as connection:
            found = {
                row["id"]: row
                for statement in statements(sought, after, size + 1)
                for row in connection.execute(statement).mappings()
            }
        newest = sorted(map(read_delivery, found.values()), key=_place, reverse=True)
        page = tuple(newest[:size])
        is_more = len(newest) > size
        return Listed(
            deliveries=page, after=Place(found_at=page[-1].found_at, id=page[-1].id) if is_more else None
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


def statements(sought: Sought, after: Place | None, limit: int) -> Sequence[Select[tuple[object, ...]]]:
    """Give the questions whose answers together hold the page: one for each meaning of what was typed.

    One question about all meanings would read a table; each by itself reads one index.
    """
    conditions = _conditions(sought)
    if sought.anything is None:
        return [_statement(conditions, after, limit)]
    return [
        _statement([*conditions, *_conditions(meaning)], after, limit)
        for meaning in _meanings(sought.anything)
    ]


def _meanings(text: str) -> Iterator[Sought]:
    yield Sought(number=text)
    yield Sought(number_end=text)
    yield Sought(party=text)
    yield Sought(document_id=text)
    yield Sought(receipt_id=text)
    amount = read_amount(text)
    if amount is not None:
        yield Sought(amount=amount)


def read_amount(text: str) -> Decimal | None:
    """Give an amount that somebody typed; None for what is none."""
    plain = text.replace(" ", "").replace("\N{NO-BREAK SPACE}", "").replace("\N{NARROW NO-BREAK SPACE}", "")
    if not plain.isascii() or not plain.removeprefix("-").replace(".", "", 1).isdigit():
        return None
    return Decimal(plain)


def _statement(
    conditions: Sequence[ColumnElement[bool]], after: Place | None, limit: int
) -> Select[tuple[object, ...]]:
    columns = delivery.c
    statement = select(*WITHOUT_SNAPSHOT).where(*conditions)
    if after is not None:
        statement = statement.where(tuple_(columns.found_at, columns.id) < (after.found_at, after.id))
    return statement.order_by(columns.found_at.desc(), columns.id.desc()).limit(limit)


def _conditions(sought: Sought) -> Sequence[ColumnElement[bool]]:
    columns = delivery.c
    makes: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
        "number": lambda text: _begins(columns.number_key, search_key(text)),
        "number_end": lambda text: _begins(columns.number_end_key, end_key(text)),
        "party": lambda text: _begins(columns.party_key, search_key(text)),
        "amount": lambda amount: columns.amount_key == amount_key(amount),
        "document_id": lambda text: columns.document_id == text,
        "receipt_id": lambda text: columns.receipt_key == search_key(text),
        "state": lambda state: columns.state == state.value,
        "pipeline": lambda name: columns.pipeline == name,
        "failure_class": lambda name: columns.failure_class == name,
        "found_from": lambda moment: columns.found_at >= moment,
        "found_before": lambda moment: columns.found_at < moment,
    }
    named = ((make, getattr(sought, name)) for name, make in makes.items())
    wanted = [make(value) for make, value in named if value is not None]
    if sought.failure_class is not None and sought.state is None:
        wanted.append(columns.state == State.DEAD.value)
    return wanted


def _begins(column: ColumnElement[str | None], key: str | None) -> ColumnElement[bool]:
    return and_(column >= (key or ""), column <= (key or "") + LAST)


def _place(each: Delivery) -> tuple[datetime, int]:
    return each.found_at, each.id
