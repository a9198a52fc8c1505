"""Docflo's answers about documents, as values. No I/O.

No successful answer is documented, so every plausible envelope is read and the rest is refused by an
`UnexpectedResponseError` that names keys and types, never values. No list is an error, never "no documents".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from connector.docflo.envelope import (
    CREATED,
    IDS,
    TYPES,
    as_object,
    find_list,
    find_total,
    first_text,
    identities,
    identity,
    read_instant,
    unwrap,
    unwrap_document,
)
from connector.docflo.fields import is_field_map, read_fields
from connector.docflo.jsontext import read_again, read_json, read_outline, shape, write_json
from connector.document import Document, Field
from connector.errors import UnexpectedResponseError

NAMES = ("name", "fileName", "filename", "originalName")
PART_MARKS = frozenset({"page", "pageNumber", "pageIndex", "index", "part", "confidence"})
FIELDS = ("fields", "results", "result", "data", "analysis")


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableRow:
    """A row of a listing that is no document as we know one. Never its contents."""

    mark: str  # the same row has the same mark
    reason: str  # keys and types
    type: str | None
    status: str | None
    created_on: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """One page of a listing, in the server's order, which is not to be trusted."""

    documents: tuple[Document, ...]
    total: int | None  # as the server said; may be the size of the page
    unreadable: tuple[tuple[int, UnreadableRow], ...] = ()  # each with its place among all rows, from 0

    @property
    def rows(self) -> tuple[Document | UnreadableRow, ...]:
        """Give every row in the server's order: `skip` counts those that cannot be read too."""
        rows: list[Document | UnreadableRow] = list(self.documents)
        for place, row in self.unreadable:
            rows.insert(place, row)
        return tuple(rows)


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
    """Read one document: an answer of "Get Document by ID", or a file that holds one."""
    whole = read_json(body)
    return _document(unwrap_document(whole), whole, body)


def read_stored(raw: bytes) -> Document:
    """Read a stored `Document.raw` again."""
    document = as_object(read_again(raw))
    return _document(document, document, raw)


def read_asked_document(body: bytes, document_id: str) -> Document:
    """Read the answer of "Get Document by ID". One that does not tell its id is the one that was asked for.

    Raises: UnexpectedResponseError for another document: it must not be delivered under this id.
    """
    whole = read_json(body)
    raw = unwrap_document(whole)
    told = identities(raw)
    if not told and _find_fields(raw) is not None:
        raw = {IDS[0]: document_id, **raw}
    if told and document_id not in told:
        message = f"asked for document {document_id}, but Docflo answered with {', '.join(told)}"
        raise UnexpectedResponseError(message)
    return _document(raw, whole, body)


def read_page(body: bytes) -> DocumentPage:
    """Read a page of "Get Documents". A row that cannot be read hides no other.

    Raises: UnexpectedResponseError when rows came and none looks like a document: a shape we do not know.
    """
    value = read_outline(body)
    documents: list[Document] = []
    unreadable: list[tuple[int, UnreadableRow]] = []
    for place, row in enumerate(find_list(value, "a list of documents")):
        try:
            documents.append(_row(row))
        except UnexpectedResponseError as error:
            unreadable.append((place, _unreadable(row, error)))
    is_one_document = len(unreadable) == 1 and (unreadable[0][1].status or unreadable[0][1].created_on)
    if unreadable and not documents and not is_one_document:
        raise UnexpectedResponseError(unreadable[0][1].reason)
    return DocumentPage(documents=tuple(documents), total=find_total(value), unreadable=tuple(unreadable))


def _row(row: bytes) -> Document:
    whole = read_json(row)
    return _document(as_object(unwrap(whole)), whole, row)


def _unreadable(row: bytes, error: UnexpectedResponseError) -> UnreadableRow:
    try:
        inner = unwrap(read_json(row))
    except UnexpectedResponseError:
        inner = None
    raw = inner if isinstance(inner, dict) else {}
    return UnreadableRow(
        mark=f"row {sha256(row).hexdigest()[:16]}",
        reason=error.message,
        type=_told(raw, TYPES),
        status=_told(raw, ("status",)),
        created_on=_created(raw),
    )


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
    if not isinstance(unwrapped, dict) or identity(unwrapped) is not None:
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
    raw = as_object(unwrap(read_json(body)))
    found = _find_fields(raw)
    if found is None:
        message = f"expected the fields of an analysis, but Docflo answered with {shape(raw)}"
        raise UnexpectedResponseError(message)
    return found


def _document(raw: Mapping[str, Any], whole: object, body: bytes) -> Document:
    """Read a document. `body` says `whole`; only what is a part of it, or more, is written anew."""
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
        raw=body if raw is whole else write_json(raw),
    )


def _identity_of(value: object) -> str | None:
    return identity(value) if isinstance(value, dict) else None


def _told(raw: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    info = raw.get("info")  # the endpoint that changes the status is called so
    return first_text(raw, keys) or (first_text(info, keys) if isinstance(info, dict) else None)


def _find_fields(raw: Mapping[str, Any]) -> Mapping[str, Field] | None:
    """Find the extracted fields; None when the answer leaves them out."""
    for holder in _holders(raw):
        if is_field_map(holder):
            return read_fields(holder)
    # Bare values are accepted only under the one name that can mean nothing else.
    for holder in (raw, *(raw[key] for key in FIELDS if isinstance(raw.get(key), dict))):
        if isinstance(holder.get("fields"), dict):
            return read_fields(holder["fields"])
    return read_fields(raw) if is_field_map(raw) and identity(raw) is None else None


def _holders(raw: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in FIELDS:
        value = raw.get(key)
        entries = value if isinstance(value, list) else [value]
        parts = [part for part in entries if isinstance(part, dict)]
        if parts and all(_names_field(part) for part in parts):
            yield {str(part.get("name", part.get("key"))): part for part in parts}
        elif parts:
            inner = (part.get("fields") for part in parts)
            yield merge_parts(
                [found if isinstance(found, dict) else part for found, part in zip(inner, parts, strict=True)]
            )


def _names_field(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry of a list is a field that carries its own name."""
    return "value" in entry and isinstance(entry.get("name", entry.get("key")), str)


def merge_parts(parts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Put the parts of one document together, one a page: rows in their order, else what comes first.

    Parts that contradict each other are not pages of one document: then the first alone counts.
    """
    if len(parts) == 1:
        return {name: field for name, field in parts[0].items() if name not in PART_MARKS}
    merged: dict[str, Any] = {}
    for part in parts:
        for name, field in part.items():
            if name in PART_MARKS:
                continue
            known, new = _bare(merged.get(name)), _bare(field)
            if known is None:
                merged[name] = field
            elif isinstance(known, list) and isinstance(new, list):
                merged[name] = {"type": "array", "value": [*known, *new]}
            elif new is not None and new != known:
                return parts[0]
    return merged


def _bare(field: object) -> object:
    return field.get("value", field.get("values")) if isinstance(field, dict) else field


def _created(raw: Mapping[str, Any]) -> datetime | None:
    info = raw.get("info")
    levels = (raw, info) if isinstance(info, dict) else (raw,)
    for level in levels:
        for key in CREATED:
            instant = read_instant(level.get(key))
            if instant is not None:
                return instant
    return None
