"""Docflo's other answers, as values: types, searches, the assistant, logs, tokens. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from connector.docflo.envelope import CREATED, find_list, first_text, identity, read_instant, unwrap
from connector.docflo.fields import read_number
from connector.docflo.jsontext import is_html, read_json, shape
from connector.errors import UnexpectedResponseError

NAMES = ("name", "type", "id", "key", "model_id", "modelId", "_id")
KNOWN_TYPES = frozenset(
    (
        *("invoice", "receipt", "contract", "payStub", "unclassified", "carLicense", "idDocument", "check"),
        *("bankStatement", "creditCard", "incoInvoice4", "purchaseOrder", "financialReportIL"),
        *("bankStatement.us", "freightInvoice", "creditCardStatement", "goodsReceipt", "deliveryInvoice"),
    )
)
"""Source: Docflo API, "Document Types". Tenants have others: this only tells a type's id from its title."""
TOKENS = ("token", "access_token", "accessToken", "guestToken")
ANSWERS = ("answer", "response", "result", "text", "message", "content", "data")
_SCHEMAS = ("fields", "schema", "properties")


@dataclass(frozen=True, slots=True, kw_only=True)
class EnabledType:
    """A document type that the tenant uses."""

    name: str
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeField:
    """A field of a document type; `fields` are those of its rows or parts."""

    name: str
    type: str | None
    fields: tuple["TypeField", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeConfiguration:
    """A document type and its fields."""

    name: str
    fields: tuple[TypeField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A document that a search found."""

    id: str | None
    score: Decimal | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the assistant said; `raw` is the whole answer."""

    text: str | None
    raw: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One entry of Docflo's log."""

    type: str | None
    area: str | None
    sub_area: str | None
    message: str | None
    at: datetime | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestToken:
    """A token for temporary access; kept out of `repr`."""

    value: str = field(repr=False)


def read_enabled_types(body: bytes) -> tuple[EnabledType, ...]:
    """Read "Get Enabled Document Types": names, objects, or a map by name."""
    value = read_json(body)
    if isinstance(value, Mapping) and not _has_list(value):
        value = unwrap(value)
        if isinstance(value, Mapping) and not _has_list(value):
            return _types_of_map(value)
    found = [_enabled_type(row) for row in find_list(value, "a list of document types")]
    return tuple(type_ for type_ in found if type_ is not None)


def read_type_configuration(body: bytes, name: str) -> TypeConfiguration:
    """Read "Get Document Type Configuration": its fields as a list or as a map by name."""
    value = unwrap(read_json(body))
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], Mapping) and "fields" in value[0]:
        value = value[0]
    fields = value
    for _ in range(2):  # {schema: {properties: {...}}}
        if isinstance(fields, Mapping):
            fields = next((fields[key] for key in _SCHEMAS if _is_schema(fields.get(key))), fields)
    if isinstance(fields, list) or (isinstance(fields, Mapping) and fields is not value):
        return TypeConfiguration(name=name, fields=_type_fields(fields))
    message = f"expected the fields of `{name}`, but Docflo answered with {shape(value)}"
    raise UnexpectedResponseError(message)


def read_search(body: bytes) -> tuple[SearchHit, ...]:
    """Read "AI Document Search"."""
    rows = find_list(read_json(body), "a list of documents")
    return tuple(_hit(row) for row in rows if isinstance(row, Mapping))


def read_answer(body: bytes) -> Answer:
    """Read "AI Assistant": text, or an object that holds it under a likely name."""
    if body.strip() and not is_html(body) and not body.lstrip().startswith((b"{", b"[", b'"')):
        text = body.decode(errors="replace").strip()
        return Answer(text=text, raw=text)
    value = read_json(body)
    if isinstance(value, str):
        return Answer(text=value, raw=value)
    levels = (value, unwrap(value))
    texts = (first_text(level, ANSWERS) for level in levels if isinstance(level, Mapping))
    return Answer(text=next(filter(None, texts), None), raw=value)


def read_logs(body: bytes) -> tuple[LogEntry, ...]:
    """Read "Get Logs"."""
    rows = find_list(read_json(body), "a list of log entries")
    return tuple(_log_entry(row) for row in rows if isinstance(row, Mapping))


