"""Delivers records to Salesforce: one composite graph per record, several graphs a call."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from urllib.parse import quote

from connector.adapters.base import Finding, Idempotency, Outcome, TargetObject
from connector.adapters.salesforce.answers import Committed, NotTried, Refused, Unclear
from connector.adapters.salesforce.batch import Batch
from connector.adapters.salesforce.catalogue import Catalogue
from connector.adapters.salesforce.check import check_org
from connector.adapters.salesforce.description import describe_object
from connector.adapters.salesforce.failures import record_error
from connector.adapters.salesforce.held import Reader
from connector.adapters.salesforce.keys import Shapes, kinds_of
from connector.adapters.salesforce.packing import Pace
from connector.adapters.salesforce.rules import GraphRules
from connector.adapters.salesforce.sending import Result, send
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
)
from connector.record import Receipt, Record, RecordShape

_NOT_TRIED_PAUSE = timedelta(seconds=5)


class SalesforceAdapter:
    """Keeps the contract of `Adapter` for one Salesforce org. Safe to use from several threads."""

    idempotency = Idempotency.NATIVE

    def __init__(self, settings: SalesforceSettings, *, clock: Clock) -> None:
        self.batch_size = settings.batch_size
        self._version = settings.api_version
        self._clock = clock
        self._transport = Transport(settings, clock)
        self._catalogue = Catalogue(self._transport, clock, settings.api_version)
        self._pace = Pace()
        self._rules = GraphRules(
            version=settings.api_version,
            empty_lines=settings.empty_lines,
            revision_field=settings.revision_field,
        )
        self._reader = Reader(
            read=self._transport.read, version=self._version, revision_field=settings.revision_field
        )

    @property
    def api_usage(self) -> ApiUsage | None:
        """Give the org's calls of the last 24 hours, as the latest answer told."""
        return self._transport.usage

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Bring each record with its lines in, each in a transaction of its own."""
        batch = Batch(records, self._shapes(records), self._rules)
        self._send(batch, batch.positions)
        self._send(batch, batch.for_second_try())
        _raise_what_all_share(list(batch.results.values()), len(records))
        return [self._outcome(records[at], batch.results[at]) for at in range(len(records))]

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
            [record.object, *(kind.object for kind in kinds_of(record))] for record in records
        )
        return self._catalogue.shapes(names)

    def _send(self, batch: Batch, positions: Sequence[int]) -> None:
        """Read what Salesforce has of these records, build their graphs and send them."""
        if not positions:
            return
        try:
            held = self._reader.held([batch.records[at] for at in positions], batch.shapes)
        except ConnectorError as error:
            batch.results |= dict.fromkeys(positions, error)
            return
        graphs = batch.build(positions, held)
        batch.results |= send(self._transport, self._version, graphs, self._pace)

    def _outcome(self, record: Record, result: Result) -> Outcome:
        match result:
            case Committed():
                return self._receipt(record, result.header_id, created=result.created)
            case Refused():
                places = {
                    result.places.get(reference, reference): fault
                    for reference, fault in result.faults.items()
                }
                return record_error(places, now=self._clock())
            case NotTried():
                # Not to blame, so that this is no attempt.
                return ThrottledError(
                    "Salesforce stopped before this record: too many others of the call failed",
                    until=self._clock() + _NOT_TRIED_PAUSE,
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


def _raise_what_all_share(results: Sequence[Result], sent: int) -> None:
    first = results[0] if results else None
    if (
        isinstance(first, TemporaryError | ThrottledError | AccessRefusedError)
        and len(results) == sent
        and all(result is first for result in results)
    ):
        raise first
