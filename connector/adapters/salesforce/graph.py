"""A plan as a composite graph: one transaction of nodes that refer to each other. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from connector.adapters.salesforce.json_text import encode
from connector.adapters.salesforce.plan import HEADER, Plan
from connector.errors import RejectedError
from connector.record import Line, Record

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
    lines: Mapping[str, Line]  # by reference id
    adopted: str | None = None  # the id of the record that the header is written into
    kinds: frozenset[NodeKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Node:
    reference: str
    place: str
    method: str
    target: str  # an object
    path: str  # below the object
    body: Mapping[str, object] | None = None


def build_graph(plan: Plan, *, version: str, position: int) -> Graph:
    """Give the graph of a plan.

    Raises: RejectedError for one that no transaction of Salesforce takes.
    """
    nodes = list(_nodes(plan))
    kinds = frozenset((node.method, node.target) for node in nodes)
    if len(nodes) > MOST_NODES or len(kinds) > MOST_KINDS:
        raise RejectedError(
            f"not sent: {len(nodes)} parts of {len(kinds)} kinds, and a transaction takes "
            f"{MOST_NODES} of {MOST_KINDS}",
            remedy="Let the mapping leave lines out, or divide the document.",
        )
    return Graph(
        position=position,
        record=plan.record,
        nodes=encode([_wire_node(node, version) for node in nodes]),
        places={node.reference: node.place for node in nodes},
        lines={write.reference: write.item for write in plan.writes if isinstance(write.item, Line)},
        adopted=plan.adopted,
        kinds=kinds,
    )


def _nodes(plan: Plan) -> Iterator[_Node]:
    for write in plan.writes:
        item = write.item
        body = {**write.body, **{name: _id_of(reference, plan) for name, reference in write.refers.items()}}
        path = f"{item.key_field}/{quote(item.key, safe='', errors='replace')}"
        if plan.adopted is not None and write.reference == HEADER:
            path, body = plan.adopted, {item.key_field: item.key, **body}
        yield _Node(
            reference=write.reference,
            place=write.place,
            method="PATCH",
            target=item.object,
            path=path,
            body=body,
        )
    for index, line in enumerate(plan.removals, start=1):
        name = line.kind.object
        yield _Node(
            reference=f"gone{index}",
            place=f"{name} {line.id}, which is to be removed",
            method="DELETE",
            target=name,
            path=line.id,
        )


def _id_of(reference: str, plan: Plan) -> str:
    # What is there already need not be in the graph to be named.
    return plan.held_ids.get(reference) or f"@{{{reference}.id}}"


def _wire_node(node: _Node, version: str) -> dict[str, object]:
    url = f"/services/data/v{version}/sobjects/{node.target}/{node.path}"
    body = {} if node.body is None else {"body": node.body}
    return {"method": node.method, "url": url, "referenceId": node.reference, **body}
