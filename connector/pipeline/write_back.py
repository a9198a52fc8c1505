"""delivered -> completed: put the receipt and the status into the Docflo document.

Its own step: it can fail for a week and never cause a second delivery. A first try writes without reading;
after a failed one, or a crash, the document is read and only what differs is written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from msgspec import Struct, structs

from connector.crashpoint import Point, crashpoint
from connector.document import Document, plain
from connector.errors import ConnectorError, LeaseLostError, UnavailableError
from connector.exchanges import noted, told
from connector.ledger.delivery import Claim, Delivery, State
from connector.pipeline.breaker import DOCFLO
from connector.pipeline.definition import Pipeline
from connector.pipeline.failure import concerns_all
from connector.pipeline.work import Work, give_back, log_lost, record_failures, recording


def write_back(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> Sequence[Claim]:
    """Move delivered documents on, one after the other; stop asking after an error that concerns all."""
    with work.pace.keeping(len(claims)):
        done = _write_all(claims, pipeline, work)
    held_until = _report(done, work) if pipeline.writes_back else None
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
    return ()


@dataclass(slots=True, kw_only=True)
class _Done:
    """What became of a batch, before any of it is on record."""

    written: list[Claim] = field(default_factory=list)
    failed: list[tuple[Claim, Exception]] = field(default_factory=list)
    left: Sequence[Claim] = ()
    last: ConnectorError | None = None  # what Docflo is like now


def _report(done: _Done, work: Work) -> datetime | None:
    """Take note of how Docflo answered; as `Breakers.report`."""
    if done.written and done.last is not None:
        work.breakers.report(DOCFLO, [None])  # it answered before: what follows is the first that went lost
    return work.breakers.report(DOCFLO, [done.last])


def _write_all(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> _Done:
    done = _Done()
    for position, claim in enumerate(claims):
        if position and work.stopping():
            done.left = claims[position:]
            break
        tried = _tried(claim, pipeline, work)
        if tried.error is None:
            done.written.append(tried.claim)
        else:
            done.failed.append((tried.claim, tried.error))
        done.last = tried.error
        if tried.error is not None and concerns_all(tried.error):
            rest = claims[position + 1 :]
            if isinstance(tried.error, UnavailableError):
                done.left = rest  # they were not tried: it is no failure of theirs, and counts for none
            else:
                done.failed.extend((each, tried.error) for each in rest)
            break
    return done


class _Tried(Struct, frozen=True, kw_only=True):
    """What one write-back came to."""

    claim: Claim  # with what was sent
    error: ConnectorError | None


def _tried(claim: Claim, pipeline: Pipeline, work: Work) -> _Tried:
    wanted = _wanted(claim.delivery, pipeline, work)
    error, fields_are_out = None, False
    with noted() as requests:
        try:
            missing = _missing(wanted, claim, work)
            _send_fields(missing, claim.delivery.document_id, work)
            fields_are_out = True
            _send_status(missing, claim.delivery.document_id, work)
        except ConnectorError as raised:
            error = raised
    # What went out is kept, so that the status alone is left for the next try.
    shown = wanted.fingerprint() if error is not None and fields_are_out else None
    return _Tried(claim=structs.replace(claim, requests=told(requests), fields_shown=shown), error=error)


class Values(Struct, frozen=True, kw_only=True):
    """What Docflo is to show of a document."""

    fields: Mapping[str, str | None]
    status: str | None

    def without(self, shown: Document) -> "Values":
        """Leave out what Docflo shows already."""
        fields = {name: value for name, value in self.fields.items() if not _shows(shown, name, value)}
        return Values(fields=fields, status=None if shown.status == self.status else self.status)

    def fingerprint(self) -> str:
        """Give what tells these fields from any others."""
        return sha256(repr(sorted(self.fields.items())).encode()).hexdigest()


def write_values(work: Work, document_id: str, values: Values) -> None:
    """Write fields first, then the status."""
    _send_fields(values, document_id, work)
    _send_status(values, document_id, work)


def _send_fields(values: Values, document_id: str, work: Work) -> None:
    if values.fields:
        work.docflo.update_fields(document_id, values.fields)
        crashpoint(Point.FIELDS_SENT)


def _send_status(values: Values, document_id: str, work: Work) -> None:
    if values.status is not None:
        work.docflo.update_status(document_id, values.status)
        crashpoint(Point.STATUS_SENT)


def _wanted(delivery: Delivery, pipeline: Pipeline, work: Work) -> Values:
    step = pipeline.write_back
    now = delivery.delivered_at or work.clock()  # the same at each try
    fields = {name: _value(source, delivery, now) for name, source in step.fields.items()} if step else {}
    if pipeline.write_back_dead is not None and delivery.notice_shown_at is not None:
        # It went through: what was said when it was set aside is not true any more.
        fields = {**dict.fromkeys(pipeline.write_back_dead.fields), **fields}
    return Values(fields=fields, status=step.status if step else None)


def _missing(wanted: Values, claim: Claim, work: Work) -> Values:
    """Give what is still to be sent. A first try costs no reading; what a lost answer leaves is looked at."""
    if not wanted.fields and wanted.status is None:
        return wanted
    if claim.delivery.attempts > 0 or claim.is_takeover:
        return wanted.without(work.docflo.document(claim.delivery.document_id))
    known = claim.delivery.fields_shown
    if known is not None and known == wanted.fingerprint():
        return structs.replace(wanted, fields={})
    return wanted


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
