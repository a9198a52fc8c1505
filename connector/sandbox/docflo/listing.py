"""The fourteen parameters of the listing: reading them, and choosing and ordering documents by them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

from connector.sandbox.docflo.document import SOURCES, STATUSES, SandboxDocument, texts, timestamp
from connector.sandbox.docflo.errors import ApiError, bad_parameter
from connector.sandbox.docflo.schema import DOCUMENT_TYPES

DEFAULT_TOP = 10
ME = "64b0c0ffee0000000000a001"
"""The approver behind every API key of the sandbox."""

Envelope: TypeAlias = Literal["documents", "data", "items", "results", "value", "bare", "nested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a caller wants to see; None is "any"."""

    type: str | None
    source: str | None
    search: str | None
    status: str | None
    created_from: datetime | None
    created_to: datetime | None
    favorite: bool | None
    my_approvals: bool | None
    approver_id: str | None
    sort_by: str
    sort_order: str
    skip: int
    top: int
    include_results: bool | None


PARAMETERS = (
    "type",
    "skip",
    "top",
    "source",
    "search",
    "status",
    "sortBy",
    "sortOrder",
    "createdFrom",
    "createdTo",
    "favorite",
    "myApprovals",
    "approverId",
    "includeResults",
)


def read_query(given: Mapping[str, str], max_top: int) -> Query:
    """Read the query string.

    Raises: ApiError 400 for a parameter the API page does not have, or a value it would not understand.
    """
    for name in given:
        if name not in PARAMETERS:
            raise bad_parameter(name, f"one of {', '.join(PARAMETERS)}")
    return Query(
        type=document_type(given.get("type")),
        source=_one_of(given, "source", SOURCES),
        search=given.get("search"),
        status=_one_of(given, "status", STATUSES),
        created_from=_moment(given, "createdFrom"),
        created_to=_moment(given, "createdTo"),
        favorite=_truth(given, "favorite"),
        my_approvals=_truth(given, "myApprovals"),
        approver_id=given.get("approverId"),
        sort_by=_one_of(given, "sortBy", tuple(_SORT_KEYS)) or "createdOn",
        sort_order=_one_of(given, "sortOrder", ("asc", "desc")) or "desc",
        skip=_count(given, "skip", default=0, least=0),
        top=min(_count(given, "top", default=DEFAULT_TOP, least=1), max_top),
        include_results=_truth(given, "includeResults"),
    )


def in_whole_days(query: Query) -> Query:
    """Give the query as a server reads it that knows days only: each time is the first instant of its day."""
    return replace(query, created_from=_day(query.created_from), created_to=_day(query.created_to))


def _day(moment: datetime | None) -> datetime | None:
    return (
        None if moment is None else moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    )


def document_type(name: str | None) -> str | None:
    """Give the type back if it is one of the supported ones.

    Raises: ApiError 400, the one of the API page.
    """
    if name is None or name in DOCUMENT_TYPES:
        return name
    supported = f"Supported types: {', '.join(DOCUMENT_TYPES)}"
    raise ApiError(400, "INVALID_DOCUMENT_TYPE", "The specified document type is not supported", supported)


def select(documents: Iterable[SandboxDocument], query: Query, now: datetime) -> list[SandboxDocument]:
    """Give every document that fits, in order; without `sortBy` the newest come first."""
    fitting = [document for document in documents if _fits(document, query, now)]
    key = _SORT_KEYS[query.sort_by]
    return sorted(fitting, key=lambda document: key(document, now), reverse=query.sort_order == "desc")


def page(documents: list[SandboxDocument], query: Query) -> list[SandboxDocument]:
    """Cut one page out of what fits."""
    return documents[query.skip : query.skip + query.top]


def enveloped(rows: list[dict[str, Any]], envelope: Envelope, total: int | None) -> Any:  # noqa: ANN401 any JSON
    """Wrap the rows of a page in one of the shapes that an undocumented answer may have."""
    counted = {} if total is None else {"total": total}
    match envelope:
        case "bare":
            return rows
        case "nested":
            return {"data": {"documents": rows, **counted}}
        case "value":
            return {"value": rows, **({} if total is None else {"@odata.count": total})}
        case _:
            return {envelope: rows, **counted}


_SORT_KEYS: Mapping[str, Callable[[SandboxDocument, datetime], str]] = {
    "createdOn": lambda document, _now: timestamp(document.created_on),
    "changedOn": lambda document, _now: timestamp(document.changed_on or document.created_on),
    "name": lambda document, _now: document.name,
    "type": lambda document, _now: document.type,
    "status": lambda document, now: document.status_at(now),
    "_id": lambda document, _now: document.id,
}


def _fits(document: SandboxDocument, query: Query, now: datetime) -> bool:
    return (
        query.type in (None, document.type)
        and query.source in (None, document.source)
        and query.status in (None, document.status_at(now))
        and query.favorite in (None, document.favorite)
        and (query.created_from is None or document.created_on >= query.created_from)
        and (query.created_to is None or document.created_on <= query.created_to)
        and (query.approver_id is None or query.approver_id in document.approver_ids)
        and (not query.my_approvals or _waits_for_me(document, now))
        and (not query.search or _contains(document, query.search, now))
    )


def _waits_for_me(document: SandboxDocument, now: datetime) -> bool:
    decided = ("APPROVED", "FAILED")
    return ME in document.approver_ids and document.status_at(now) not in decided


def _contains(document: SandboxDocument, search: str, now: datetime) -> bool:
    wanted = search.casefold()
    return any(wanted in text.casefold() for text in (document.name, *texts(document.fields_at(now))))


def _one_of(given: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    text = given.get(name)
    if text is None or text in allowed:
        return text
    raise bad_parameter(name, f"one of {', '.join(allowed)}")


def _truth(given: Mapping[str, str], name: str) -> bool | None:
    text = _one_of(given, name, ("true", "false"))
    return None if text is None else text == "true"


def _count(given: Mapping[str, str], name: str, *, default: int, least: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise bad_parameter(name, f"a whole number from {least}")
    return int(text)


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    # A date is its first instant in UTC, as most servers read one: `createdTo` leaves out what came that day.
    text = given.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise bad_parameter(name, "a date or timestamp, like 2025-01-01 or 2025-01-01T00:00:00Z") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
