"""Records to composite graph requests. Pure: what can be refused without asking Salesforce is refused here.

One graph per record: header and lines are upserted by external id in one transaction. Not here: removal
of stale lines, and records that are larger than a graph.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeAlias
from urllib.parse import quote

import msgspec

from connector.adapters.salesforce.describe import ObjectShape, number_problem
from connector.adapters.salesforce.json_text import encode, number
from connector.errors import RejectedError
from connector.record import Line, Record, RecordValue

Shapes: TypeAlias = Mapping[str, ObjectShape | None]
"""Described objects by the name that the record uses; None for one that Salesforce does not show us."""

LineKey: TypeAlias = tuple[str, str]
"""An object and a key in it, the key folded as Salesforce compares it."""

HEADER = "header"

_MOST_LINES = 499  # a call takes 500 nodes and the header is one
_MOST_NODES = 500
_MOST_GRAPHS = 75
_MOST_KINDS = 15  # of nodes: API version, method and object
_MOST_BYTES = 4_000_000  # our own cap on packing; one record that is larger travels alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One record as a graph that is ready to be sent."""

    position: int  # of the record in the batch
    record: Record
    nodes: bytes  # JSON array
    places: Mapping[str, str]  # reference id -> what a person calls it: "Invoice_Line__c line 2"
    objects: frozenset[str]


def fold(key: str, key_field: str, shape: ObjectShape | None) -> str:
    """Give the key as Salesforce compares it: without case, unless the field says otherwise."""
    field = shape.field(key_field) if shape else None
    return key if field and field.is_case_sensitive else key.lower()


def build_graph(
    record: Record,
    shapes: Shapes,
    *,
    version: str,
    position: int,
    attached: AbstractSet[LineKey] = frozenset(),
) -> Graph:
    """Give the graph of a record. Lines in `attached` are there already and keep their parent unnamed.

    Raises: RejectedError listing everything that Salesforce would refuse or, worse, silently change.
    """
    problems = [*_record_problems(record, shapes)]
    places = {HEADER: record.object}
    nodes = []
    for reference, place, item in _parts(record):
        places[reference] = place
        shape = shapes.get(item.object)
        body, found = _body(item, shape)
        if isinstance(item, Line) and (item.object, fold(item.key, item.key_field, shape)) not in attached:
            body[str(item.parent_field)] = f"@{{{HEADER}.id}}"
        nodes.append({"method": "PATCH", "url": _url(item, version), "referenceId": reference, "body": body})
        problems.extend(f"{place}: {problem}" for problem in (*_key_problems(item.key), *found))
    if problems:
        raise RejectedError(
            f"not sent: {'; '.join(problems)}", remedy="Correct the document or the mapping, then replay."
        )
    return Graph(
        position=position,
        record=record,
        nodes=encode(nodes),
        places=places,
        objects=frozenset(item.object for _, _, item in _parts(record)),
    )


def _parts(record: Record) -> Iterator[tuple[str, str, Record | Line]]:
    yield HEADER, record.object, record
    for index, line in enumerate(record.lines, start=1):
        yield f"line{index}", f"{line.object} line {index}", line


def _url(item: Record | Line, version: str) -> str:
    key = quote(item.key, safe="", errors="replace")
    return f"/services/data/v{version}/sobjects/{item.object}/{item.key_field}/{key}"


def _record_problems(record: Record, shapes: Shapes) -> Iterator[str]:
    if len(record.lines) > _MOST_LINES:
        yield f"{len(record.lines)} lines, and a transaction takes {_MOST_LINES} beside the header"
    if len({record.object, *(line.object for line in record.lines)}) > _MOST_KINDS:
        yield f"more than {_MOST_KINDS} different objects, which one transaction of Salesforce does not take"
    if record.companions:
        yield "companion records, which this adapter does not write"
    seen: dict[LineKey, int] = {}
    for index, line in enumerate(record.lines, start=1):
        if line.lines or line.parent_field is None:
            yield f"{line.object} line {index} has lines of its own or names no `parent`"
        key = (line.object, fold(line.key, line.key_field, shapes.get(line.object)))
        if key in seen:
            yield f"{line.object} lines {seen[key]} and {index} have the same key"
        seen.setdefault(key, index)


def _key_problems(key: str) -> Iterator[str]:
    if key in {"", ".", ".."}:
        # In an address these name a folder: the call would reach something else.
        yield f'the key "{key}" cannot be part of an address'
    if not _is_text(key):
        yield "the key holds half of a character"


def _body(item: Record | Line, shape: ObjectShape | None) -> tuple[dict[str, object], list[str]]:
    body: dict[str, object] = {}
    problems = []
    for name, value in item.fields.items():
        if name.lower() == item.key_field.lower():
            continue  # it is in the address, and Salesforce refuses it in both places
        relationship, dot, field_name = name.partition(".")
        problem = _value_problem(name, value, shape)
        if problem is not None:
            problems.append(f"{name}: {problem}")
        elif not dot:
            body[name] = _wire_value(value)
        elif "." in field_name or relationship in body:
            problems.append(f"{name}: another record is named by exactly one field of it")
        elif value is None:
            body[_field_behind(relationship, shape)] = None
        else:
            body[relationship] = {field_name: _wire_value(value)}
    return body, problems


def _field_behind(relationship: str, shape: ObjectShape | None) -> str:
    """Give the field to clear: a null inside `Vendor__r` names no record, `"Vendor__c": null` clears."""
    field = shape.reference(relationship) if shape else None
    return field.name if field else relationship


def _value_problem(name: str, value: RecordValue, shape: ObjectShape | None) -> str | None:
    match value:
        case Decimal() if not value.is_finite():
            return "is not a number"
        case bool():
            return None
        case Decimal() | int():
            field = shape.field(name) if shape else None
            return number_problem(field, value) if field else None
        case str():
            return _text_problem(value)
        case datetime() if value.tzinfo is None:
            return "is a time without a time zone"
        case _:
            return None


def _text_problem(text: str) -> str | None:
    if "@{" in text:
        return 'holds "@{", which Salesforce would take for a reference to another node and replace'
    return None if _is_text(text) else "holds half of a character"


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _wire_value(value: RecordValue) -> object:
    match value:
        case Decimal():
            return number(value)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
        case date():
            return value.isoformat()
        case _:
            return value


def pack(graphs: Iterable[Graph]) -> Iterator[tuple[Graph, ...]]:
    """Share graphs out over as few calls as their limits allow, in order."""
    call: list[Graph] = []
    for graph in graphs:
        if call and not _fits([*call, graph]):
            yield tuple(call)
            call = []
        call.append(graph)
    if call:
        yield tuple(call)


def _fits(call: Sequence[Graph]) -> bool:
    return (
        len(call) <= _MOST_GRAPHS
        and sum(len(graph.places) for graph in call) <= _MOST_NODES
        and len(frozenset[str]().union(*(graph.objects for graph in call))) <= _MOST_KINDS
        and sum(len(graph.nodes) for graph in call) <= _MOST_BYTES
    )


def graph_id(index: int) -> str:
    """Give the id of a call's graph: by position, since a key may be longer than 39 or hold a period."""
    return f"g{index + 1}"


def call_body(graphs: Sequence[Graph]) -> bytes:
    """Give the body of one call."""
    return encode(
        {
            "graphs": [
                {"graphId": graph_id(index), "compositeRequest": msgspec.Raw(graph.nodes)}
                for index, graph in enumerate(graphs)
            ]
        }
    )
