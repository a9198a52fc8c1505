"""What is sent to Docflo, as values: queries, field values and array operations. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Literal, TypeAlias
from urllib.parse import quote

_TO_NEXT_DAY = timedelta(days=1) - timedelta.resolution

WriteScalar: TypeAlias = str | bool | int | Decimal | date | datetime | None
WriteValue: TypeAlias = "WriteScalar | Mapping[str, WriteValue] | Sequence[WriteValue | RowChange]"
"""A plain value, not a `{type, value}` object. Currency: `{"amount": Decimal, "currencyCode": str}`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentQuery:
    """The fourteen parameters of "Get Documents". What is None is left out.

    `created_from` and `created_to` are aware; whether Docflo includes the ends is not documented.
    """

    type: str | None = None
    skip: int | None = None
    top: int | None = None  # None: the client's page size
    source: str | None = None
    search: str | None = None
    status: str | None = None
    sort_by: str | None = None
    sort_order: Literal["asc", "desc"] | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    favorite: bool = False
    my_approvals: bool = False
    approver_id: str | None = None
    include_results: bool = False

    def page(self, skip: int) -> "DocumentQuery":
        """Give the same query from row `skip` on."""
        return replace(self, skip=skip)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """The parameters of "Get Logs". `metadata` is sent as one JSON text: its form is not documented."""

    type: str | None = None
    area: str | None = None
    sub_area: str | None = None
    message: str | None = None
    metadata: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelField:
    """A field of a document type, for "Update Model Fields"."""

    type: str
    visible: bool | None = None
    extraction_method: str | None = None
    extraction_settings: Mapping[str, object] | None = None
    fields: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRow:
    """Add a row. Not idempotent: sent twice, it adds two."""

    fields: Mapping[str, WriteValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRow:
    """Change the row with this `_id`."""

    id: str
    fields: Mapping[str, WriteValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRow:
    """Remove the row with this `_id`."""

    id: str


RowChange: TypeAlias = CreateRow | UpdateRow | DeleteRow


def path_segment(identifier: str) -> str:
    """Percent-encode an id or type for a path.

    Raises: ValueError for what no path can carry: nothing, `.` and `..`.
    """
    if identifier in {"", ".", ".."}:
        message = f"{identifier!r} cannot be a Docflo id or type"
        raise ValueError(message)
    return quote(identifier, safe="")


def document_parameters(query: DocumentQuery, *, page_size: int, as_dates: bool) -> dict[str, str]:
    """Give the query string of "Get Documents". `as_dates`: creation times as days."""
    values = {
        "type": query.type,
        "skip": None if query.skip is None else str(query.skip),
        "top": str(page_size if query.top is None else query.top),
        "source": query.source,
        "search": query.search,
        "status": query.status,
        "sortBy": query.sort_by,
        "sortOrder": query.sort_order,
        "createdFrom": _instant(query.created_from, as_dates=as_dates),
        # A day may mean its first instant: the day after loses nothing.
        "createdTo": _instant(
            query.created_to + _TO_NEXT_DAY if as_dates and query.created_to else query.created_to,
            as_dates=as_dates,
        ),
        "favorite": "true" if query.favorite else None,
        "myApprovals": "true" if query.my_approvals else None,
        "approverId": query.approver_id,
        "includeResults": "true" if query.include_results else None,
    }
    return _present(values)


def log_parameters(query: LogQuery) -> dict[str, str]:
    """Give the query string of "Get Logs"."""
    return _present(
        {
            "type": query.type,
            "area": query.area,
            "subArea": query.sub_area,
            "message": query.message,
            "metadata": query.metadata,
        }
    )


def model_field_body(change: ModelField) -> dict[str, object]:
    """Give the body of "Update Model Fields"."""
    values: dict[str, object] = {
        "type": change.type,
        "visible": change.visible,
        "extractionMethod": change.extraction_method,
        "extractionSettings": change.extraction_settings,
        "fields": None if change.fields is None else list(change.fields),
    }
    return {name: value for name, value in values.items() if value is not None}


def field_values(fields: Mapping[str, WriteValue]) -> dict[str, object]:
    """Give the `fields` of "Update Document Fields": plain values and array operations."""
    return {name: _write(value) for name, value in fields.items()}


def creates_rows(fields: Mapping[str, WriteValue]) -> bool:
    """Tell whether a repeat would add rows twice."""
    return any(_creates(value) for value in fields.values())


def _creates(value: object) -> bool:
    match value:
        case str() | None:
            return False
        case CreateRow():
            return True
        case UpdateRow(fields=inner) | (Mapping() as inner):
            return creates_rows(inner)
        case Sequence():
            return any(_creates(row) for row in value)
        case _:
            return False


def _write(value: "WriteValue | RowChange") -> object:
    match value:
        case Decimal() if not value.is_finite():
            message = f"{value} is not a number that JSON has"
            raise ValueError(message)
        case str() | bool() | int() | Decimal() | None:
            return value
        case datetime():
            return _instant(value, as_dates=False)
        case date():
            return value.isoformat()
        case Mapping():
            return {name: _write(inner) for name, inner in value.items()}
        case CreateRow(fields=fields):
            return {"operation": "create", **field_values(fields)}
        case UpdateRow(id=identifier, fields=fields):
            return {**_operation("update", identifier), **field_values(fields)}
        case DeleteRow(id=identifier):
            return _operation("delete", identifier)
        case _:
            if isinstance(value, float):  # the types forbid it; what came from elsewhere must not slip in
                message = "a float cannot be written: numbers are int or Decimal"
                raise TypeError(message)
            return [_write(row) for row in value]


def _operation(name: str, row_id: str) -> dict[str, object]:
    if not row_id:
        message = f"a row to {name} needs its _id"
        raise ValueError(message)
    return {"operation": name, "_id": row_id}


def _instant(value: datetime | None, *, as_dates: bool) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        message = f"{value} has no time zone"
        raise ValueError(message)
    in_utc = value.astimezone(UTC)
    return (
        in_utc.date().isoformat()
        if as_dates
        else in_utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{in_utc.microsecond // 1000:03d}Z"
    )


def _present(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}
