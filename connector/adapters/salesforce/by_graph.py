"""The ordinary way in: read what is there, a graph per record, many graphs a call."""

from collections import deque
from collections.abc import Mapping, Sequence
from itertools import chain

from msgspec import structs

from connector.adapters.salesforce.adopting import is_free, match_of
from connector.adapters.salesforce.batch import Batch
from connector.adapters.salesforce.by_collection import CollectionDelivery
from connector.adapters.salesforce.catalogue import Catalogue
from connector.adapters.salesforce.graph import Graph
from connector.adapters.salesforce.held import Reader
from connector.adapters.salesforce.keys import Shapes, objects_of
from connector.adapters.salesforce.lanes import Lanes, parents_of
from connector.adapters.salesforce.packing import Pace
from connector.adapters.salesforce.plan import Plan
from connector.adapters.salesforce.quota import Quota
from connector.adapters.salesforce.rules import Duplicates, Rules
from connector.adapters.salesforce.sending import Results, not_sent, send, stops
from connector.adapters.salesforce.transport import Transport
from connector.clock import Clock
from connector.errors import ConnectorError
from connector.record import Record


class GraphDelivery:
    """Brings records into one org by composite graphs. Safe to use from several threads."""

    def __init__(
        self,
        transport: Transport,
        catalogue: Catalogue,
        quota: Quota,
        rules: Rules,
        *,
        version: str,
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._catalogue = catalogue
        self._quota = quota
        self._rules = rules
        self._version = version
        self._pace = Pace()
        self._lanes = Lanes(clock)
        self._large = CollectionDelivery(transport, version, rules.completion_field or "")
        self._reader = Reader(read=transport.read, version=version, revision_field=rules.revision_field)

    def deliver(self, records: Sequence[Record]) -> Results:
        """Give what became of each record, by its position.

        Raises: ThrottledError when our share of calls is spent; any `ConnectorError` of asking what the
            objects are. Nothing was sent then.
        """
        self._quota.require()
        shapes = self._catalogue.shapes(chain.from_iterable(map(objects_of, records)))
        batch = Batch(records, shapes, self._rules, self._version)
        for at in batch.positions:
            if refusal := self._quota.refusal(1 + len(records[at].lines)):
                batch.results[at] = refusal
        self._send(batch, batch.positions)
        self._send(batch, batch.for_second_try())
        if self._rules.duplicates is Duplicates.USE_MATCH:
            adopted = self._adopted(batch)
            self._send(batch, list(adopted), adopted)
        return batch.results

    def learn(self, plans: Mapping[int, Plan], shapes: Shapes, results: Results) -> None:
        """Take note of what jobs came to: what lost a lock there travels without strangers from now on."""
        for at, plan in plans.items():
            self._lanes.learn(parents_of(plan.record, shapes), results[at])

    def _send(self, batch: Batch, positions: Sequence[int], adopted: Mapping[int, str] | None = None) -> None:
        """Read what Salesforce has of these records, build their graphs and send them."""
        if not positions:
            return
        try:
            held = self._reader.held([batch.records[at] for at in positions], batch.shapes)
        except ConnectorError as error:
            batch.results |= dict.fromkeys(positions, error)
            return
        if adopted is not None:
            held = [
                structs.replace(known, adopted=adopted[at]) for at, known in zip(positions, held, strict=True)
            ]
        graphs = batch.build(positions, held)
        self._travel(graphs, batch)
        self._send_large(batch)

    def _travel(self, graphs: Sequence[Graph], batch: Batch) -> None:
        """Send what may travel now. What would wait for somebody else's lock waits here, and keeps nobody."""
        parents = {graph: parents_of(graph.record, batch.shapes) for graph in graphs}
        waiting = deque(self._lanes.parties(graphs, parents))
        while waiting:
            party = waiting.popleft()
            with self._lanes.entered(party, parents) as admitted:
                results = send(self._transport, self._version, admitted, self._pace)
            for graph in party:
                batch.results[graph.position] = results.get(graph.position) or self._lanes.busy()
                self._lanes.learn(parents[graph], batch.results[graph.position])
            if stopped := next(filter(stops, results.values()), None):
                batch.results |= {graph.position: not_sent(stopped) for graph in chain(*waiting)}
                return

    def _send_large(self, batch: Batch) -> None:
        """Send what no transaction takes, one record after the other."""
        while batch.large:
            at, plan = batch.large.popitem()
            parents = parents_of(plan.record, batch.shapes)
            with self._lanes.entered([plan], {plan: parents}) as admitted:
                result = self._large.deliver(plan, batch.shapes) if admitted else self._lanes.busy()
            batch.results[at] = result
            self._lanes.learn(parents, result)

    def _adopted(self, batch: Batch) -> dict[int, str]:
        """Give the records to write into instead of creating a duplicate, each for one of ours only."""
        adopted: dict[int, str] = {}
        for at, result in batch.results.items():
            match = match_of(result)
            if match is None or match in adopted.values():
                continue
            try:
                if is_free(self._transport.read, self._version, batch.records[at], match):
                    adopted[at] = match
            except ConnectorError as error:
                batch.results[at] = error
        return adopted
