"""Docflo's answers about documents, as values. No I/O.

No successful answer is documented, so every plausible envelope is read and the rest is refused by an
`UnexpectedResponseError` that names keys and types, never values. No list is an error, never "no documents".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector.docflo.fields import is_field_map, read_fields
from connector.docflo.jsontext import read_json, shape, write_json
from connector.document import Document, Field
from connector.errors import UnexpectedResponseError

LISTS = ("documents", "data", "items", "results", "value", "docs", "rows", "content", "logs", "types")
TOTALS = ("total", "totalCount", "totalDocuments", "@odata.count", "count")
IDS = ("_id", "id", "documentId")
CREATED = ("createdOn", "createdAt", "created", "creationDate")
TYPES = ("type", "documentType", "modelId", "model_id")
NAMES = ("name", "fileName", "filename", "originalName")
FIELDS = ("fields", "results", "result", "data", "analysis")
WRAPPERS = ("data", "document", "result")

_MILLISECONDS = 10**11


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """One page of a listing, in the server's order, which is not to be trusted."""

    documents: tuple[Document, ...]
    total: int | None  # as the server said; may be the size of the page


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentInfo:
    """What "Get Document Information" told."""

    id: str | None
    status: str | None
    created_on: datetime | None
    raw: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """The documents that an upload became: several when a file is split, none when Docflo did not say."""

    ids: tuple[str, ...]


def read_document(body: bytes) -> Document:
    """Read one document: an answer of "Get Document by ID", or a stored `Document.raw`."""
    return document_from(unwrap_document(read_json(body)))


def read_page(body: bytes) -> DocumentPage:
    """Read a page of "Get Documents"."""
    value = read_json(body)
    rows = find_list(value, "a list of documents")
    documents = tuple(document_from(_object(row)) for row in rows)
    return DocumentPage(documents=documents, total=_find_total(value))


def read_info(body: bytes) -> DocumentInfo:
    """Read an answer of "Get Document Information"."""
    raw = unwrap_document(read_json(body))
    return DocumentInfo(
        id=identity(raw), status=first_text(raw, ("status",)), created_on=_created(raw), raw=raw
    )


def read_upload(body: bytes) -> Uploaded:
    """Read an answer of "Create Document": one id, several, or none. An empty answer tells no id."""
    if not body.strip():
        return Uploaded(ids=())
    value = read_json(body)
    found = value if isinstance(value, list) else [value]
    if isinstance(value, Mapping):
        found = next((value[key] for key in LISTS if isinstance(value.get(key), list)), [unwrap(value)])
    ids = (
        row if isinstance(row, str) else identity(row) if isinstance(row, Mapping) else None for row in found
    )
    return Uploaded(ids=tuple(identifier for identifier in ids if identifier))


def read_analysis(body: bytes) -> Mapping[str, Field]:
    """Read an answer of "Analyze Document": fields, of a document that has no id."""
    raw = _object(unwrap(read_json(body)))
    found = _find_fields(raw)
    if found is None:
        message = f"expected the fields of an analysis, but Docflo answered with {shape(raw)}"
        raise UnexpectedResponseError(message)
    return found


def document_from(raw: Mapping[str, Any]) -> Document:
    """Read a document from its JSON object; `raw` keeps it digit for digit."""
    identifier = identity(raw)
    if identifier is None:
        message = f"a document has no id ({', '.join(IDS)}): Docflo answered with {shape(raw)}"
        raise UnexpectedResponseError(message)
    found = _find_fields(raw)
    return Document(
        id=identifier,
        type=first_text(raw, TYPES),
        status=first_text(raw, ("status",)),
        created_on=_created(raw),
        name=first_text(raw, NAMES),
        fields=found or {},
        has_fields=found is not None,
        raw=write_json(raw),
    )


def find_list(value: object, wanted: str) -> Sequence[Any]:
    """Find the list in an answer: bare, under a known key, or one level further down.

    Raises: UnexpectedResponseError naming the keys seen.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, Mapping):
        for candidate in (value, *(value[key] for key in LISTS if isinstance(value.get(key), Mapping))):
            for key in LISTS:
                if isinstance(candidate.get(key), list):
                    found: list[Any] = candidate[key]
                    return found
    message = f"expected {wanted}, but Docflo answered with {shape(value)}"
    raise UnexpectedResponseError(message, remedy="is docflo.base_url the address of the API?")


def unwrap(value: object) -> object:
    """Take `{data|document|result: {...}}` off, where the outer object has no id of its own."""
    if not isinstance(value, Mapping) or identity(value) is not None:
        return value
    inner = next((value[key] for key in WRAPPERS if isinstance(value.get(key), Mapping)), None)
    return value if inner is None else inner


def unwrap_document(value: object) -> Mapping[str, Any]:
    """Find the one document of an answer; a list of exactly one is accepted."""
    unwrapped = unwrap(value)
    if isinstance(unwrapped, list) and len(unwrapped) == 1:
        unwrapped = unwrapped[0]
    return _object(unwrapped)


def identity(raw: Mapping[str, Any]) -> str | None:
    """Give the id, opaque: text, a number, or MongoDB's `{"$oid": ...}`."""
    for key in IDS:
        value = raw.get(key)
        if isinstance(value, Mapping):
            value = value.get("$oid")
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)
    return None


def first_text(raw: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    """Give the first of these keys that holds text."""
    return next((raw[key] for key in keys if isinstance(raw.get(key), str) and raw[key]), None)


def _object(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return value
    message = f"expected a document, but Docflo answered with {shape(value)}"
    raise UnexpectedResponseError(message, remedy="is docflo.base_url the address of the API?")


def _find_total(value: object) -> int | None:
    if not isinstance(value, Mapping):
        return None
    levels = (value, *(inner for inner in value.values() if isinstance(inner, Mapping)))
    totals = (level.get(key) for level in levels for key in TOTALS)
    return next((total for total in totals if isinstance(total, int) and not isinstance(total, bool)), None)


def _find_fields(raw: Mapping[str, Any]) -> Mapping[str, Field] | None:
    """Find the extracted fields; None when the answer leaves them out."""
    for holder in _holders(raw):
        if is_field_map(holder):
            return read_fields(holder)
    # Bare values are accepted only under the one name that can mean nothing else.
    bare = raw.get("fields")
    if isinstance(bare, Mapping):
        return read_fields(bare)
    return read_fields(raw) if is_field_map(raw) and identity(raw) is None else None


def _holders(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in FIELDS:
        value = raw.get(key)
        # A list holds one entry a page or part: later parts add what earlier ones have not.
        parts = [part for part in value if isinstance(part, Mapping)] if isinstance(value, list) else [value]
        merged: dict[str, Any] = {}
        for part in parts:
            if isinstance(part, Mapping):
                inner = part.get("fields")
                merged = {**(inner if isinstance(inner, Mapping) else part), **merged}
        if merged:
            yield merged


def _created(raw: Mapping[str, Any]) -> datetime | None:
    return next((found for key in CREATED if (found := read_instant(raw.get(key))) is not None), None)


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
