"""A record to a composite graph. Pure: what can be refused without asking Salesforce is refused here.

One graph per record, one transaction: the header and its lines are upserted by external id, and our lines
that the record no longer has are deleted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from connector.adapters.salesforce.held import Held, HeldLine
from connector.adapters.salesforce.json_text import encode
from connector.adapters.salesforce.keys import LineKey, Shapes, line_key
from connector.adapters.salesforce.rules import EmptyLines, GraphRules
from connector.adapters.salesforce.values import holds_already, is_text, upsert_body
from connector.errors import RejectedError
from connector.record import Line, Record

HEADER = "header"
MOST_NODES = 500  # a call takes, of all its graphs together
MOST_KINDS = 15  # of nodes in a call: API version, method and object

NodeKind = tuple[str, str]
"""A method and an object."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Graph:
    """One record as a graph that is ready to be sent."""

    position: int  # of the record in the batch
    record: Record
    nodes: bytes  # JSON array
    places: Mapping[str, str]  # reference id -> what a person calls it: "Invoice_Line__c line 2"
    kinds: frozenset[NodeKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    place: str
    method: str
    target: str  # an object
    path: str  # below the object
    body: Mapping[str, object] | None = None


def build_graph(record: Record, shapes: Shapes, rules: GraphRules, *, position: int, held: Held) -> Graph:
    """Give the graph that brings Salesforce from what it has to what the record says.

    Lines that Salesforce has as they are do not travel: what is not written locks nothing.
    Raises: RejectedError listing everything that Salesforce would refuse or, worse, silently change.
    """
    problems = [*_record_problems(record, shapes), *_held_problems(record, held, rules)]
    nodes: dict[str, _Node] = {}
    for reference, place, item in _parts(record):
        shape = shapes.get(item.object)
        body, found = upsert_body(item.fields, item.key_field, shape)
        problems.extend(f"{place}: {problem}" for problem in (*_key_problems(item.key), *found))
        if isinstance(item, Line):
            there = held.lines.get(line_key(item, shapes))
            if there is not None and holds_already(there.values, item.fields):
                continue
            # Where a parent is fixed it may be named on insert only, and it is named by the insert.
            if there is None:
                body[str(item.parent_field)] = f"@{{{HEADER}.id}}"
        elif rules.revision_field is not None and record.revision is not None:
            body[rules.revision_field] = record.revision
        key = quote(item.key, safe="", errors="replace")
        nodes[reference] = _Node(
            place=place, method="PATCH", target=item.object, path=f"{item.key_field}/{key}", body=body
        )
    for index, line in enumerate(_stale(record, shapes, held, rules), start=1):
        name = line.kind.object
        nodes[f"gone{index}"] = _Node(
            place=f"{name} {line.id}, which is to be removed", method="DELETE", target=name, path=line.id
        )
    if len(nodes) > MOST_NODES:
        problems.append(f"{len(nodes)} parts, and a transaction takes {MOST_NODES}")
    if problems:
        raise RejectedError(
            f"not sent: {'; '.join(problems)}", remedy="Correct the document or the mapping, then replay."
        )
    return Graph(
        position=position,
        record=record,
        nodes=encode([_wire_node(reference, node, rules.version) for reference, node in nodes.items()]),
        places={reference: node.place for reference, node in nodes.items()},
        kinds=frozenset((node.method, node.target) for node in nodes.values()),
    )


def _parts(record: Record) -> Iterator[tuple[str, str, Record | Line]]:
    yield HEADER, record.object, record
    for index, line in enumerate(record.lines, start=1):
        yield f"line{index}", f"{line.object} line {index}", line


def _wire_node(reference: str, node: _Node, version: str) -> dict[str, object]:
    url = f"/services/data/v{version}/sobjects/{node.target}/{node.path}"
    body = {} if node.body is None else {"body": node.body}
    return {"method": node.method, "url": url, "referenceId": reference, **body}


def _stale(record: Record, shapes: Shapes, held: Held, rules: GraphRules) -> list[HeldLine]:
    """Give our lines that the record no longer has."""
    wanted = {line_key(line, shapes) for line in record.lines}
    emptied = _emptied(record, held) if rules.empty_lines is not EmptyLines.REMOVE else frozenset()
    return [line for key, line in held.lines.items() if key not in wanted and line.kind.object not in emptied]


def _emptied(record: Record, held: Held) -> frozenset[str]:
    """Give the objects of which Salesforce has lines and the record has none left."""
    return frozenset(line.kind.object for line in held.lines.values()) - {
        line.object for line in record.lines
    }


def _held_problems(record: Record, held: Held, rules: GraphRules) -> Iterator[str]:
    if rules.empty_lines is EmptyLines.REFUSE:
        for name in sorted(_emptied(record, held)):
            count = sum(1 for line in held.lines.values() if line.kind.object == name)
            yield (
                f"the document has no {name} any more and Salesforce has {count} of it; if that is right, "
                "delete them there, or set empty_lines to remove or keep"
            )
    if held.revision is not None and record.revision is not None and held.revision > record.revision:
        yield (
            f"{record.object} was made of revision {held.revision} of the document and this is revision "
            f"{record.revision}; if it is right all the same, clear {rules.revision_field} there"
        )


def _record_problems(record: Record, shapes: Shapes) -> Iterator[str]:
    if len({record.object, *(line.object for line in record.lines)}) > MOST_KINDS:
        yield f"more than {MOST_KINDS} different objects, which one transaction of Salesforce does not take"
    if record.companions:
        yield "companion records, which this adapter does not write"
    seen: dict[LineKey, int] = {}
    for index, line in enumerate(record.lines, start=1):
        if line.lines or line.parent_field is None:
            yield f"{line.object} line {index} has lines of its own or names no `parent`"
        key = line_key(line, shapes)
        if key in seen:
            yield f"{line.object} lines {seen[key]} and {index} have the same key"
        seen.setdefault(key, index)


def _key_problems(key: str) -> Iterator[str]:
    if key in {"", ".", ".."}:
        # In an address these name a folder: the call would reach something else.
        yield f'the key "{key}" cannot be part of an address'
    if not is_text(key):
        yield "the key holds half of a character"
