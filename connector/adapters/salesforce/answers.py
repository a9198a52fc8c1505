"""What became of each graph of a call. Pure. A graph call is answered 200 whatever happened inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from msgspec import Struct

from connector.adapters.salesforce.faults import COLLATERAL, Fault, read_faults
from connector.adapters.salesforce.graph import Graph
from connector.adapters.salesforce.packing import graph_id
from connector.adapters.salesforce.plan import HEADER


class Committed(Struct, frozen=True, kw_only=True, gc=False):
    """Header and lines are in Salesforce."""

    header_id: str
    created: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Rolled back because of these nodes; nothing of the graph is in Salesforce."""

    faults: Mapping[str, Fault]  # by reference id
    places: Mapping[str, str]  # reference id -> what a person calls it


@dataclass(frozen=True, slots=True)
class NotTried:
    """Salesforce gives up a call after 14 failed graphs: this one is not to blame, and nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unclear:
    """The answer does not tell; it may be in Salesforce or not."""

    reason: str


GraphResult: TypeAlias = Committed | Refused | NotTried | Unclear


def read_results(body: object, graphs: Sequence[Graph]) -> tuple[GraphResult, ...]:
    """Give one result per graph sent, in order, from the answer to their call."""
    entries = body.get("graphs") if isinstance(body, Mapping) else None
    by_id = {
        entry["graphId"]: entry
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, Mapping) and isinstance(entry.get("graphId"), str)
    }
    return tuple(_result(by_id.get(graph_id(index)), graph) for index, graph in enumerate(graphs))


def _result(entry: Mapping[str, object] | None, graph: Graph) -> GraphResult:
    if entry is None:
        return Unclear(reason="the answer leaves it out")
    nodes = _nodes(entry)
    faults = {reference: fault for reference, node in nodes.items() if (fault := _fault(node)) is not None}
    if entry.get("isSuccessful") is True:
        return _committed(nodes, faults, graph)
    if entry.get("isSuccessful") is not False or not faults:
        return Unclear(reason="the answer says neither yes nor no")
    culprits = {reference: fault for reference, fault in faults.items() if fault.code not in COLLATERAL}
    return Refused(faults=culprits, places=graph.places) if culprits else NotTried()


def _nodes(entry: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    response = entry.get("graphResponse")
    nodes = response.get("compositeResponse") if isinstance(response, Mapping) else None
    return {
        str(node.get("referenceId")): node
        for node in (nodes if isinstance(nodes, list) else [])
        if isinstance(node, dict)
    }


def _fault(node: Mapping[str, object]) -> Fault | None:
    status = node.get("httpStatusCode")
    if not isinstance(status, int):
        return None
    return read_faults(status, node.get("body"))[0] if status >= 300 else None  # noqa: PLR2004 not a success


def _committed(
    nodes: Mapping[str, Mapping[str, object]], faults: Mapping[str, Fault], graph: Graph
) -> Committed | Unclear:
    # "Successful" is believed only if every node of ours is in the answer and none contradicts it.
    if faults or not graph.places.keys() <= nodes.keys():
        return Unclear(reason="the answer calls it successful but not all of its parts are")
    if graph.adopted is not None:
        return Committed(header_id=graph.adopted, created=False)  # an update by id is answered without a body
    body = nodes[HEADER].get("body")
    header_id = body.get("id") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(header_id, str) or not header_id:
        return Unclear(reason="the answer names no id")
    created = body.get("created")
    return Committed(header_id=header_id, created=created if isinstance(created, bool) else None)
