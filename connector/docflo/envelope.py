"""What Docflo wraps its answers in: lists, single objects, ids and times. No I/O.

None of it is documented, so every plausible form is read, and the rest is refused by an
`UnexpectedResponseError` that names keys and types, never values.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connector.docflo.jsontext import shape
from connector.errors import UnexpectedResponseError

LISTS = (
    *("documents", "data", "items", "results", "value", "docs", "rows", "content"),
    *("logs", "entries", "types", "models", "hits", "matches"),
)
TOTALS = ("total", "totalCount", "totalDocuments", "@odata.count", "count")
IDS = ("_id", "id", "documentId")
CREATED = ("createdOn", "createdAt", "created", "creationDate")
TYPES = ("type", "documentType", "modelId", "model_id")
WRAPPERS = ("data", "document", "result")
_MILLISECONDS = 10**11


def find_list(value: object, wanted: str) -> Sequence[Any]:
    """Find the list in an answer: bare, under a known key, or one level further down.

    Raises: UnexpectedResponseError naming the keys seen.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        for candidate in (value, *(value[key] for key in LISTS if isinstance(value.get(key), dict))):
            for key in LISTS:
                if isinstance(candidate.get(key), list):
                    found: list[Any] = candidate[key]
                    return found
    message = f"expected {wanted}, but Docflo answered with {shape(value)}"
    raise UnexpectedResponseError(message, remedy="is docflo.base_url the address of the API?")


def unwrap(value: object) -> object:
    """Take `{data|document|result: {...}}` off, as often as it is there."""
    while isinstance(value, dict):
        outer = value
        inner = next((outer[key] for key in WRAPPERS if _is_wrapper(outer, outer.get(key))), None)
        if inner is None:
            return outer
        value = inner
    return value


def _is_wrapper(outer: Mapping[str, Any], inner: object) -> bool:
    if not isinstance(inner, dict) or "fields" in outer:
        return False
    if identity(outer) is None:
        return True
    # MongoDB gives an `_id` to parts of a document too: an outer object that is a document stays one.
    is_document = any(key in outer for key in ("status", *TYPES, *CREATED))
    return not is_document and identity(inner) is not None


def unwrap_document(value: object) -> Mapping[str, Any]:
    """Find the one document of an answer; a list of exactly one is accepted."""
    unwrapped = unwrap(value)
    if isinstance(unwrapped, list) and len(unwrapped) == 1:
        unwrapped = unwrap(unwrapped[0])
    if isinstance(unwrapped, dict) and identity(unwrapped) is None:
        lists = [unwrapped[key] for key in ("data", "documents") if isinstance(unwrapped.get(key), list)]
        if lists and len(lists[0]) == 1:
            unwrapped = unwrap(lists[0][0])
    return as_object(unwrapped)


def identity(raw: Mapping[str, Any]) -> str | None:
    """Give the id, opaque: text, a number, or MongoDB's `{"$oid": ...}`."""
    for key in IDS:
        told = _identifier(raw.get(key))
        if told is not None:
            return told
    return None


def identities(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Give every id that the object tells, the best first."""
    found = (_identifier(raw.get(key)) for key in IDS)
    return tuple(told for told in found if told is not None)


def _identifier(value: object) -> str | None:
    if isinstance(value, dict):
        value = value.get("$oid")
    is_one = isinstance(value, str) or type(value) is int
    return str(value) if is_one and str(value).strip() else None


def first_text(raw: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """Give the first of these keys that holds text."""
    for key in keys:
        value = raw.get(key)
        if isinstance(value, str) and value:
            return value
    return None


def as_object(value: object) -> Mapping[str, Any]:
    """Give the object.

    Raises: UnexpectedResponseError naming what came instead.
    """
    if isinstance(value, dict):
        return value
    message = f"expected a document, but Docflo answered with {shape(value)}"
    raise UnexpectedResponseError(message, remedy="is docflo.base_url the address of the API?")


def find_total(value: object) -> int | None:
    """Find what a listing says of its total; it may be the size of the page."""
    if not isinstance(value, dict):
        return None
    levels = (value, *(inner for inner in value.values() if isinstance(inner, dict)))
    totals = (level.get(key) for level in levels for key in TOTALS)
    return next((total for total in totals if isinstance(total, int) and not isinstance(total, bool)), None)


def read_instant(value: object) -> datetime | None:
    """Read a time: ISO 8601 or an epoch; without a zone it is taken as UTC. None for anything else."""
    match value:
        case {"$date": inner}:
            return read_instant(inner)
        case bool() | None:
            return None
        case int():
            return _from_epoch(value)
        case str():
            return _from_text(value)
        case _:
            return None


def _from_epoch(value: int) -> datetime | None:
    try:
        return datetime.fromtimestamp(value / 1000 if value > _MILLISECONDS else value, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _from_text(value: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value.strip())
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
