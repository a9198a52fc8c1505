"""Composite graphs: many small sets of records in one request, each kept whole or not at all."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import Answer
from connector.sandbox.salesforce.addresses import Target, target_of
from connector.sandbox.salesforce.perform import Visit, perform
from connector.sandbox.salesforce.placeholders import depth_of, resolved
from connector.sandbox.salesforce.records import METHODS
from connector.sandbox.salesforce.subrequests import (
    HALTED,
    Node,
    listed,
    node_answer,
    read_node,
    refuse_beyond,
    refuse_repeated,
    text,
)

MOST_NODES = 500
MOST_GRAPHS = 75
MOST_DEPTH = 15
MOST_NODE_KINDS = 15
MOST_FAILURES = 14

_GRAPH_ID = re.compile(r"[A-Za-z0-9][^.]{0,38}")


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
    graphs = tuple(_read_graph(item) for item in listed(body, "graphs"))
    nodes = [node for graph in graphs for node in graph.nodes]
    refuse_beyond("composite graph", "graphs", len(graphs), MOST_GRAPHS)
    refuse_beyond("composite graph", "nodes", len(nodes), MOST_NODES)
    refuse_beyond("composite graph", "different nodes", len({_kind(node) for node in nodes}), MOST_NODE_KINDS)
    for graph in graphs:
        urls_and_bodies = {node.reference_id: [node.url, node.body] for node in graph.nodes}
        refuse_beyond("composite graph", "levels of depth", depth_of(urls_and_bodies), MOST_DEPTH)
    refuse_repeated("graphId", [graph.graph_id for graph in graphs])
    return graphs


async def run_graphs(visit: Visit, body: object) -> dict[str, Any]:
    """Run graph after graph, each in a transaction of its own; give the answer's body.

    After more than 14 failures the graphs that remain are not tried.
    """
    answers: list[dict[str, Any]] = []
    failures = 0
    for graph in read_graphs(body):
        if failures > MOST_FAILURES:
            answers.append(_failed(graph, {}))
            continue
        try:
            answers.append(await visit.org.keep(lambda graph=graph: _run(visit, graph)))  # type: ignore[misc]  # bound
        except _NodeFailedError as error:
            failures += 1
            answers.append(_failed(graph, {error.node.reference_id: error.refusal}))
    return {"graphs": answers}


def _run(visit: Visit, graph: Graph) -> dict[str, Any]:
    bodies: dict[str, Any] = {}
    answers: list[dict[str, Any]] = []
    for node in graph.nodes:
        try:
            answer = _run_node(visit, node, bodies)
        except errors.ApiError as refusal:
            raise _NodeFailedError(node, refusal) from refusal
        bodies[node.reference_id] = answer.body
        headers = {"Location": answer.location} if answer.location else {}
        answers.append(node_answer(node, answer.status, answer.body, headers))
    return _graph_answer(graph, answers, is_successful=True)


def _run_node(visit: Visit, node: Node, bodies: Mapping[str, Any]) -> Answer:
    target = _node_target(node.method, str(resolved(node.url, bodies)))
    if target.operation not in METHODS:
        message = f"The {node.method} method with the URL {node.url} is not supported in a composite graph"
        raise errors.invalid_input(message)
    target.check_version(visit.org.versions)
    # Headers of a node are no longer documented for graphs: they change nothing here.
    return perform(visit, target, resolved(node.body, bodies), {})


def _failed(graph: Graph, refusals: Mapping[str, errors.ApiError]) -> dict[str, Any]:
    """Answer for a graph of which nothing is kept: the culprit in its own words, the others as casualties."""
    halted = errors.refusal(400, "PROCESSING_HALTED", HALTED)
    answers = [
        node_answer(node, refusal.status, refusal.body, {})
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


def _read_graph(item: object) -> Graph:
    nodes = tuple(read_node(node) for node in listed(item, "compositeRequest"))
    graph_id = text(item, "graphId")
    if not _GRAPH_ID.fullmatch(graph_id):
        rule = "must begin with a letter or digit, hold no period and have fewer than 40 characters"
        raise errors.invalid_input(f"graphId '{graph_id}' {rule}")
    refuse_repeated("referenceId", [node.reference_id for node in nodes])
    return Graph(graph_id=graph_id, nodes=nodes)


def _node_target(method: str, url: str) -> Target:
    path, _, query = url.partition("?")
    return target_of(method, path, query)


def _kind(node: Node) -> tuple[str, str, str]:
    """Nodes differ in kind by API version, method and object."""
    address = _node_target(node.method, node.url).address
    if address is None:
        return "", node.method, node.url
    return address.version, node.method, address.object_name.lower()
