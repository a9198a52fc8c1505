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

LISTS = (
    *("documents", "data", "items", "results", "value", "docs", "rows", "content"),
    *("logs", "entries", "types", "models", "hits", "matches"),
)
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


def read_asked_document(body: bytes, document_id: str) -> Document:
    """Read the answer of "Get Document by ID". One that does not tell its id is the one that was asked for.

    Raises: UnexpectedResponseError for another document: it must not be delivered under this id.
    """
    raw = unwrap_document(read_json(body))
    told = identities(raw)
    if not told and _find_fields(raw) is not None:
        return document_from({IDS[0]: document_id, **raw})
    if told and document_id not in told:
        message = f"asked for document {document_id}, but Docflo answered with {', '.join(told)}"
        raise UnexpectedResponseError(message)
    return document_from(raw)


def read_page(body: bytes) -> DocumentPage:
    """Read a page of "Get Documents"."""
    value = read_json(body)
    rows = find_list(value, "a list of documents")
    documents = tuple(document_from(_object(unwrap(row))) for row in rows)
    return DocumentPage(documents=documents, total=_find_total(value))


def read_info(body: bytes) -> DocumentInfo:
    """Read an answer of "Get Document Information"."""
    raw = unwrap_document(read_json(body))
    found = DocumentInfo(id=identity(raw), status=_told(raw, ("status",)), created_on=_created(raw), raw=raw)
    if found.id is None and found.status is None:
        message = f"expected information about a document, but Docflo answered with {shape(raw)}"
        raise UnexpectedResponseError(message)
    return found


def read_upload(body: bytes) -> Uploaded:
    """Read an answer of "Create Document": one id, several, or none. An empty answer tells no id."""
    if not body.strip():
        return Uploaded(ids=())
    ids = (row if isinstance(row, str) else _identity_of(unwrap(row)) for row in _uploads(read_json(body)))
    return Uploaded(ids=tuple(identifier for identifier in ids if identifier))


def _uploads(value: object) -> Sequence[Any]:
    unwrapped = unwrap(value)
    if not isinstance(unwrapped, Mapping) or identity(unwrapped) is not None:
        return unwrapped if isinstance(unwrapped, list) else [unwrapped]
    ids = next((unwrapped[key] for key in ("ids", "documentIds") if key in unwrapped), None)
    if isinstance(ids, list):
        return ids
    try:
        return find_list(unwrapped, "the new documents")
    except UnexpectedResponseError:
        return []  # stored, and no word about ids


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
        type=_told(raw, TYPES),
        status=_told(raw, ("status",)),
        created_on=_created(raw),
        name=_told(raw, NAMES),
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
    """Take `{data|document|result: {...}}` off, as often as it is there."""
    while isinstance(value, Mapping):
        outer = value
        inner = next((outer[key] for key in WRAPPERS if _is_wrapper(outer, outer.get(key))), None)
        if inner is None:
            return outer
        value = inner
    return value


def _is_wrapper(outer: Mapping[str, Any], inner: object) -> bool:
    if not isinstance(inner, Mapping) or "fields" in outer:
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
    if isinstance(unwrapped, Mapping) and identity(unwrapped) is None:
        lists = [unwrapped[key] for key in ("data", "documents") if isinstance(unwrapped.get(key), list)]
        if lists and len(lists[0]) == 1:
            unwrapped = unwrap(lists[0][0])
    return _object(unwrapped)


def identity(raw: Mapping[str, Any]) -> str | None:
    """Give the id, opaque: text, a number, or MongoDB's `{"$oid": ...}`."""
    return next(iter(identities(raw)), None)


def identities(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Give every id that the object tells, the best first."""
    values = (raw.get(key) for key in IDS)
    told = (value.get("$oid") if isinstance(value, Mapping) else value for value in values)
    return tuple(
        str(value)
        for value in told
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip()
    )


def _identity_of(value: object) -> str | None:
    return identity(value) if isinstance(value, Mapping) else None


def _told(raw: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    info = raw.get("info")  # the endpoint that changes the status is called so
    return first_text(raw, keys) or (first_text(info, keys) if isinstance(info, Mapping) else None)


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
    for holder in (raw, *(raw[key] for key in FIELDS if isinstance(raw.get(key), Mapping))):
        if isinstance(holder.get("fields"), Mapping):
            return read_fields(holder["fields"])
    return read_fields(raw) if is_field_map(raw) and identity(raw) is None else None


def _holders(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in FIELDS:
        value = raw.get(key)
        entries = value if isinstance(value, list) else [value]
        parts = [part for part in entries if isinstance(part, Mapping)]
        if parts and all(_names_field(part) for part in parts):
            yield {str(part.get("name", part.get("key"))): part for part in parts}
        elif parts:
            inner = (part.get("fields") for part in parts)
            yield merge_parts(
                [
                    found if isinstance(found, Mapping) else part
                    for found, part in zip(inner, parts, strict=True)
                ]
            )


def _names_field(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry of a list is a field that carries its own name."""
    return "value" in entry and isinstance(entry.get("name", entry.get("key")), str)


def merge_parts(parts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Put the parts of one document together, one a page: rows in their order, else what comes first.

    Parts that contradict each other are not pages of one document: then the first alone counts.
    """
    merged: dict[str, Any] = {}
    for part in parts:
        for name, field in part.items():
            known, new = _bare(merged.get(name)), _bare(field)
            if known is None:
                merged[name] = field
            elif isinstance(known, list) and isinstance(new, list):
                merged[name] = {"type": "array", "value": [*known, *new]}
            elif new is not None and new != known:
                return parts[0]
    return merged


def _bare(field: object) -> object:
    return field.get("value", field.get("values")) if isinstance(field, Mapping) else field


def _created(raw: Mapping[str, Any]) -> datetime | None:
    info = raw.get("info")
    levels = (raw, info) if isinstance(info, Mapping) else (raw,)
    found = (read_instant(level.get(key)) for level in levels for key in CREATED)
    return next((instant for instant in found if instant is not None), None)


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
