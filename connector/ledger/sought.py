"""What somebody looks for, and the columns that tell: each meaning of a text is a range of one index."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, and_, bindparam, or_

from connector.ledger.delivery import State
from connector.ledger.parties import parties_like
from connector.ledger.search_keys import LAST, amount_key, end_key, search_key

_PARTIES = 500  # names that one search asks for; those of more have no range of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """All that is named must hold; `anything` may be any down to `receipt_id`."""

    anything: str | None = None
    number: str | None = None  # how it begins, without case
    number_end: str | None = None  # how it ends
    party: str | None = None  # how it goes on from the beginning of one of its words
    amount: Decimal | None = None  # 12.5 finds 12.50
    document_id: str | None = None
    receipt_id: str | None = None
    state: State | None = None
    pipeline: str | None = None
    failure_class: str | None = None  # without a state: of dead letters
    found_from: datetime | None = None
    found_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that somebody seeks: what the values of a column must be."""

    column: str
    holds: Callable[[ColumnElement[Any]], ColumnElement[bool]]
    is_range: bool = True  # of the column's index

    def of(self, source: FromClause) -> ColumnElement[bool]:
        """Give the condition on these rows."""
        return self.holds(source.c[self.column])


def read_amount(text: str) -> Decimal | None:
    """Give an amount that somebody typed; None for what is none."""
    plain = text.replace(" ", "").replace("\N{NO-BREAK SPACE}", "").replace("\N{NARROW NO-BREAK SPACE}", "")
    if not plain.isascii() or not plain.removeprefix("-").replace(".", "", 1).isdigit():
        return None
    return Decimal(plain)


def meanings(connection: Connection, sought: Sought) -> tuple[Text, ...]:
    """Give what `anything` may mean."""
    text = sought.anything
    if text is None:
        return ()
    any_of = Sought(
        number=text,
        number_end=text,
        party=text,
        amount=read_amount(text),
        document_id=text,
        receipt_id=text,
    )
    return named_texts(connection, any_of)


def named_texts(connection: Connection, sought: Sought) -> tuple[Text, ...]:
    """Give the texts that are sought in one place each."""
    makes: Mapping[str, Callable[[Any], Text]] = {
        "number": lambda text: Text(column="number_key", holds=_begins(search_key(text))),
        "number_end": lambda text: Text(column="number_end_key", holds=_begins(end_key(text))),
        "amount": lambda amount: Text(column="amount_key", holds=_is(amount_key(amount))),
        "document_id": lambda text: Text(column="document_id", holds=_is(text)),
        "receipt_id": lambda text: Text(column="receipt_key", holds=_is(search_key(text))),
        "party": lambda text: _party(connection, search_key(text)),
    }
    values = ((make, getattr(sought, name)) for name, make in makes.items())
    return tuple(make(value) for make, value in values if value is not None)


def order_conditions(sought: Sought, source: FromClause) -> Iterator[ColumnElement[bool]]:
    """Give the conditions that indexes are ordered behind: for each choice of them there is one."""
    columns = source.c
    if sought.pipeline is not None:
        yield columns.pipeline == sought.pipeline
    if is_of_dead(sought):
        yield columns.state == bindparam("dead", State.DEAD.value, literal_execute=True)
        yield columns.failure_class == sought.failure_class
    elif sought.state is not None:
        yield columns.state == sought.state.value
    if sought.found_from is not None:
        yield columns.found_at >= sought.found_from
    if sought.found_before is not None:
        yield columns.found_at < sought.found_before


def is_of_dead(sought: Sought) -> bool:
    """Tell whether dead letters of one class are meant, which have an index of their own."""
    return sought.failure_class is not None and sought.state in {None, State.DEAD}


def _party(connection: Connection, key: str | None) -> Text:
    names = parties_like(connection, key or "", _PARTIES)
    if names is not None:
        return Text(column="party_key", holds=lambda column: column.in_(names))
    begins = _begins(key)

    def holds(column: ColumnElement[Any]) -> ColumnElement[bool]:
        return or_(begins(column), column.contains(f" {key}", autoescape=True))

    return Text(column="party_key", holds=holds, is_range=False)


def _begins(key: str | None) -> Callable[[ColumnElement[Any]], ColumnElement[bool]]:
    return lambda column: and_(column >= (key or ""), column <= (key or "") + LAST)


def _is(key: str | None) -> Callable[[ColumnElement[Any]], ColumnElement[bool]]:
    return lambda column: column == key
