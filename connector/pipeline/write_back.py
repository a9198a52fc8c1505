"""delivered -> completed: put the receipt and the status into the Docflo document.

Its own step: it can fail for a week and never cause a second delivery. A first try writes without reading;
after a failed one, or a crash, the document is read and only what differs is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from connector.crashpoint import Point, crashpoint
from connector.document import Document, plain
from connector.errors import ConnectorError, LeaseLostError
from connector.exchanges import noted, told
from connector.ledger.delivery import Claim, Delivery, State
from connector.pipeline.breaker import DOCFLO
from connector.pipeline.definition import Pipeline
from connector.pipeline.failure import concerns_all
from connector.pipeline.work import Work, give_back, log_lost, record_failures, recording


def write_back(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> None:
    """Move delivered documents on, one after the other; stop asking after an error that concerns all."""
    with work.pace.keeping(len(claims)):
        done = _write_all(claims, pipeline, work)
    held_until = work.breakers.report(DOCFLO, [done.last]) if pipeline.writes_back else None
    with recording(work, claims) as outcomes:
        for claim in done.written:
            try:
                outcomes.completed(claim)
                work.moved(claim, State.COMPLETED)
            except LeaseLostError:
                log_lost(claim)
        record_failures(done.failed, pipeline, outcomes, work, held_until)
        give_back(done.left, outcomes, work)
        crashpoint(Point.COMPLETION_WRITTEN)
    crashpoint(Point.COMPLETED)


@dataclass(slots=True, kw_only=True)
class _Done:
    """What became of a batch, before any of it is on record."""

    written: list[Claim] = field(default_factory=list)
    failed: list[tuple[Claim, Exception]] = field(default_factory=list)
    left: Sequence[Claim] = ()
    last: ConnectorError | None = None  # what Docflo is like now


def _write_all(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> _Done:
    done = _Done()
    for position, claim in enumerate(claims):
        if position and work.stopping():
            done.left = claims[position:]
            break
        with noted() as requests:
            try:
                _write(claim, pipeline, work)
                done.written.append(replace(claim, requests=told(requests)))
                done.last = None
            except ConnectorError as error:
                done.failed.append((replace(claim, requests=told(requests)), error))
                done.last = error
                if concerns_all(error):
                    done.failed.extend((rest, error) for rest in claims[position + 1 :])
                    break
    return done


def write_values(
    work: Work,
    document_id: str,
    fields: Mapping[str, str | None],
    status: str | None,
    *,
    shown: Document | None,
) -> None:
    """Write fields first, then the status; of what Docflo shows already (`shown`), nothing."""
    if shown is not None:
        fields = {name: value for name, value in fields.items() if not _shows(shown, name, value)}
    if fields:
        work.docflo.update_fields(document_id, fields)
        crashpoint(Point.FIELDS_SENT)
    if status is not None and (shown is None or shown.status != status):
        work.docflo.update_status(document_id, status)
        crashpoint(Point.STATUS_SENT)


def _write(claim: Claim, pipeline: Pipeline, work: Work) -> None:
    delivery = claim.delivery
    step = pipeline.write_back
    now = delivery.delivered_at or work.clock()  # the same at each try
    fields = {name: _value(source, delivery, now) for name, source in step.fields.items()} if step else {}
    if pipeline.write_back_dead is not None and delivery.notice_shown_at is not None:
        # It went through: what was said when it was set aside is not true any more.
        fields = {**dict.fromkeys(pipeline.write_back_dead.fields), **fields}
    status = step.status if step else None
    if not fields and status is None:
        return
    # What a lost answer leaves behind is looked at; a first try costs no reading.
    is_repeat = delivery.attempts > 0 or claim.is_takeover
    shown = work.docflo.document(delivery.document_id) if is_repeat else None
    write_values(work, delivery.document_id, fields, status, shown=shown)


def _shows(document: Document, name: str, value: str | None) -> bool:
    known = document.fields.get(name)
    shown = None if known is None else plain(known)
    return shown is None if value is None else shown is not None and str(shown) == value


def _value(source: str, delivery: Delivery, now: datetime) -> str | None:
    match source:
        case "receipt.id":
            return delivery.receipt_id
        case "receipt.url":
            return delivery.receipt_url
        case "today()":
            return now.date().isoformat()
        case "now()":
            return now.isoformat()
        case _:
            message = f"unknown write-back value {source}"
            raise ValueError(message)
