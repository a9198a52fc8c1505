"""From claims to records: the stored documents mapped, with what the target had to be asked for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import structs

from connector.docflo.wire import read_stored
from connector.document import Document
from connector.errors import ConnectorError
from connector.ledger.delivery import Claim, State
from connector.mapping.apply import apply_mapping, find_queries
from connector.mapping.mapped import unwanted
from connector.mapping.scope import Answers
from connector.pipeline.definition import Pipeline
from connector.pipeline.stored_record import read_record
from connector.pipeline.work import Work
from connector.record import Record, record_key


@dataclass(slots=True, kw_only=True)
class Prepared:
    """What became of a batch before anything is sent."""

    mapped: list[tuple[Claim, Record]] = field(default_factory=list)
    failed: list[tuple[Claim, Exception]] = field(default_factory=list)
    unwanted: list[tuple[Claim, str]] = field(default_factory=list)  # with the reason


def prepare(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> Prepared:
    """Give the records to send: each stored document mapped again, or its stored record if a person asks so.

    A mapping is pure: the same document gives the same record. In doubt it is what was sent that counts.
    """
    prepared = Prepared()
    asking: list[tuple[Claim, Document]] = []
    for claim in claims:
        document = _document(claim, pipeline, prepared)
        if document is None:
            continue
        if pipeline.answers is None:
            _map(claim, document, {}, pipeline, prepared)  # at once: no batch of documents is held in memory
        else:
            asking.append((claim, document))
    _ask_and_map(asking, pipeline, work, prepared)
    order = {claim.delivery.id: position for position, claim in enumerate(claims)}
    prepared.mapped.sort(key=lambda each: order[each[0].delivery.id])
    return prepared


def _document(claim: Claim, pipeline: Pipeline, prepared: Prepared) -> Document | None:
    """Give the document to map; None when what becomes of the claim is clear already."""
    delivery = claim.delivery
    try:
        if delivery.record is not None and (delivery.sends_record or delivery.state is State.IN_DOUBT):
            record = structs.replace(read_record(delivery.record), revision=delivery.revision)
            prepared.mapped.append((claim, record))
            return None
        document = read_stored(delivery.snapshot)
    except ConnectorError as error:
        prepared.failed.append((claim, error))
        return None
    # In doubt, a record may be in the target: whether it is wanted now does not change that.
    is_new = delivery.state is State.PENDING
    reason = unwanted(pipeline.mapping, document) if is_new else None
    if reason is None:
        return document
    prepared.unwanted.append((claim, _reason(claim, reason)))
    return None


def _ask_and_map(
    documents: Sequence[tuple[Claim, Document]], pipeline: Pipeline, work: Work, prepared: Prepared
) -> None:
    """Map documents with what the target says to all that they ask, together."""
    queries = [find_queries(pipeline.mapping, document) for _, document in documents]
    answers: Answers = {}
    failure: ConnectorError | None = None
    try:
        if pipeline.answers is not None:
            answers = pipeline.answers.answers(frozenset().union(*queries), now=work.clock())
    except ConnectorError as error:
        work.breakers.report(pipeline.side, [error])
        failure = error
    for (claim, document), asked in zip(documents, queries, strict=True):
        if failure is not None and asked:
            prepared.failed.append((claim, failure))
        else:
            _map(claim, document, answers, pipeline, prepared)


def _map(claim: Claim, document: Document, answers: Answers, pipeline: Pipeline, prepared: Prepared) -> None:
    delivery = claim.delivery
    key = record_key(pipeline.tenant_id, pipeline.name, delivery.document_id)
    try:
        record = apply_mapping(pipeline.mapping, document, key, answers, revision=delivery.revision)
        prepared.mapped.append((claim, record))
    except ConnectorError as error:
        prepared.failed.append((claim, error))


def _reason(claim: Claim, reason: str) -> str:
    has_it = claim.delivery.receipt_id is not None
    return f"{reason}; the target keeps what it has" if has_it else reason
