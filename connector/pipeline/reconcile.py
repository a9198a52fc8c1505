"""Documents in Docflo against records in the target, both read anew. Writes nothing on either side.

The ledger is asked only why something may be as it is: what it believes proves nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import product
from urllib.parse import unquote

from connector.adapters.base import Found, HeldObject, Idempotency, ReadBack, ReadsBack
from connector.clock import Clock
from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.document import Document, plain_fields
from connector.errors import (
    ConfigError,
    OutcomeUnknownError,
    PermanentError,
    RejectedError,
    UnavailableError,
)
from connector.ledger.delivery import Delivery
from connector.ledger.store import Store
from connector.mapping.apply import apply_mapping, find_queries
from connector.mapping.mapped import unwanted
from connector.pipeline.comparing import compare, compare_presence, with_strangers
from connector.pipeline.definition import Pipeline
from connector.pipeline.found import headline
from connector.pipeline.gather import is_wanted
from connector.pipeline.listing import read_window
from connector.pipeline.sides import Compared, Difference, Expected, Kind, read_back_of, values_of
from connector.record import Record, TargetQuery, record_key

MOST_DOCUMENTS = 20_000  # of one comparison: both sides stand in memory
MOST_ASKED = 200  # documents asked for by themselves, because a record names them
CLOCKS = timedelta(hours=1)  # that Docflo's and the target's may be apart
AT_ONCE = 50  # records asked for in one call of a look-up

_NO_AMOUNTS = "the target tells whether it has a record, not its amount: sums are Docflo's alone"
_NO_STRANGERS = "the target does not list its records: one without a document is not found"
_UNFILLED = {
    "amount": "the mapping fills no field from the document's total: amounts are not compared",
    "number": "the mapping fills no field from the document's number: a second record that somebody made by "
    "hand is not found",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One comparison, and what of it could not be known."""

    pipeline: str
    target: str
    begin: datetime
    end: datetime
    as_of: datetime
    compared: Compared
    unmapped: int = 0  # documents of which the mapping makes no record
    unwanted: int = 0  # documents that the pipeline leaves out
    cannot_know: tuple[str, ...] = ()

    @property
    def is_even(self) -> bool:
        """Whether both sides are alike as far as can be known."""
        return not self.compared.differences


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """Compares one pipeline."""

    pipeline: Pipeline
    docflo: DocfloClient  # in the lane of what is done by hand
    delivery: Callable[[str], Delivery | None]  # what the ledger holds of a document, by its id
    clock: Clock

    def compare(self, begin: datetime, end: datetime) -> Reconciliation:
        """Compare the documents that were created in [begin, end).

        Raises: any `ConnectorError` when a side cannot tell; ConfigError for what cannot be compared.
        """
        if begin >= end:
            raise ConfigError("the period ends before it begins")
        adapter = self.pipeline.adapter
        if adapter.idempotency is Idempotency.CREATE_ONLY and not isinstance(adapter, ReadsBack):
            raise ConfigError(
                f"target `{self.pipeline.target}` cannot be asked what it has",
                remedy="compare it with the target's own reports",
            )
        as_of = self.clock()
        listed = self._documents(max(begin, self.pipeline.since), end)
        documents = [each for each in listed if self._is_due(each)]
        kept = [each for each in documents if unwanted(self.pipeline.mapping, each) is None]
        expected = self._expected(kept)
        compared, unknown = self._sides(expected, begin, end)
        others = len(listed) - len(documents)
        return Reconciliation(
            pipeline=self.pipeline.name,
            target=self.pipeline.target,
            begin=begin,
            end=end,
            as_of=as_of,
            compared=compared,
            unmapped=sum(each.record is None for each in expected),
            unwanted=len(documents) - len(kept),
            cannot_know=(*unknown, *([_not_ours(others, self.pipeline.done_statuses)] if others else [])),
        )

    def _documents(self, begin: datetime, end: datetime) -> list[Document]:
        """List what the target should have: documents that are ready, and those that say they are there."""
        statuses = (*self.pipeline.statuses, *self.pipeline.done_statuses)
        found: dict[str, Document] = {}
        for type_, status in product(self.pipeline.types, statuses):
            # Some servers take `createdTo` for the first instant of its day.
            query = DocumentQuery(
                type=type_,
                status=status,
                created_from=begin,
                created_to=end + timedelta(days=1),
                include_results=True,
            )
            window = read_window(query, self.docflo)
            if not window.is_proven:
                raise UnavailableError("Docflo's list kept moving while it was read: compare again")
            for each in window.documents:
                if is_wanted(each, statuses, self.pipeline) and _is_in(each.created_on, begin, end):
                    found[each.id] = each
            if len(found) > MOST_DOCUMENTS:
                raise ConfigError(
                    f"there are more than {MOST_DOCUMENTS:,} documents in it",
                    remedy="choose a shorter period",
                )
        return [each if each.has_fields else self.docflo.document(each.id) for each in found.values()]

    def _is_due(self, document: Document) -> bool:
        """Tell whether the target should have it: it is ready, or says or is known to be there."""
        if document.status is None or document.status in self.pipeline.statuses:
            return True
        step = self.pipeline.write_back
        written = {name.casefold() for name in step.fields} if step else set()
        fields = plain_fields(document)
        if any(
            name.casefold() in written and value is not None and value != "" for name, value in fields.items()
        ):
            return True
        return self.delivery(document.id) is not None

    def _expected(self, documents: Sequence[Document]) -> list[Expected]:
        """Map each document as it is now: that is what the target should have."""
        queries = [find_queries(self.pipeline.mapping, each) for each in documents]
        answers: Mapping[TargetQuery, tuple[str, ...]] = {}
        if self.pipeline.answers is not None:
            answers = self.pipeline.answers.answers(frozenset().union(*queries), now=self.clock())
        return [self._mapped(each, answers) for each in documents]

    def _mapped(self, document: Document, answers: Mapping[TargetQuery, tuple[str, ...]]) -> Expected:
        key = record_key(self.pipeline.tenant_id, self.pipeline.name, document.id)
        made = Expected(
            document_id=document.id, created_on=document.created_on, headline=headline(document), key=key
        )
        try:
            record = apply_mapping(self.pipeline.mapping, document, key, answers)
        except PermanentError as error:
            return replace(made, problem=error.message)
        return replace(made, record=record, values=values_of(record.fields, self._fields))

    @property
    def _fields(self) -> ReadBack:
        return read_back_of(self.pipeline.mapping)

    def _sides(
        self, expected: Sequence[Expected], begin: datetime, end: datetime
    ) -> tuple[Compared, tuple[str, ...]]:
        adapter, fields = self.pipeline.adapter, self._fields
        if not isinstance(adapter, ReadsBack):
            return self._looked_up(expected), (_NO_AMOUNTS, _NO_STRANGERS)
        numbers = [each.values.number for each in expected if each.values.number]
        held = adapter.read_back(fields, keys=[each.key for each in expected], numbers=numbers)
        ours = adapter.read_back_since(fields, prefix=self._prefix, since=begin - CLOCKS)
        compared = compare(expected, held, is_ours=lambda key: key.startswith(self._prefix))
        strangers = self._strangers(expected, ours, begin, end)
        unknown = [words for name, words in _UNFILLED.items() if getattr(fields, name) is None]
        return self._explained(with_strangers(compared, strangers)), tuple(unknown)

    @property
    def _prefix(self) -> str:
        return record_key(self.pipeline.tenant_id, self.pipeline.name, "")

    def _strangers(
        self, expected: Sequence[Expected], ours: Sequence[HeldObject], begin: datetime, end: datetime
    ) -> list[Difference]:
        """Give the records that came in this period, have a key of ours, and belong to no document of it."""
        known = {each.key for each in expected}
        found: list[Difference] = []
        asked = 0
        for each in ours:
            if each.key is None or each.key in known:
                continue
            document_id = unquote(each.key.removeprefix(self._prefix))
            delivery = self.delivery(document_id)
            if delivery and delivery.created_on and not begin <= delivery.created_on < end:
                continue  # of another period
            asked += 1
            if asked > MOST_ASKED:
                raise ConfigError(
                    f"more than {MOST_ASKED} records belong to no document that is ready in this period",
                    remedy="choose a shorter period",
                )
            stranger = self._stranger(document_id, each, begin, end)
            if stranger is not None:
                found.append(stranger)
        return found

    def _stranger(
        self, document_id: str, held: HeldObject, begin: datetime, end: datetime
    ) -> Difference | None:
        try:
            document = self.docflo.document(document_id)
        except RejectedError as error:
            if error.remote is None or error.remote.status != HTTPStatus.NOT_FOUND:
                raise
            words = f"Docflo has no document {document_id}"
            return Difference(
                kind=Kind.WITHOUT_DOCUMENT, words=words, document_id=document_id, key=held.key, held=(held,)
            )
        if not _is_in(document.created_on, begin, end):
            return None
        words = f"its document is {document.status} now"
        if unwanted(self.pipeline.mapping, document) is not None:
            words = "the pipeline does not want its document"
        return Difference(
            kind=Kind.NOT_READY,
            words=words,
            document_id=document_id,
            key=held.key,
            headline=headline(document),
            held=(held,),
        )

    def _looked_up(self, expected: Sequence[Expected]) -> Compared:
        """Ask for each record by its key: whether it is there, and what speaks against it."""
        records = [each.record for each in expected if each.record is not None]
        answers: dict[str, Found] = {}
        for start in range(0, len(records), AT_ONCE):
            chunk = records[start : start + AT_ONCE]
            found = self._lookup(chunk)
            answers |= {record.key: answer for record, answer in zip(chunk, found, strict=True)}
        return self._explained(compare_presence(expected, answers))

    def _lookup(self, records: Sequence[Record]) -> Sequence[Found]:
        try:
            return self.pipeline.adapter.lookup(records)
        except OutcomeUnknownError as error:
            if len(records) == 1:
                return [error]
            return [answer for record in records for answer in self._lookup([record])]

    def _explained(self, compared: Compared) -> Compared:
        """Add what the ledger knows of each difference."""
        return replace(compared, differences=tuple(map(self._with_delivery, compared.differences)))

    def _with_delivery(self, difference: Difference) -> Difference:
        delivery = self.delivery(difference.document_id) if difference.document_id else None
        if delivery is None:
            return difference
        reason = delivery.failure.reason if delivery.failure else ""
        why = f"; its delivery is {delivery.state.value.replace('_', ' ')}" + (
            f": {reason}" if reason else ""
        )
        return replace(
            difference,
            words=difference.words + why,
            delivery_id=delivery.id,
            state=delivery.state.value,
        )


def make_reconciler(pipeline: Pipeline, docflo: DocfloClient, store: Store, clock: Clock) -> Reconciler:
    """Give what compares a pipeline, with what the ledger knows beside it."""

    def delivery(document_id: str) -> Delivery | None:
        return next(iter(store.find(pipeline=pipeline.name, document_id=document_id, limit=1)), None)

    return Reconciler(pipeline=pipeline, docflo=docflo, delivery=delivery, clock=clock)


def _not_ours(count: int, statuses: Sequence[str]) -> str:
    verb = "documents are" if count > 1 else "document is"
    return (
        f"{count} {verb} {' or '.join(statuses)} and tell nothing of a delivery, which the ledger does not "
        "know either: somebody else gave that status, and they are not compared"
    )


def _is_in(created_on: datetime | None, begin: datetime, end: datetime) -> bool:
    return created_on is None or begin <= created_on < end
