"""Graphs to calls: as few as the limits of Salesforce and the present pace allow. Pure but for the pace."""

import threading
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from connector.adapters.salesforce.graph import MOST_KINDS, MOST_NODES, Graph, NodeKind
from connector.adapters.salesforce.json_text import encode

_MOST_GRAPHS = 75
_MOST_BYTES = 4_000_000  # our own cap on packing; one record that is larger travels alone
_FEWEST_NODES = 25
_MANY_FAILURES = 5  # of one call; beyond 14 Salesforce would stop trying


class Pace:
    """How many nodes a call carries now: halved when an org has trouble with them, and growing back.

    Safe between threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nodes = MOST_NODES

    @property
    def nodes(self) -> int:
        """Give how many nodes the next call may carry; one graph that is larger travels alone."""
        return self._nodes

    def went_well(self) -> None:
        """Let the next calls be larger again by a quarter."""
        with self._lock:
            self._nodes = min(MOST_NODES, self._nodes + self._nodes // 4)

    def failed(self, failures: int) -> None:
        """Note how many graphs of a call failed."""
        if failures > _MANY_FAILURES:
            self.slow_down()

    def slow_down(self) -> None:
        """Let the next calls be half as large."""
        with self._lock:
            self._nodes = max(_FEWEST_NODES, self._nodes // 2)


def pack(graphs: Iterable[Graph], most_nodes: int = MOST_NODES) -> Iterator[tuple[Graph, ...]]:
    """Share graphs out over as few calls as their limits allow, in order."""
    call: list[Graph] = []
    nodes = size = 0
    kinds: frozenset[NodeKind] = frozenset()
    for graph in graphs:
        nodes += len(graph.places)
        size += len(graph.nodes)
        kinds |= graph.kinds
        fits = (
            len(call) < _MOST_GRAPHS
            and nodes <= most_nodes
            and size <= _MOST_BYTES
            and len(kinds) <= MOST_KINDS
        )
        if call and not fits:
            yield tuple(call)
            call, nodes, size, kinds = [], len(graph.places), len(graph.nodes), graph.kinds
        call.append(graph)
    if call:
        yield tuple(call)


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
