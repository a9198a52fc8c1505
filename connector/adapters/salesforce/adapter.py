"""Delivers records to Salesforce: one composite graph per record, several graphs a call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote

from connector.adapters.base import (
    Finding,
    HeldObject,
    Idempotency,
    JobBook,
    OriginalFile,
    OriginalLink,
    Outcome,
    ReadBack,
    TargetObject,
    TokenLife,
)
from connector.adapters.salesforce.answers import Committed
from connector.adapters.salesforce.bulk_jobs import BulkJobs
from connector.adapters.salesforce.by_graph import GraphDelivery
from connector.adapters.salesforce.catalogue import Catalogue
from connector.adapters.salesforce.check import check_org, check_pinned, misfits, referred_objects
from connector.adapters.salesforce.description import describe_object
from connector.adapters.salesforce.estimate import calls_of_documents
from connector.adapters.salesforce.loads import Loads
from connector.adapters.salesforce.lookups import answer
from connector.adapters.salesforce.originals import Originals
from connector.adapters.salesforce.outcomes import outcomes_of
from connector.adapters.salesforce.pinned import Pinned
from connector.adapters.salesforce.quota import ApiUsage, Quota
from connector.adapters.salesforce.reading_back import read_back, read_back_since
from connector.adapters.salesforce.rules import Rules
from connector.adapters.salesforce.sending import Results
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.adapters.salesforce.soql import find_by_id, find_by_key
from connector.adapters.salesforce.transport import Transport
from connector.clock import Clock
from connector.errors import ConfigError, RejectedError
from connector.record import Receipt, Record, RecordShape, TargetQuery


class SalesforceAdapter:
    """Keeps the contract of `Adapter` for one Salesforce org. Safe to use from several threads."""

    idempotency = Idempotency.NATIVE

    def __init__(self, settings: SalesforceSettings, *, clock: Clock) -> None:
        self.batch_size = settings.batch_size
        self.bulk_from = settings.bulk_from
        self.bulk_size = settings.bulk_size
        self._version = settings.api_version
        self._clock = clock
        self._transport = Transport(settings, clock)
        self._pinned = Pinned(settings.schemas) if settings.schemas is not None else None
        self._catalogue = Catalogue(self._transport, clock, settings.api_version)
        self._rules = Rules(
            empty_lines=settings.empty_lines,
            revision_field=settings.revision_field,
            duplicates=settings.duplicates,
            completion_field=settings.completion_field,
        )
        quota = _quota(settings, self._transport, clock)
        self._originals = Originals(
            self._transport,
            self._catalogue,
            quota,
            version=self._version,
            key_field=settings.file_key_field,
        )
        self._graphs = GraphDelivery(
            self._transport, self._catalogue, quota, self._rules, version=self._version, clock=clock
        )
        self._loads = Loads(
            self._graphs,
            BulkJobs(self._transport, self._version, clock),
            self._catalogue,
            quota,
            self._rules,
            settings,
            read=self._transport.read,
            clock=clock,
        )

    @property
    def api_usage(self) -> ApiUsage | None:
        """Give the org's calls of the last 24 hours, as the latest answer told."""
        return self._transport.usage

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Bring each record with its lines in, each in a transaction of its own."""
        return self._outcomes(records, self._graphs.deliver(records))

    def _outcomes(self, records: Sequence[Record], results: Results) -> Sequence[Outcome]:
        outcomes = outcomes_of(records, results, self._committed, self._clock())
        if any(isinstance(outcome, ConfigError) for outcome in outcomes):
            self._catalogue.forget()  # the org is not what it was
        return outcomes

    def load(self, records: Sequence[Record], book: JobBook) -> Sequence[Outcome]:
        """Do the same with any number of records: by jobs of Bulk API 2.0 where that costs fewer calls."""
        return self._outcomes(records, self._loads.deliver(records, book))

    def calls_for(self, documents: int, shapes: Sequence[RecordShape]) -> int:
        """Count as for documents of ten lines of each kind, by jobs where those are cheaper."""
        return calls_of_documents(
            documents, shapes, batch=self.batch_size, bulk_from=self.bulk_from, bulk_size=self.bulk_size
        )

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
        return check_org(self._transport, self._catalogue, self._version, shapes, self._rules, self._pinned)

    def check_pinned(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        """Compare what is pinned with what the mappings will write; nothing where no folder is set."""
        return () if self._pinned is None else list(check_pinned(self._pinned, shapes, self._rules))

    def pin(self, shapes: Sequence[RecordShape]) -> Sequence[str]:
        """Keep the descriptions of the objects that these shapes write or refer to."""
        if self._pinned is None:
            return ()
        described = {shape.object: self._catalogue.shape(shape.object) for shape in shapes}
        referred = [
            name
            for shape in shapes
            if (known := described[shape.object])
            for name in referred_objects(shape, known)
        ]
        bodies = (
            self._transport.read_if_known(f"/services/data/v{self._version}/sobjects/{name}/describe")
            for name in dict.fromkeys((*described, *referred))
        )
        return [self._pinned.keep(body) for body in bodies if isinstance(body, Mapping)]

    def misfits(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        """Compare what is remembered of the org; what does not fit that is asked anew before it is told."""
        found = misfits(self._transport, self._catalogue, self._version, shapes, self._rules)
        if found:
            self._catalogue.forget()
            found = misfits(self._transport, self._catalogue, self._version, shapes, self._rules)
        return found

    def describe(self, object_name: str) -> TargetObject:
        """Give an object as this user may write it, with the objects that are its details."""
        own = [name for name in (self._rules.completion_field, self._rules.revision_field) if name]
        return describe_object(self._transport, self._version, object_name, own=own)

    def show_original(self, key: str, receipt_id: str) -> str | None:
        """Ask for the file by its key, and link it to the record if it is not linked yet."""
        return self._originals.show(key, receipt_id)

    def add_original(self, original: OriginalFile | OriginalLink, receipt_id: str) -> str:
        """Insert it as a ContentVersion that the record shows."""
        return self._originals.add(original, receipt_id)

    def check_originals(self) -> Sequence[Finding]:
        """Say what the org lacks for files beside records."""
        return self._originals.check()

    def tokens(self) -> Sequence[TokenLife]:
        """Give the one that all calls carry. Salesforce's own end of it moves with each call."""
        life = self._transport.token_life()
        return () if life is None else (life,)

    def close(self) -> None:
        """Release connections."""
        self._transport.close()

    def query(self, queries: Sequence[TargetQuery]) -> Mapping[TargetQuery, tuple[str, ...]]:
        """Answer what mappings look up, one SOQL query for all that ask alike."""
        return answer(self._transport.read, self._version, queries, self._catalogue.shape)

    def read_back(
        self, wanted: ReadBack, *, keys: Sequence[str], numbers: Sequence[str]
    ) -> Sequence[HeldObject]:
        """Ask by key, and by number for what was made besides."""
        found = read_back(self._transport.read, self._version, wanted, keys=keys, numbers=numbers)
        return [replace(each, url=self._url(wanted.object, each.id)) for each in found]

    def read_back_since(self, wanted: ReadBack, *, prefix: str, since: datetime) -> Sequence[HeldObject]:
        """Ask for keys that begin so."""
        found = read_back_since(self._transport.read, self._version, wanted, prefix=prefix, since=since)
        return [replace(each, url=self._url(wanted.object, each.id)) for each in found]

    def _committed(self, record: Record, result: Committed) -> Receipt:
        return self._receipt(record, result.header_id, created=result.created)

    def _found(self, record: Record, ids: Sequence[str]) -> Receipt | None:
        if len(ids) > 1:
            raise RejectedError(
                f"{record.object}: {len(ids)} records have the same {record.key_field}",
                remedy="Delete all but one and mark the key field Unique.",
            )
        return self._receipt(record, ids[0], created=False) if ids else None

    def _receipt(self, record: Record, header_id: str, *, created: bool | None) -> Receipt:
        return Receipt(id=header_id, url=self._url(record.object, header_id), created=created)

    def _url(self, object_name: str, record_id: str) -> str:
        path = f"/lightning/r/{quote(object_name, safe='')}/{quote(record_id, safe='')}/view"
        return self._transport.instance_url() + path


def _quota(settings: SalesforceSettings, transport: Transport, clock: Clock) -> Quota:
    """Give the quota that these settings name; asking for the limits tells the usage by the way."""
    return Quota(
        share=settings.api_share,
        reserve=settings.api_reserve,
        usage=lambda: transport.usage,
        probe=lambda: transport.read_if_known(f"/services/data/v{settings.api_version}/limits"),
        clock=clock,
    )
