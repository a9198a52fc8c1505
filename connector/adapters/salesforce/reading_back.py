"""Headers as Salesforce has them now, for a comparison with the documents. Reads only."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal

from connector.adapters.base import HeldObject, ReadBack
from connector.adapters.salesforce.soql import Question, Read, Row, select, select_begun, text_in

_SINCE = "CreatedDate"


def read_back(
    read: Read, version: str, wanted: ReadBack, *, keys: Sequence[str], numbers: Sequence[str]
) -> list[HeldObject]:
    """Give the objects with one of the keys or numbers, each once."""
    found = {each.id: each for each in _held(select(read, version, _question(wanted), keys), wanted)}
    if wanted.number is not None and numbers:
        rows = select(read, version, _question(wanted, where=wanted.number), numbers)
        found |= {each.id: each for each in _held(rows, wanted)}
    return list(found.values())


def read_back_since(
    read: Read, version: str, wanted: ReadBack, *, prefix: str, since: datetime
) -> list[HeldObject]:
    """Give the objects that came since then, with a key that begins so."""
    found = _held(select_begun(read, version, _question(wanted), prefix, since), wanted)
    # LIKE knows no case, our keys do.
    return [each for each in found if each.key is not None and each.key.startswith(prefix)]


def _question(wanted: ReadBack, *, where: str | None = None) -> Question:
    named = (wanted.number, wanted.amount, wanted.currency, wanted.date)
    fields = ("Id", wanted.key_field, _SINCE, *(name for name in named if name is not None))
    # A field that is named twice, in whatever case, makes Salesforce refuse the query.
    once = {name.lower(): name for name in reversed(fields)}
    return Question(
        object=wanted.object, fields=tuple(reversed(once.values())), where=where or wanted.key_field
    )


def _held(rows: Iterator[Row], wanted: ReadBack) -> Iterator[HeldObject]:
    for row in rows:
        amount = _value(row, wanted.amount)
        is_number = isinstance(amount, Decimal | int) and not isinstance(amount, bool)
        yield HeldObject(
            id=text_in(row, "Id"),
            key=_text(row, wanted.key_field),
            number=_text(row, wanted.number),
            amount=Decimal(str(amount)) if is_number else None,
            currency=_text(row, wanted.currency),
            date=_day(_text(row, wanted.date)),
            created_at=_moment(_text(row, _SINCE)),
        )


def _value(row: Row, name: str | None) -> object:
    return None if name is None else row.get(name.lower())


def _text(row: Row, name: str | None) -> str | None:
    value = _value(row, name)
    return None if value is None or value == "" else str(value)


def _day(text: str | None) -> date | None:
    try:
        return None if text is None else date.fromisoformat(text[:10])
    except ValueError:
        return None


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        return None
