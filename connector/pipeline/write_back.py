"""delivered -> completed: put the receipt and the status into the Docflo document.

Its own step: it can fail for a week and never cause a second delivery. Both writes set values, so
repeating them after a lost answer changes nothing.
"""

from collections.abc import Sequence
from datetime import datetime

from connector.crashpoint import Point, crashpoint
from connector.errors import ConnectorError, LeaseLostError
from connector.ledger.delivery import Claim, Delivery, State
from connector.pipeline.breaker import DOCFLO
from connector.pipeline.definition import Pipeline, WriteBack
from connector.pipeline.failure import concerns_all
from connector.pipeline.work import Work, log_lost, record_failures


def write_back(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> None:
    """Move delivered documents on, one after the other; stop asking after an error that concerns all."""
    failed: list[tuple[Claim, Exception]] = []
    written: list[Claim] = []
    last: ConnectorError | None = None  # what Docflo is like now
    for position, claim in enumerate(claims):
        try:
            _write(claim.delivery, pipeline.write_back, work)
            written.append(claim)
            last = None
        except ConnectorError as error:
            failed.append((claim, error))
            last = error
            if concerns_all(error):
                failed.extend((rest, error) for rest in claims[position + 1 :])
                break
    held_until = work.breakers.report(DOCFLO, [last]) if pipeline.write_back else None
    with work.store.outcomes() as outcomes:
        for claim in written:
            try:
                outcomes.completed(claim)
                work.moved(claim, State.COMPLETED)
            except LeaseLostError:
                log_lost(claim)
        record_failures(failed, outcomes, work, held_until)
        crashpoint(Point.COMPLETION_WRITTEN)
    crashpoint(Point.COMPLETED)


def _write(delivery: Delivery, wanted: WriteBack | None, work: Work) -> None:
    if wanted is None:
        return
    if wanted.fields:
        values = {name: _value(source, delivery, work.clock()) for name, source in wanted.fields.items()}
        work.docflo.update_fields(delivery.document_id, values)
        crashpoint(Point.FIELDS_SENT)
    if wanted.status is not None:
        work.docflo.update_status(delivery.document_id, wanted.status)
        crashpoint(Point.STATUS_SENT)


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
