"""Delivers records to Salesforce: one composite graph per record, several graphs a call."""

from collections.abc import Sequence
from itertools import chain
from urllib.parse import quote

from connector.adapters.base import Finding, Idempotency, Outcome, TargetObject
from connector.adapters.salesforce.answers import Committed, GraphResult, NotTried, Refused, Unclear
from connector.adapters.salesforce.catalogue import Catalogue
from connector.adapters.salesforce.check import check_org
from connector.adapters.salesforce.description import describe_object
from connector.adapters.salesforce.failures import record_error
from connector.adapters.salesforce.graph import Graph, Shapes, build_graph, fold
from connector.adapters.salesforce.sending import second_try, send
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.adapters.salesforce.soql import find_by_id, find_by_key
from connector.adapters.salesforce.transport import ApiUsage, Transport
from connector.clock import Clock
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    TemporaryError,
    ThrottledError,
    UnavailableError,
)
from connector.record import Receipt, Record, RecordShape


class SalesforceAdapter:
    """Keeps the contract of `Adapter` for one Salesforce org. Safe to use from several threads."""

    idempotency = Idempotency.NATIVE

    def __init__(self, settings: SalesforceSettings, *, clock: Clock) -> None:
        self.batch_size = settings.batch_size
        self._version = settings.api_version
        self._clock = clock
        self._transport = Transport(settings, clock)
        self._catalogue = Catalogue(self._transport, clock, settings.api_version)

    @property
    def api_usage(self) -> ApiUsage | None:
        """Give the org's calls of the last 24 hours, as the latest answer told."""
        return self._transport.usage

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Upsert each record with its lines by external id, each in a transaction of its own."""
        shapes = self._shapes(records)
        graphs, outcomes = _build_all(records, shapes, self._version)
        results = send(self._transport, self._version, graphs)
        again, unanswered = second_try(self._transport, self._version, graphs, results, shapes)
        results |= unanswered
        results |= send(self._transport, self._version, again)
        _raise_what_all_share(list(results.values()), len(records))
        outcomes |= {graph.position: self._outcome(graph, results[graph.position]) for graph in graphs}
        return [outcomes[position] for position in range(len(records))]

    def lookup(self, records: Sequence[Record]) -> Sequence[Receipt | None]:
        """Ask by external id. Only the very same key counts: a key field may ignore case, our keys do not."""
        keys: dict[tuple[str, str], list[str]] = {}
        for record in records:
            keys.setdefault((record.object, record.key_field), []).append(record.key)
        found = {
            source: find_by_key(self._transport.read, self._version, *source, wanted)
            for source, wanted in keys.items()
        }
        return [
            self._found(record, found[record.object, record.key_field].get(record.key, []))
            for record in records
        ]

    def find(self, record: Record, receipt_id: str) -> Receipt | None:
        """Ask by Salesforce's own id, of 15 or 18 characters."""
        found = find_by_id(self._transport.read, self._version, record.object, receipt_id)
        return None if found is None else self._receipt(record, found, created=False)

    def check(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        """Compare the org with what the mappings will write, as it is now and not as it is remembered."""
        self._catalogue.forget()
        return check_org(self._transport, self._catalogue, self._version, shapes)

    def describe(self, object_name: str) -> TargetObject:
        """Give an object as this user may write it, with the objects that are its details."""
        return describe_object(self._transport, self._version, object_name)

    def close(self) -> None:
        """Release connections."""
        self._transport.close()

    def _shapes(self, records: Sequence[Record]) -> Shapes:
        names = chain.from_iterable(
            [record.object, *(line.object for line in record.lines)] for record in records
        )
        return self._catalogue.shapes(names)

    def _outcome(self, graph: Graph, result: GraphResult | ConnectorError) -> Outcome:
        match result:
            case Committed():
                return self._receipt(graph.record, result.header_id, created=result.created)
            case Refused():
                places = {
                    graph.places.get(reference, reference): fault
                    for reference, fault in result.faults.items()
                }
                return record_error(places, now=self._clock())
            case NotTried():
                return UnavailableError(
                    "Salesforce stopped before this record: too many others of the call failed"
                )
            case Unclear():
                return OutcomeUnknownError(f"Salesforce took the call, but {result.reason}")
            case _:
                return result

    def _found(self, record: Record, ids: Sequence[str]) -> Receipt | None:
        if len(ids) > 1:
            raise RejectedError(
                f"{record.object}: {len(ids)} records have the same {record.key_field}",
                remedy="Delete all but one and mark the key field Unique.",
            )
        return self._receipt(record, ids[0], created=False) if ids else None

    def _receipt(self, record: Record, header_id: str, *, created: bool | None) -> Receipt:
        path = f"/lightning/r/{quote(record.object, safe='')}/{quote(header_id, safe='')}/view"
        return Receipt(id=header_id, url=self._transport.instance_url() + path, created=created)


def _build_all(
    records: Sequence[Record], shapes: Shapes, version: str
) -> tuple[list[Graph], dict[int, Outcome]]:
    graphs: list[Graph] = []
    refused: dict[int, Outcome] = {}
    shared = _shared_keys(records, shapes)
    for position, record in enumerate(records):
        if position in shared:
            refused[position] = RejectedError(
                f"not sent: another record of this batch has the same {record.key_field}"
            )
            continue
        try:
            graphs.append(build_graph(record, shapes, version=version, position=position))
        except RejectedError as error:
            refused[position] = error
    return graphs, refused


def _shared_keys(records: Sequence[Record], shapes: Shapes) -> frozenset[int]:
    positions: dict[tuple[str, str], list[int]] = {}
    for position, record in enumerate(records):
        key = fold(record.key, record.key_field, shapes.get(record.object))
        positions.setdefault((record.object, key), []).append(position)
    return frozenset(chain.from_iterable(same for same in positions.values() if len(same) > 1))


def _raise_what_all_share(results: Sequence[GraphResult | ConnectorError], sent: int) -> None:
    first = results[0] if results else None
    if (
        isinstance(first, TemporaryError | ThrottledError | AccessRefusedError)
        and len(results) == sent
        and all(result is first for result in results)
    ):
        raise first
