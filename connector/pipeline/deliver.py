"""pending | in_doubt -> delivered: map the documents, hand them to the adapter, record what it says."""

from collections.abc import Sequence
from datetime import datetime

from connector.adapters.base import Idempotency, Outcome
from connector.crashpoint import Point, crashpoint
from connector.docflo.wire import read_document
from connector.errors import ConnectorError, LeaseLostError
from connector.ledger.delivery import Claim, State
from connector.ledger.outcomes import Outcomes
from connector.mapping.apply import apply_mapping
from connector.pipeline.definition import Pipeline
from connector.pipeline.work import Work, log_lost, record_failures
from connector.record import Receipt, Record, record_key

Mapped = tuple[Claim, Record]


def deliver(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> None:
    """Move pending deliveries on: one call of the adapter, one transaction for its outcomes."""
    mapped, unmapped = _map(claims, pipeline)
    crashpoint(Point.MAPPED)
    with work.store.outcomes() as outcomes:
        record_failures(unmapped, outcomes, work)
        if pipeline.adapter.idempotency is not Idempotency.NATIVE:
            mapped = _doubt(mapped, outcomes)
            crashpoint(Point.DOUBT_WRITTEN)
    if not mapped:
        return
    crashpoint(Point.CALLING)
    answers = _call(mapped, pipeline)
    crashpoint(Point.ANSWERED)
    held_until = work.breakers.report(pipeline.side, answers)
    with work.store.outcomes() as outcomes:
        _record(mapped, answers, outcomes, work, held_until)
        crashpoint(Point.OUTCOME_WRITTEN)
    crashpoint(Point.OUTCOME_STORED)


def settle(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> None:
    """Resolve deliveries in doubt: ask the target which records it has, and send nothing."""
    mapped, unmapped = _map(claims, pipeline)
    unanswered: list[tuple[Claim, Exception]] = []
    receipts: Sequence[Receipt | None] = ()
    held_until = None
    try:
        receipts = pipeline.adapter.lookup([record for _, record in mapped]) if mapped else ()
    except ConnectorError as error:
        held_until = work.breakers.report(pipeline.side, [error])
        unanswered = [(claim, error) for claim, _ in mapped]
        mapped = []
    else:
        work.breakers.report(pipeline.side, receipts)
    crashpoint(Point.ASKED)
    with work.store.outcomes() as outcomes:
        record_failures(unmapped, outcomes, work)
        record_failures(unanswered, outcomes, work, held_until)
        for (claim, _), receipt in zip(mapped, receipts, strict=True):
            _settled(claim, receipt, outcomes, work)
        crashpoint(Point.SETTLED_WRITTEN)
    crashpoint(Point.SETTLED)


def map_claim(claim: Claim, pipeline: Pipeline) -> Record:
    """Map the stored document again: a mapping is pure, so the same document gives the same record."""
    document = read_document(claim.delivery.snapshot)
    key = record_key(pipeline.tenant_id, pipeline.name, claim.delivery.document_id)
    return apply_mapping(pipeline.mapping, document, key)


def _map(claims: Sequence[Claim], pipeline: Pipeline) -> tuple[list[Mapped], list[tuple[Claim, Exception]]]:
    mapped: list[Mapped] = []
    failed: list[tuple[Claim, Exception]] = []
    for claim in claims:
        try:
            mapped.append((claim, map_claim(claim, pipeline)))
        except ConnectorError as error:
            failed.append((claim, error))
    return mapped, failed


def _doubt(mapped: Sequence[Mapped], outcomes: Outcomes) -> list[Mapped]:
    """Commit "sent, answer unknown" before the call: a crash during it must not look like "never sent"."""
    kept: list[Mapped] = []
    for claim, record in mapped:
        try:
            kept.append((outcomes.doubt(claim), record))
        except LeaseLostError:
            log_lost(claim)
    return kept


def _call(mapped: Sequence[Mapped], pipeline: Pipeline) -> Sequence[Outcome]:
    try:
        return pipeline.adapter.deliver([record for _, record in mapped])
    except ConnectorError as error:
        return [error] * len(mapped)


def _record(
    mapped: Sequence[Mapped],
    answers: Sequence[Outcome],
    outcomes: Outcomes,
    work: Work,
    held_until: datetime | None,
) -> None:
    failed: list[tuple[Claim, Exception]] = []
    for (claim, _), answer in zip(mapped, answers, strict=True):
        if not isinstance(answer, Receipt):
            # A delivery in doubt stays there: the next try asks the target before it sends.
            failed.append((claim, answer))
            continue
        try:
            outcomes.delivered(claim, answer)
            work.moved(claim, State.DELIVERED)
        except LeaseLostError:
            log_lost(claim)
    record_failures(failed, outcomes, work, held_until)


def _settled(claim: Claim, receipt: Receipt | None, outcomes: Outcomes, work: Work) -> None:
    try:
        if receipt is None:
            outcomes.absent(claim)
            work.moved(claim, State.PENDING)
        else:
            outcomes.delivered(claim, receipt)
            work.moved(claim, State.DELIVERED)
    except LeaseLostError:
        log_lost(claim)
