"""Composite graphs: many small sets of records in one request, each kept whole or not at all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.sandbox.journal import Effect
from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addresses import Target, target_of
from connector.sandbox.salesforce.placeholders import depth_of, resolved
from connector.sandbox.salesforce.records import Answer, RecordAddress, Records
from connector.sandbox.salesforce.store import Store

MOST_NODES = 500
MOST_GRAPHS = 75
MOST_DEPTH = 15
MOST_NODE_KINDS = 15
MOST_FAILURES = 14

HALTED = "The transaction was rolled back since another operation in the same transaction failed."

_GRAPH_ID = re.compile(r"[A-Za-z0-9][^.]{0,38}")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One request of a graph. `body` may hold `@{other.id}` anywhere."""

    method: str
    url: str
    reference_id: str
    body: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes that are kept together."""

    graph_id: str
    nodes: tuple[Node, ...]


class _NodeFailedError(Exception):
    def __init__(self, node: Node, refusal: errors.ApiError) -> None:
        self.node = node
        self.refusal = refusal
        super().__init__(node.reference_id)


def read_graphs(body: object) -> tuple[Graph, ...]:
    """Read a request's body and hold it against the limits; nothing is written when one is broken.

    Raises: ApiError 400.
    """
    graphs = tuple(_read_graph(item) for item in _list(body, "graphs"))
    nodes = [node for graph in graphs for node in graph.nodes]
    _refuse_beyond("graphs", len(graphs), MOST_GRAPHS)
    _refuse_beyond("nodes", len(nodes), MOST_NODES)
    _refuse_beyond("different nodes", len({_kind(node) for node in nodes}), MOST_NODE_KINDS)
    for graph in graphs:
        urls_and_bodies = {node.reference_id: [node.url, node.body] for node in graph.nodes}
        _refuse_beyond("levels of depth", depth_of(urls_and_bodies), MOST_DEPTH)
    _refuse_repeated("graphId", [graph.graph_id for graph in graphs])
    return graphs


def run_graphs(
    graphs: Sequence[Graph], *, records: Records, store: Store, versions: range
) -> tuple[dict[str, Any], list[Effect]]:
    """Run graph after graph; give the answer's body and the effects of those that were kept.

    After more than 14 failures the graphs that remain are not tried.
    """
    answers: list[dict[str, Any]] = []
    effects: list[Effect] = []
    failures = 0
    for graph in graphs:
        if failures > MOST_FAILURES:
            answers.append(_failed(graph, {}))
            continue
        try:
            with store.transaction() as transaction:
                answers.append(_run(graph, records, versions))
            effects += transaction.effects
        except _NodeFailedError as error:
            failures += 1
            answers.append(_failed(graph, {error.node.reference_id: error.refusal}))
    return {"graphs": answers}, effects


def _run(graph: Graph, records: Records, versions: range) -> dict[str, Any]:
    bodies: dict[str, Any] = {}
    answers: list[dict[str, Any]] = []
    for node in graph.nodes:
        try:
            answer = _run_node(node, bodies, records, versions)
        except errors.ApiError as refusal:
            raise _NodeFailedError(node, refusal) from refusal
        bodies[node.reference_id] = answer.body
        headers = {"Location": answer.location} if answer.location else {}
        answers.append(_node_answer(node, answer.status, answer.body, headers))
    return _graph_answer(graph, answers, is_successful=True)


def _run_node(node: Node, bodies: Mapping[str, Any], records: Records, versions: range) -> Answer:
    target = _node_target(node.method, str(resolved(node.url, bodies)))
    match target:
        case Target(
            operation="create" | "read" | "update" | "upsert" | "delete" as operation,
            address=RecordAddress() as address,
        ):
            target.check_version(versions)
            return records.answer(operation, address, resolved(node.body, bodies))
    raise _invalid(f"The {node.method} method with the URL {node.url} is not supported in a composite graph")


def _failed(graph: Graph, refusals: Mapping[str, errors.ApiError]) -> dict[str, Any]:
    """Answer for a graph of which nothing is kept: the culprit in its own words, the others as casualties."""
    halted = errors.refusal(400, "PROCESSING_HALTED", HALTED)
    answers = [
        _node_answer(node, refusal.status, refusal.body, {})
        for node in graph.nodes
        for refusal in [refusals.get(node.reference_id, halted)]
    ]
    return _graph_answer(graph, answers, is_successful=False)


def _graph_answer(graph: Graph, answers: list[dict[str, Any]], *, is_successful: bool) -> dict[str, Any]:
    return {
        "graphId": graph.graph_id,
        "graphResponse": {"compositeResponse": answers},
        "isSuccessful": is_successful,
    }


def _node_answer(node: Node, status: int, body: object, headers: Mapping[str, str]) -> dict[str, Any]:
    return {"body": body, "httpHeaders": headers, "httpStatusCode": status, "referenceId": node.reference_id}


def _read_graph(item: object) -> Graph:
    nodes = tuple(_read_node(node) for node in _list(item, "compositeRequest"))
    graph_id = _text(item, "graphId")
    if not _GRAPH_ID.fullmatch(graph_id):
        rule = "must begin with a letter or digit, hold no period and have fewer than 40 characters"
        raise _invalid(f"graphId '{graph_id}' {rule}")
    _refuse_repeated("referenceId", [node.reference_id for node in nodes])
    return Graph(graph_id=graph_id, nodes=nodes)


def _read_node(item: object) -> Node:
    reference_id = _text(item, "referenceId")
    if not _REFERENCE_ID.fullmatch(reference_id):
        message = (
            f"Provided referenceId ('{reference_id}') must start with a letter or a number, "
            "and it can contain only letters, numbers and underscores ('_')."
        )
        raise _invalid(message)
    body = item.get("body") if isinstance(item, dict) else None
    return Node(method=_text(item, "method"), url=_text(item, "url"), reference_id=reference_id, body=body)


def _node_target(method: str, url: str) -> Target:
    path, _, query = url.partition("?")
    return target_of(method, path, query)


def _kind(node: Node) -> tuple[str, str, str]:
    """Nodes differ in kind by API version, method and object."""
    address = _node_target(node.method, node.url).address
    if address is None:
        return "", node.method, node.url
    return address.version, node.method, address.object_name.lower()


def _list(item: object, name: str) -> list[Any]:
    found = item.get(name) if isinstance(item, dict) else None
    if not isinstance(found, list) or not found:
        raise _invalid(f"'{name}' must be a list that is not empty")
    return found


def _text(item: object, name: str) -> str:
    found = item.get(name) if isinstance(item, dict) else None
    if not isinstance(found, str) or not found:
        raise _invalid(f"'{name}' is required")
    return found


def _refuse_repeated(what: str, names: Sequence[str]) -> None:
    if len(set(names)) < len(names):
        raise _invalid(f"Each {what} must be unique")


def _refuse_beyond(what: str, count: int, most: int) -> None:
    if count > most:
        message = f"The composite graph request has {count} {what}; the limit is {most}"
        raise errors.refusal(400, "LIMIT_EXCEEDED", message)


def _invalid(message: str) -> errors.ApiError:
    return errors.refusal(400, "INVALID_INPUT", message)