def read_guest_token(body: bytes) -> GuestToken:
    """Read "Create Guest Token": JSON under a likely name, or bare text."""
    text = body.strip()
    if text.isascii() and text and not text.startswith((b"{", b"[", b'"', b"<")) and b" " not in text:
        return GuestToken(value=text.decode())
    value = read_json(body)
    if isinstance(value, str) and value:
        return GuestToken(value=value)
    levels = (value, unwrap(value))
    tokens = (first_text(level, TOKENS) for level in levels if isinstance(level, Mapping))
    token = next(filter(None, tokens), None)
    if token is None:
        message = f"expected a token, but Docflo answered with {shape(value)}"
        raise UnexpectedResponseError(message)
    return GuestToken(value=token)


def _has_list(value: Mapping[str, Any]) -> bool:
    try:
        find_list(value, "a list")
    except UnexpectedResponseError:
        return False
    return True


def _types_of_map(value: Mapping[str, Any]) -> tuple[EnabledType, ...]:
    # {"invoice": {...}, "receipt": true}: what is switched off is left out.
    is_map = bool(value) and all(isinstance(inner, Mapping | bool) for inner in value.values())
    if not is_map or "error" in value:
        message = f"expected a list of document types, but Docflo answered with {shape(value)}"
        raise UnexpectedResponseError(message)
    return tuple(
        EnabledType(
            name=str(name),
            title=first_text(inner, ("title", "label")) if isinstance(inner, Mapping) else None,
        )
        for name, inner in value.items()
        if _is_enabled(inner)
    )


def _enabled_type(row: object) -> EnabledType | None:
    if isinstance(row, str):
        return EnabledType(name=row)
    if not isinstance(row, Mapping) or not _is_enabled(row):
        return None
    told = [row[key] for key in NAMES if isinstance(row.get(key), str) and row[key]]
    if not told:
        return None
    # Of {name: "Invoice", type: "invoice"} and {name: "invoice", type: "prebuilt"}, the known one is meant.
    name = next((text for text in told if text in KNOWN_TYPES), told[0])
    return EnabledType(name=name, title=first_text(row, ("title", "label", "displayName", "name")))


def _is_enabled(told: object) -> bool:
    return told is not False and not (isinstance(told, Mapping) and told.get("enabled") is False)


def _is_schema(value: object) -> bool:
    return isinstance(value, list | Mapping)


def _type_fields(raw: Sequence[Any] | Mapping[str, Any]) -> tuple[TypeField, ...]:
    if isinstance(raw, Mapping):
        return tuple(_type_field(str(name), inner) for name, inner in raw.items())
    named = ((row if isinstance(row, str) else _field_name(row), row) for row in raw)
    return tuple(_type_field(name, row) for name, row in named if name)


def _field_name(row: object) -> str | None:
    return first_text(row, ("name", "key", "field", "id")) if isinstance(row, Mapping) else None


def _type_field(name: str, raw: object) -> TypeField:
    if not isinstance(raw, Mapping):
        return TypeField(name=name, type=raw if isinstance(raw, str) and raw != name else None)
    nested = next(
        (raw[key] for key in ("fields", "properties", "items") if isinstance(raw.get(key), list | Mapping)),
        (),
    )
    if isinstance(nested, Mapping):
        nested = next((nested[key] for key in ("fields", "properties") if key in nested), nested)
    inner = _type_fields(nested) if isinstance(nested, list | Mapping) else ()
    return TypeField(name=name, type=first_text(raw, ("type", "dataType", "kind")), fields=inner)


def _hit(row: Mapping[str, Any]) -> SearchHit:
    number = next((read_number(row[key]) for key in ("score", "similarity", "_score") if key in row), None)
    inner = unwrap(row)
    nested = (*(row[key] for key in ("document", "payload", "metadata") if key in row), inner)
    ids = (identity(level) for level in nested if isinstance(level, Mapping))
    return SearchHit(
        # A hit may have an id of its own; the document's is the one that says so.
        id=first_text(row, ("documentId",)) or next(filter(None, ids), None),
        score=None if number is None else Decimal(number),
        raw=row,
    )


def _log_entry(row: Mapping[str, Any]) -> LogEntry:
    times = (read_instant(row.get(key)) for key in ("timestamp", "time", "date", *CREATED))
    return LogEntry(
        type=first_text(row, ("type", "level", "severity")),
        area=first_text(row, ("area",)),
        sub_area=first_text(row, ("subArea", "sub_area")),
        message=first_text(row, ("message", "msg", "text")),
        at=next(filter(None, times), None),
        raw=row,
    )
