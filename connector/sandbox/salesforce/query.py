"""A parsed query against the rows: names looked up, conditions tested, rows sorted and shaped."""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import shown_value
from connector.sandbox.salesforce.files import LINK
from connector.sandbox.salesforce.ids import full_id
from connector.sandbox.salesforce.row_keys import Row
from connector.sandbox.salesforce.schema import NUMBER_TYPES, TEXT_TYPES, Field, ObjectType, Schema
from connector.sandbox.salesforce.soql import Comparison, Every, Order, Query, Some, Value, unescaped
from connector.sandbox.salesforce.store import Store

Test: TypeAlias = Callable[[Row], bool]

SEE_DESCRIBE = "Please reference your WSDL or the describe call for the appropriate names."
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
LITERAL_OF_TYPE = {
    **dict.fromkeys(NUMBER_TYPES, "number"),
    "date": "date",
    "datetime": "datetime",
    "boolean": "boolean",
}

_LIKE_PART = re.compile(r"\\[%_]|[%_]|\\.|[^\\%_]+", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A field that a path leads to, over the references before it."""

    references: tuple[tuple[Field, ObjectType], ...]
    field: Field


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a query gives: how many in all, and the records, shaped. A count has no records."""

    total: int
    records: tuple[dict[str, Any], ...]


class Queries:
    """Runs queries over what one user can see."""

    def __init__(self, *, schema: Schema, store: Store, root: str) -> None:
        self._schema = schema
        self._store = store
        self._root = root  # "/services/data/v66.0/sobjects"

    def run(self, query: Query) -> Found:
        """Give the rows a query asks for.

        Raises: ApiError 400 INVALID_TYPE, INVALID_FIELD, MALFORMED_QUERY.
        """
        found = self._object(query.object_name)
        columns = [self._column(found, path) for path in query.paths]
        _refuse_repeated(query.paths)
        if found.name == LINK:
            _require_single_ids(query.where)
        test = self._test(found, query.where)
        rows = [row for row in self._store.rows(found) if test(row)]
        for order in reversed(query.order):
            rows = self._sorted(found, rows, order)
        rows = rows[: query.limit]
        records = tuple(self._record(found, row, columns) for row in rows) if columns else ()
        return Found(total=len(rows), records=records)

    def _object(self, name: str) -> ObjectType:
        found = self._schema.find(name)
        if found is None:
            message = (
                f"sObject type '{name}' is not supported. If you are attempting to use a custom object, "
                f"be sure to append the '__c' after the entity name. {SEE_DESCRIBE}"
            )
            raise errors.refusal(400, "INVALID_TYPE", message)
        return found

    def _column(self, found: ObjectType, path: str) -> Column:
        *relationships, name = path.split(".")
        references: list[tuple[Field, ObjectType]] = []
        for relationship in relationships:
            reference = found.relationship(relationship)
            target = self._schema.find(reference.reference_to) if reference else None
            if reference is None or target is None:
                message = (
                    f"Didn't understand relationship '{relationship}' in field path. "
                    "If you are attempting to use a custom relationship, be sure to append the '__r' "
                    f"after the custom relationship name. {SEE_DESCRIBE}"
                )
                raise errors.invalid_field(message)
            references.append((reference, target))
            found = target
        field = found.field(name)
        if field is None:
            message = (
                f"No such column '{name}' on entity '{found.name}'. If you are attempting to use a custom "
                f"field, be sure to append the '__c' after the custom field name. {SEE_DESCRIBE}"
            )
            raise errors.invalid_field(message)
        return Column(references=tuple(references), field=field)

    def _end(self, row: Row | None, column: Column) -> Row | None:
        for reference, target in column.references:
            record_id = row[reference.name] if row is not None else None
            row = self._store.get(target, record_id) if record_id is not None else None
        return row

    def _value(self, row: Row, column: Column) -> Any:  # noqa: ANN401 a field's value has the field's type
        end = self._end(row, column)
        return None if end is None else end[column.field.name]

    def _test(self, found: ObjectType, condition: Comparison | Every | Some | None) -> Test:
        match condition:
            case None:
                return lambda _: True
            case Every(parts=parts):
                tests = [self._test(found, part) for part in parts]
                return lambda row: all(test(row) for test in tests)
            case Some(parts=parts):
                tests = [self._test(found, part) for part in parts]
                return lambda row: any(test(row) for test in tests)
        column = self._column(found, condition.path)
        holds = _comparison(column.field, condition)
        return lambda row: holds(self._value(row, column))

    def _sorted(self, found: ObjectType, rows: list[Row], order: Order) -> list[Row]:
        column = self._column(found, order.path)
        if column.field.is_long_text:
            raise errors.malformed_query(f"field '{order.path}' can not be sorted in a query call")
        pairs = [(self._value(row, column), row) for row in rows]
        empty = [row for value, row in pairs if value is None]
        filled = [(_comparable(value), row) for value, row in pairs if value is not None]
        filled.sort(key=lambda pair: pair[0], reverse=order.descending)
        ordered = [row for _, row in filled]
        return ordered + empty if order.nulls_last else empty + ordered

    def _record(self, found: ObjectType, row: Row, columns: Iterable[Column]) -> dict[str, Any]:
        record = self._shell(found, row)
        for column in columns:
            part: dict[str, Any] | None = record
            end: Row | None = row
            for reference, target in column.references:
                end = self._end(end, Column(references=((reference, target),), field=reference))
                shell = None if end is None else self._shell(target, end)
                part = None if part is None else part.setdefault(reference.relationship_name, shell)
            if part is not None and end is not None:
                part[column.field.name] = shown_value(column.field, end, part["attributes"]["url"])
        return record

    def _shell(self, found: ObjectType, row: Row) -> dict[str, Any]:
        return {"attributes": {"type": found.name, "url": f"{self._root}/{found.name}/{row['Id']}"}}


def _require_single_ids(where: Comparison | Every | Some | None) -> None:
    parts = where.parts if isinstance(where, Every) else (where,)
    for part in parts:
        if (
            isinstance(part, Comparison)
            and part.path.lower() in ("contentdocumentid", "linkedentityid", "id")
            and part.operator in ("=", "IN")
        ):
            return
    message = (
        f"Implementation restriction: {LINK} requires a filter by a single Id on ContentDocumentId or "
        "LinkedEntityId using the equals operator or multiple Id's using the IN operator."
    )
    raise errors.malformed_query(message)


def _comparison(field: Field, condition: Comparison) -> Callable[[Any], bool]:
    """Give the test of one field's value. Text is compared without regard to case, as the field says."""
    if field.is_long_text:
        raise errors.invalid_field(f"field '{condition.path}' can not be filtered in a query call")
    if condition.operator == "LIKE":
        return _like(field, condition)
    wanted = [_literal(field, value) for value in condition.values]
    match condition.operator:
        case "=" | "IN":
            return lambda value: _folded(field, value) in wanted
        case "!=" | "NOT IN":
            return lambda value: _folded(field, value) not in wanted
    compare = ORDERINGS[condition.operator]
    return lambda value: (
        value is not None and wanted[0] is not None and compare(_folded(field, value), wanted[0])
    )


def _like(field: Field, condition: Comparison) -> Callable[[Any], bool]:
    if field.type not in (*TEXT_TYPES, "picklist"):
        message = f"invalid operator on {field.type} field"
        raise errors.refusal(400, "INVALID_QUERY_FILTER_OPERATOR", message)
    value = condition.values[0]
    _refuse_literal(field, value)
    pattern = re.compile(
        "".join(_like_part(part) for part in _LIKE_PART.findall(value.raw)), re.IGNORECASE | re.DOTALL
    )
    return lambda text: text is not None and pattern.fullmatch(text) is not None


def _like_part(part: str) -> str:
    match part:
        case "%":
            return ".*"
        case "_":
            return "."
    return re.escape(unescaped(part))


def _literal(field: Field, value: Value) -> Any:  # noqa: ANN401 a field's value has the field's type
    _refuse_literal(field, value)
    if value.kind == "string" and field.type in ("id", "reference"):
        record_id = full_id(value.value)
        if record_id is None and value.value:
            message = f"invalid ID field: {value.value}"
            raise errors.refusal(400, "INVALID_QUERY_FILTER_OPERATOR", message)
        return record_id
    return _folded(field, value.value if value.value != "" else None)


def _refuse_literal(field: Field, value: Value) -> None:
    """Refuse a literal of the wrong kind for the field; null suits every field."""
    wanted = LITERAL_OF_TYPE.get(field.type, "string")
    if value.kind in ("null", wanted):
        return
    quotes = "should be enclosed in quotes" if wanted == "string" else "should not be enclosed in quotes"
    kind = {"datetime": "dateTime"}.get(field.type, field.type if wanted != "string" else "string")
    message = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
    raise errors.invalid_field(message)


def _folded(field: Field, value: object) -> object:
    if field.type == "datetime" and isinstance(value, str):
        return datetime.fromisoformat(value)
    if field.type in (*TEXT_TYPES, "picklist") and isinstance(value, str) and not field.case_sensitive:
        return value.lower()
    return value


def _comparable(value: Any) -> Any:  # noqa: ANN401 a field's value has the field's type
    return value.lower() if isinstance(value, str) else value


def _refuse_repeated(paths: tuple[str, ...]) -> None:
    seen: set[str] = set()
    for path in paths:
        if path.lower() in seen:
            raise errors.malformed_query(f"duplicate field selected: {path}")
        seen.add(path.lower())
