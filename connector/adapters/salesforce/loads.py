"""Very many records at once: by jobs where that costs fewer requests, else graph by graph."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import chain

from connector.adapters.base import Job, JobBook
from connector.adapters.salesforce.answers import Refused
from connector.adapters.salesforce.batch import Batch
from connector.adapters.salesforce.bulk_jobs import BulkJobs
from connector.adapters.salesforce.bulk_rows import unfit
from connector.adapters.salesforce.by_bulk import Load
from connector.adapters.salesforce.by_graph import GraphDelivery
from connector.adapters.salesforce.catalogue import Catalogue
from connector.adapters.salesforce.estimate import calls_of_a_load, calls_of_graphs
from connector.adapters.salesforce.faults import DUPLICATE_VALUE, NOT_WRITEABLE
from connector.adapters.salesforce.held import Reader
from connector.adapters.salesforce.keys import objects_of
from connector.adapters.salesforce.lanes import lost_a_lock
from connector.adapters.salesforce.quota import Quota
from connector.adapters.salesforce.rules import Duplicates, Rules
from connector.adapters.salesforce.sending import Result, Results
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.adapters.salesforce.soql import Read
from connector.clock import Clock
from connector.errors import BusyError, ConnectorError, OutcomeUnknownError
from connector.record import Record

_LOOK_AGAIN = timedelta(minutes=1)


class Loads:
    """Brings batches of any size into one org. Safe to use from several threads."""

    def __init__(
        self,
        graphs: GraphDelivery,
        jobs: BulkJobs,
        catalogue: Catalogue,
        quota: Quota,
        rules: Rules,
        settings: SalesforceSettings,
        *,
        read: Read,
        clock: Clock,
    ) -> None:
        self._graphs = graphs
        self._jobs = jobs
        self._catalogue = catalogue
        self._reader = Reader(
            read=read,
            version=settings.api_version,
            revision_field=rules.revision_field,
            asks_headers_first=True,
        )
        self._quota = quota
        self._rules = rules
        self._version = settings.api_version
        self._clock = clock
        self._bulk_from = settings.bulk_from
        self._graph_batch = settings.batch_size

    def deliver(self, records: Sequence[Record], book: JobBook) -> Results:
        """Give what became of each record, by its position.

        Raises: what concerns all of them; StoppingError.
        """
        results = self._wait_for_open_jobs(records, book)
        if self._is_worth_a_load([record for at, record in enumerate(records) if at not in results]):
            if not book.take_turn():
                busy = BusyError("another load into this org is under way", until=self._clock() + _LOOK_AGAIN)
                return {**dict.fromkeys(range(len(records)), busy), **results}
            self._load(records, results, book)
        self._by_graph(records, results, book)
        return results

    def _wait_for_open_jobs(self, records: Sequence[Record], book: JobBook) -> Results:
        """Let jobs end that may write any of these records; give those of which one goes on."""
        results = Results()
        keys = {record.key: at for at, record in enumerate(records)}
        for job in book.open_jobs():
            ours = job.record_keys & keys.keys()
            if ours and not self._has_ended(job, book):
                busy = BusyError(f"job {job.id} may still write it", until=self._clock() + _LOOK_AGAIN)
                results |= {keys[key]: busy for key in ours}
        return results

    def _has_ended(self, job: Job, book: JobBook) -> bool:
        if self._jobs.is_open(job.id):
            self._jobs.give_up(job.id)  # whoever opened it did not live to close it
        else:
            try:
                self._jobs.watch(job.id, book)
            except OutcomeUnknownError:
                return False
        # What it wrote is not read from its results: Salesforce is asked what it has.
        book.ended(job.id)
        return True

    def _is_worth_a_load(self, records: Sequence[Record]) -> bool:
        if (
            self._bulk_from is None
            or len(records) < self._bulk_from
            or self._rules.completion_field is None
            or self._rules.duplicates is not Duplicates.BLOCK
        ):
            return False
        return calls_of_a_load(records) < calls_of_graphs(records, self._graph_batch)

    def _load(self, records: Sequence[Record], results: Results, book: JobBook) -> None:
        """Bring in by jobs what files can carry. The rest, and who lost a race, is left to graphs."""
        self._quota.require()
        shapes = self._catalogue.shapes(chain.from_iterable(map(objects_of, records)))
        batch = Batch(records, shapes, self._rules, self._version)
        batch.results |= results
        for at in batch.positions:
            if refusal := self._quota.refusal(1 + len(records[at].lines)):
                batch.results[at] = refusal
        positions = batch.positions
        try:
            held = self._reader.held([records[at] for at in positions], shapes)
        except ConnectorError as error:
            results |= {**batch.results, **dict.fromkeys(positions, error)}
            return
        plans = {at: plan for at, plan in batch.plans(positions, held).items() if unfit(plan, shapes) is None}
        results |= batch.results
        load = Load(self._jobs, book, self._rules.completion_field or "", shapes, plans)
        loaded = load.run()
        self._graphs.learn(plans, shapes, loaded)
        results |= {at: result for at, result in loaded.items() if not _lost_a_race(result)}

    def _by_graph(self, records: Sequence[Record], results: Results, book: JobBook) -> None:
        """Deliver what has no result yet, a batch at a time."""
        left = [at for at in range(len(records)) if at not in results]
        for start in range(0, len(left), self._graph_batch):
            share = left[start : start + self._graph_batch]
            try:
                if start:
                    book.pause(0)
                delivered = self._graphs.deliver([records[at] for at in share])
            except ConnectorError as error:
                if not results:
                    raise
                # What is in already must not be sent again because of what cannot go now.
                results |= dict.fromkeys(left[start:], error)
                return
            results |= {at: delivered[place] for place, at in enumerate(share)}


def _lost_a_race(result: Result) -> bool:
    """Tell whether somebody else was writing the same just then: alone, and read anew, it may go in."""
    return lost_a_lock(result) or (
        isinstance(result, Refused)
        and all(fault.code in {DUPLICATE_VALUE, NOT_WRITEABLE} for fault in result.faults.values())
    )
