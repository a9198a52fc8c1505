"""What the ledger keeps of a listed document: its fingerprint, its headline, its text. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from hashlib import sha256
from typing import Any

import msgspec

from connector.document import ROW_ID, Document, Field, FieldValue, PlainValue, Row, plain
from connector.ledger.delivery import Found, Headline
from connector.pipeline.definition import Pipeline

_EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)  # rounds nothing, whatever its size
_IN_ORDER = msgspec.json.Encoder(decimal_format="number", order="sorted")


def found(document: Document, pipeline: Pipeline) -> Found:
    """Give a document as the ledger takes it."""
    return Found(
        document_id=document.id,
        document_type=document.type,
        digest=digest(document, ignoring=pipeline.own_fields, watching=pipeline.mapping.watches),
        snapshot=document.raw,
        created_on=document.created_on,
        headline=headline(document),
    )


def digest(document: Document, *, ignoring: frozenset[str], watching: frozenset[str] = frozenset()) -> str:
    """Give the fingerprint of what the document says, without the fields that this connector writes.

    Confidences, the order of keys and trailing zeros do not count: they change without anybody's edit. Of
    fields in `watching` it counts that a person edited them, also to the same value: a gate waits for that.
    """
    own = {name.casefold() for name in ignoring}
    content: dict[str, Any] = {}
    confirmed: list[str] = []
    for name, field in document.fields.items():
        folded = name.casefold()
        if folded not in own:
            content[name] = _said(field.value)
        if folded in watching:
            confirmed += _edited(field, name)
    said = (document.type, content, sorted(confirmed))
    return sha256(_IN_ORDER.encode(said)).hexdigest()


def _edited(value: Field | Row | FieldValue | PlainValue, place: str) -> Iterator[str]:
    """Give where in a field a person edited something. Rows by their ids: they may move."""
    match value:
        case Field():
            if value.changed_on is not None:
                yield place
            yield from _edited(value.value, place)
        case Row():
            for name in sorted(value.fields):
                yield from _edited(value.fields[name], f"{place}.{value.id}.{name}")
        case Mapping():
            for name in sorted(value):
                yield from _edited(value[name], f"{place}.{name}")
        case tuple():
            for entry in value:
                yield from _edited(entry, place)


def _said(value: Any) -> Any:  # noqa: ANN401 a value of a document, then one of JSON
    """Give a value without types and confidences, and numbers without the zeros that do not count."""
    kind = type(value)
    if kind is Field:
        value = value.value
        kind = type(value)
    if kind is str or value is None or kind is bool:
        return value
    if kind is Decimal:
        return _EXACT.normalize(value) or 0  # there is a -0 too
    if kind is int:
        return _said(Decimal(value))
    if kind is tuple:
        return [_said(entry) for entry in value]
    if kind is Row:
        fields = {name: _said(field.value) for name, field in value.fields.items()}
        return fields if value.id is None else {ROW_ID: value.id, **fields}
    return {name: _said(part) for name, part in value.items()}


# The names of Docflo's default models; a tenant with other names sees blanks in lists, nothing more.
NUMBER_FIELDS = ("InvoiceId", "PurchaseOrder", "ReceiptNumber", "DocumentNumber")
_PARTY = ("VendorName", "MerchantName", "CustomerName")
AMOUNT_FIELDS = ("InvoiceTotal", "OrderTotal", "Total", "AmountDue")
DATE_FIELDS = ("InvoiceDate", "OrderDate", "TransactionDate", "Date")


def headline(document: Document) -> Headline:
    """Give what a person recognises the document by, where the usual fields are there."""
    fields = document.fields
    amount, currency = _money(_first(fields, AMOUNT_FIELDS))
    return Headline(
        number=_text(_first(fields, NUMBER_FIELDS)),
        party=_text(_first(fields, _PARTY)),
        amount=amount,
        currency=currency,
        date=_day(_first(fields, DATE_FIELDS)),
    )


def _first(fields: Mapping[str, Field], names: tuple[str, ...]) -> PlainValue:
    found = (plain(fields[name]) for name in names if name in fields)
    return next((value for value in found if value is not None), None)


def _text(value: PlainValue) -> str | None:
    return str(value)[:255] if isinstance(value, str | int | Decimal) else None


def _money(value: PlainValue) -> tuple[Decimal | None, str | None]:
    match value:
        case {"amount": int() | Decimal() as amount, **rest} if not isinstance(amount, bool):
            code = rest.get("currencyCode")
            return Decimal(amount), code[:10] if isinstance(code, str) else None
        case _:
            return None, None


def _day(value: PlainValue) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
