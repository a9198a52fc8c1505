"""pending | in_doubt -> delivered: map the documents, hand them to the adapter, record what it says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TypeAlias

from msgspec import structs

from connector.adapters.base import Found, Idempotency, LoadsInBulk, Outcome
from connector.calls import under_way
from connector.crashpoint import Point, crashpoint
from connector.errors import ConfigError, ConnectorError, LeaseLostError, RejectedError
from connector.exchanges import noted, told
from connector.ledger.delivery import Claim, State
from connector.ledger.outcomes import Outcomes
from connector.pipeline.breaker import DOCFLO
from connector.pipeline.definition import Pipeline
from connector.pipeline.failure import RETRY_CAP, describe, proves_absence
from connector.pipeline.load_book import load_book
from connector.pipeline.prepare import prepare
from connector.pipeline.stored_record import write_record
from connector.pipeline.work import Work, log_lost, record_failures, recording
from connector.record import Receipt, Record

Mapped: TypeAlias = tuple[Claim, Record]
Answered: TypeAlias = tuple[Claim, Receipt | Exception]


def deliver(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> Sequence[Claim]:
    """Move pending deliveries on: one call of the adapter, one transaction for its outcomes.

    Give what was delivered and is still ours, to be written back now.
    """
    prepared = prepare(claims, pipeline, work)
    work.mapped()
    mapped, unmapped = prepared.mapped, prepared.failed
    crashpoint(Point.MAPPED)
    if mapped and pipeline.adapter.idempotency is not Idempotency.NATIVE:
        mapped, refused = _not_again(mapped)
        unmapped = [*unmapped, *refused]
        with recording(work, claims) as outcomes:
            mapped = _doubt(mapped, outcomes, work)
            crashpoint(Point.DOUBT_WRITTEN)
    answered: list[Answered] = [*unmapped]
    held_until = None
    if mapped:
        crashpoint(Point.CALLING)
        sent = _call(mapped, pipeline, work)
        crashpoint(Point.ANSWERED)
        held_until = work.breakers.report(pipeline.side, [answer for _, answer in sent])
        if pipeline.fit is not None and any(isinstance(answer, ConfigError) for _, answer in sent):
            pipeline.fit.forget()
        answered += sent
    # In the order of the claims: what was mapped and what was not are one run of successes and failures.
    order = {claim.delivery.id: position for position, claim in enumerate(claims)}
    room = _room(pipeline, work)
    ours: list[Claim] = []
    with recording(work, claims) as outcomes:
        for claim, reason in prepared.unwanted:
            _skip(claim, reason, outcomes, work)
        for claim, answer in sorted(answered, key=lambda each: order[each[0].delivery.id]):
            if not isinstance(answer, Receipt):
                _record_failure(claim, answer, pipeline, outcomes, work, held_until)
            elif len(ours) < room:
                ours += _hold(claim, answer, pipeline, outcomes, work)
            else:
                _record(claim, answer, pipeline, outcomes, work)
        crashpoint(Point.OUTCOME_WRITTEN)
    crashpoint(Point.OUTCOME_STORED)
    if len(ours) < sum(isinstance(answer, Receipt) for _, answer in answered):
        work.wake()  # the rest is for others
    return ours


def settle(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> Sequence[Claim]:
    """Resolve deliveries in doubt: ask the target which records it has, and send nothing.

    Not before `pipeline.settle` has passed since a request may have been under way: a look-up right after a
    timeout has been seen to miss the row. What the target cannot tell stays in doubt, however long it takes.
    """
    now = work.clock()
    ripe = [claim for claim in claims if _ripe_at(claim, pipeline) <= now]
    prepared = prepare(ripe, pipeline, work)
    mapped, unmapped = prepared.mapped, prepared.failed
    found: Sequence[Found] = ()
    with noted() as requests:
        try:
            found = _lookup(mapped, pipeline) if mapped else ()
        except ConnectorError as error:
            work.breakers.report(pipeline.side, [error])
            unmapped = [*unmapped, *((claim, error) for claim, _ in mapped)]
            mapped = []
    if mapped:
        work.breakers.report(pipeline.side, found)
    crashpoint(Point.ASKED)
    with recording(work, claims) as outcomes:
        for claim in claims:
            if claim not in ripe:
                _wait_until(_ripe_at(claim, pipeline), claim, outcomes)
        for claim, why in unmapped:
            _cannot_tell(structs.replace(claim, requests=told(requests)), why, pipeline, outcomes, work)
        for (claim, _), answer in zip(mapped, found, strict=True):
            asked = structs.replace(claim, requests=told(requests))
            if isinstance(answer, ConnectorError):
                _cannot_tell(asked, answer, pipeline, outcomes, work)
            else:
                _settled(asked, answer, pipeline, outcomes, work)
        crashpoint(Point.SETTLED_WRITTEN)
    crashpoint(Point.SETTLED)
    return ()


def may_write_back(pipeline: Pipeline, work: Work) -> bool:
    """Tell whether what is delivered can be written back now."""
    return not pipeline.writes_back or work.breakers.is_closed(DOCFLO)


def _room(pipeline: Pipeline, work: Work) -> int:
    """Give how many deliveries to write back ourselves: as many as are claimed for that at a time."""
    return work.write_backs_at_once if not work.stopping() and may_write_back(pipeline, work) else 0


def _not_again(mapped: Sequence[Mapped]) -> tuple[list[Mapped], list[tuple[Claim, Exception]]]:
    """Refuse what the target has already: one that does not set by key would make a second record."""
    new = [(claim, record) for claim, record in mapped if claim.delivery.receipt_id is None]
    error = RejectedError(
        "the target has this document already and cannot update it",
        remedy="correct the record there, then dismiss this delivery",
    )
    return new, [(claim, error) for claim, _ in mapped if claim.delivery.receipt_id is not None]


def _doubt(mapped: Sequence[Mapped], outcomes: Outcomes, work: Work) -> list[Mapped]:
    """Commit "sent, answer unknown" before the call: a crash during it must not look like "never sent"."""
    kept: list[Mapped] = []
    for claim, record in mapped:
        if work.clock() >= claim.until:
            log_lost(claim)  # we slept: whoever takes it over must not meet a request of ours
            continue
        try:
            kept.append((outcomes.doubt(structs.replace(claim, sent=write_record(record))), record))
        except LeaseLostError:
            log_lost(claim)
    return kept


def _call(mapped: Sequence[Mapped], pipeline: Pipeline, work: Work) -> list[Answered]:
    with noted() as requests:
        answers: Sequence[Outcome]
        records = [record for _, record in mapped]
        try:
            with under_way("send", side=pipeline.side):
                if isinstance(pipeline.adapter, LoadsInBulk):
                    with load_book([claim for claim, _ in mapped], pipeline, work) as book:
                        answers = pipeline.adapter.load(records, book)
                else:
                    answers = pipeline.adapter.deliver(records)
        except ConnectorError as error:
            answers = [error] * len(mapped)
    asked = told(requests)
    sent = [
        structs.replace(claim, sent=claim.sent or write_record(record), requests=asked)
        for claim, record in mapped
    ]
    return list(zip(sent, answers, strict=True))


def _lookup(mapped: Sequence[Mapped], pipeline: Pipeline) -> Sequence[Found]:
    with under_way("lookup", side=pipeline.side):
        return pipeline.adapter.lookup([record for _, record in mapped])


def _record(claim: Claim, receipt: Receipt, pipeline: Pipeline, outcomes: Outcomes, work: Work) -> None:
    try:
        outcomes.delivered(claim, receipt, wants_original=pipeline.original is not None)
    except LeaseLostError:
        log_lost(claim)
        return
    work.moved(claim, State.DELIVERED)


def _hold(claim: Claim, receipt: Receipt, pipeline: Pipeline, outcomes: Outcomes, work: Work) -> list[Claim]:
    """Record it and keep it; none when it was not ours any more."""
    until = work.clock() + work.lease
    try:
        held = outcomes.delivered_and_held(
            claim, receipt, until, wants_original=pipeline.original is not None
        )
    except LeaseLostError:
        log_lost(claim)
        return []
    work.moved(claim, State.DELIVERED)
    return [held]


def _record_failure(
    claim: Claim,
    error: Exception,
    pipeline: Pipeline,
    outcomes: Outcomes,
    work: Work,
    held_until: datetime | None,
) -> None:
    try:
        if claim.delivery.state is State.IN_DOUBT and proves_absence(error):
            claim = outcomes.undoubt(claim)
    except LeaseLostError:
        log_lost(claim)
        return
    # A delivery in doubt stays there: the next try asks the target before it sends.
    record_failures([(claim, error)], pipeline, outcomes, work, held_until)


def _skip(claim: Claim, reason: str, outcomes: Outcomes, work: Work) -> None:
    try:
        outcomes.skipped(claim, reason)
    except LeaseLostError:
        log_lost(claim)
        return
    work.moved(claim, State.SKIPPED)


def _ripe_at(claim: Claim, pipeline: Pipeline) -> datetime:
    delivery = claim.delivery
    return (delivery.doubted_at or delivery.found_at) + pipeline.settle


def _wait_until(due_at: datetime, claim: Claim, outcomes: Outcomes) -> None:
    try:
        outcomes.wait(claim, due_at)
    except LeaseLostError:
        log_lost(claim)


def _cannot_tell(claim: Claim, error: Exception, pipeline: Pipeline, outcomes: Outcomes, work: Work) -> None:
    # It is never given up: a dead letter would hide that money may have been posted. Each wait is about as
    # long as the doubt is old.
    now = work.clock()
    age = now - (claim.delivery.doubted_at or claim.delivery.changed_at)
    pause = min(RETRY_CAP, max(pipeline.settle, age, timedelta(seconds=1)))
    failure = describe(error)
    try:
        outcomes.wait(claim, now + pause, failure)
    except LeaseLostError:
        log_lost(claim)
        return
    work.waited(claim, failure, error)


def _settled(
    claim: Claim, receipt: Receipt | None, pipeline: Pipeline, outcomes: Outcomes, work: Work
) -> None:
    try:
        if receipt is None:
            outcomes.absent(claim)
            work.moved(claim, State.PENDING)
        else:
            outcomes.delivered(claim, receipt, wants_original=pipeline.original is not None)
            work.moved(claim, State.DELIVERED)
    except LeaseLostError:
        log_lost(claim)
