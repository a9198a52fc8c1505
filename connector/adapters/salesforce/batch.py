"""The records of one call of `deliver`: what of them is sent, and what became of each."""

from collections.abc import Sequence
from itertools import chain

from connector.adapters.salesforce.graph import MOST_NODES, Graph, build_graph
from connector.adapters.salesforce.held import Held
from connector.adapters.salesforce.keys import Shapes, fold
from connector.adapters.salesforce.plan import Plan, make_plan
from connector.adapters.salesforce.rules import Rules
from connector.adapters.salesforce.second_try import deserves_second_try
from connector.adapters.salesforce.sending import Results
from connector.errors import RejectedError
from connector.record import Record


class Batch:
    """Results are by the position of the record. What is refused before sending has its result at once."""

    def __init__(self, records: Sequence[Record], shapes: Shapes, rules: Rules, version: str) -> None:
        self.records = records
        self.shapes = shapes
        self._rules = rules
        self._version = version
        self._graphs: dict[int, Graph] = {}
        self.large: dict[int, Plan] = {}  # what no transaction takes
        self.results = Results()
        for at in _shared_keys(records, shapes):
            same = f"another record of this batch has the same {records[at].key_field}"
            self.results[at] = RejectedError(f"not sent: {same}")

    @property
    def positions(self) -> list[int]:
        """Give those that have no result yet."""
        return [at for at in range(len(self.records)) if at not in self.results]

    def build(self, positions: Sequence[int], held: Sequence[Held]) -> list[Graph]:
        """Give graphs for these records. Those too large are kept as `large`, refusals are results."""
        graphs = []
        for at, plan in self.plans(positions, held).items():
            if plan.size > MOST_NODES and self._rules.completion_field is not None:
                self.large[at] = plan
                continue
            try:
                graph = build_graph(plan, version=self._version, position=at)
            except RejectedError as error:
                self.results[at] = error
            else:
                self._graphs[at] = graph
                graphs.append(graph)
        return graphs

    def plans(self, positions: Sequence[int], held: Sequence[Held]) -> dict[int, Plan]:
        """Give plans for these records; refusals are results."""
        plans = {}
        for at, known in zip(positions, held, strict=True):
            try:
                plans[at] = make_plan(self.records[at], self.shapes, self._rules, known)
            except RejectedError as error:
                self.results[at] = error
        return plans

    def for_second_try(self) -> list[int]:
        """Give those that may go in when they are built anew from what Salesforce has now."""
        return [
            at
            for at, graph in self._graphs.items()
            if at in self.results and deserves_second_try(graph, self.results[at], self.shapes)
        ]


def _shared_keys(records: Sequence[Record], shapes: Shapes) -> frozenset[int]:
    positions: dict[tuple[str, str], list[int]] = {}
    for position, record in enumerate(records):
        key = fold(record.key, record.key_field, shapes.get(record.object))
        positions.setdefault((record.object, key), []).append(position)
    return frozenset(chain.from_iterable(same for same in positions.values() if len(same) > 1))
