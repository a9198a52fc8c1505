"""Let the target show the original file beside the record. No delivery waits for it or is changed by it.

An errand of its own, with its own attempts and its own breaker: a file that is too large, a target without
room or a right to files that is missing keeps no record out and no write-back waiting.
"""

from dataclasses import dataclass
from hashlib import sha256
from tempfile import TemporaryFile
from typing import BinaryIO
from urllib.parse import quote

import structlog

from connector.adapters.base import OriginalFile, OriginalLink, ShowsOriginals
from connector.calls import under_way
from connector.crashpoint import Point, crashpoint
from connector.docflo.budget import Lane
from connector.docflo.download import Received, TooLargeError
from connector.errors import ConnectorError, LeaseLostError, RejectedError, ThrottledError
from connector.exchanges import noted, told
from connector.ledger.delivery import LIVE
from connector.ledger.original import OriginalState, OriginalTurn
from connector.pipeline.breaker import Admission, opens
from connector.pipeline.definition import Pipeline
from connector.pipeline.failure import DeadLetter, Retry, Wait, decide, proves_absence
from connector.pipeline.original_settings import Larger, OriginalSettings
from connector.pipeline.work import Work

log = structlog.get_logger(__name__)

_NOT_FOUND = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Whose original is to be shown, where, and how."""

    turn: OriginalTurn
    pipeline: Pipeline
    settings: OriginalSettings
    adapter: ShowsOriginals
    work: Work

    @property
    def document_id(self) -> str:
        """The document in Docflo."""
        return self.turn.delivery.document_id

    def key(self, fingerprint: str) -> str:
        """Give what the target knows an original by: the document and its contents, whatever the pipeline."""
        parts = (self.pipeline.tenant_id, self.document_id, fingerprint)
        return ":".join(quote(part, safe="-_.~") for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """How an errand ended."""

    state: OriginalState
    target_id: str | None = None
    detail: str | None = None


def attach_next(pipeline: Pipeline, work: Work) -> bool:
    """Carry the one original that has been due the longest. False: none, or not now."""
    settings, adapter = pipeline.original, pipeline.adapter
    if settings is None or not isinstance(adapter, ShowsOriginals):
        return False
    if work.backfill_id != LIVE:
        return False  # `run` and `sync` carry its files; a backfill ends with its deliveries
    if pipeline.is_in_maintenance(work.clock()) or not work.store.originals.is_due(pipeline.name):
        return False
    if not work.carriers.acquire(blocking=False):
        return False
    try:
        return _take(pipeline, settings, adapter, work)
    finally:
        work.carriers.release()


def _take(pipeline: Pipeline, settings: OriginalSettings, adapter: ShowsOriginals, work: Work) -> bool:
    admission = work.breakers.admits(pipeline.original_side)
    if admission is Admission.NONE:
        return False
    try:
        if settings.policy == "file" and not _can_afford_one(work):
            return False
        turn = work.store.originals.claim(pipeline.name, owner=work.owner, lease=work.lease)
        if turn is None:
            return False
        crashpoint(Point.ORIGINAL_CLAIMED)
        _carry(Errand(turn=turn, pipeline=pipeline, settings=settings, adapter=adapter, work=work))
        return True
    finally:
        if admission is Admission.ONE:
            work.breakers.resign(pipeline.original_side)


def _can_afford_one(work: Work) -> bool:
    # Asked before anything is claimed: what waits for the next hour is not put off one by one.
    try:
        work.docflo.lane(Lane.ORIGINAL).afford(1)
    except ThrottledError:
        return False
    return True


def _carry(errand: Errand) -> None:
    """Take one through, and record what came of it."""
    turn, work = errand.turn, errand.work
    delivery = turn.delivery
    step = under_way(
        "attach_original",
        pipeline=delivery.pipeline,
        documents=(delivery.document_id,),
        deliveries=(delivery.id,),
    )
    with noted() as requests, step:
        try:
            end = _show(errand)
        except LeaseLostError:
            log.warning("original.lease_lost", **_facts(turn))
            return
        except Exception as error:  # noqa: BLE001 decided and recorded, bugs included
            _record_failure(errand, error, told(requests))
            return
    crashpoint(Point.ORIGINAL_SENT)
    work.breakers.report(errand.pipeline.original_side, [end])
    try:
        work.store.originals.ended(
            turn, end.state, target_id=end.target_id, detail=end.detail, requests=told(requests)
        )
    except LeaseLostError:
        log.warning("original.lease_lost", **_facts(turn))
        return
    crashpoint(Point.ORIGINAL_STORED)
    log.info("original.ended", **_facts(turn), state=end.state.value)


def _show(errand: Errand) -> End:
    """Ask for what may have been sent before; only then fetch the original and send it."""
    sent = errand.turn.original.fingerprint
    if sent is not None:
        target_id = errand.adapter.show_original(errand.key(sent), errand.turn.original.receipt_id)
        if target_id is not None:
            is_link = errand.settings.link is not None and sent == _link_fingerprint(errand)
            return End(state=OriginalState.LINKED if is_link else OriginalState.ATTACHED, target_id=target_id)
    if errand.settings.policy == "link":
        return _show_link(errand)
    # A file without a name: whatever happens to this process, nothing of it stays behind.
    with TemporaryFile() as contents:
        return _show_file(errand, contents)


def _show_file(errand: Errand, contents: BinaryIO) -> End:
    try:
        received = _receive(errand, contents)
    except TooLargeError:
        return _show_larger(errand)
    except RejectedError as error:
        if error.remote is None or error.remote.status != _NOT_FOUND:
            raise
        return End(state=OriginalState.ABSENT, detail=error.message)
    crashpoint(Point.ORIGINAL_READ)
    if not received.size:
        return End(state=OriginalState.ABSENT, detail="the file in Docflo is empty")
    original = OriginalFile(
        key=errand.key(received.sha256),
        name=received.name,
        content_type=received.content_type,
        contents=contents,
        size=received.size,
    )
    return End(state=OriginalState.ATTACHED, target_id=_add(errand, original, received.sha256))


def _receive(errand: Errand, contents: BinaryIO) -> Received:
    docflo = errand.work.docflo.lane(Lane.ORIGINAL)
    return docflo.receive_original(errand.document_id, contents, most=errand.settings.most_bytes)


def _show_larger(errand: Errand) -> End:
    message = f"the file in Docflo is larger than {errand.settings.max_mb} MB"
    match errand.settings.larger:
        case Larger.LINK:
            return _show_link(errand)
        case Larger.SKIP:
            return End(state=OriginalState.LEFT_OUT, detail=message)
        case Larger.REFUSE:
            raise RejectedError(message, remedy="raise original.max_mb, then `deliveries attach`")


def _show_link(errand: Errand) -> End:
    url, fingerprint = errand.settings.address(errand.document_id), _link_fingerprint(errand)
    name = errand.turn.delivery.headline.number or errand.document_id
    original = OriginalLink(key=errand.key(fingerprint), name=name, url=url)
    return End(state=OriginalState.LINKED, target_id=_add(errand, original, fingerprint))


def _link_fingerprint(errand: Errand) -> str:
    return sha256(errand.settings.address(errand.document_id).encode()).hexdigest()


def _add(errand: Errand, original: OriginalFile | OriginalLink, fingerprint: str) -> str:
    """Send what the target does not have; "sent, answer unknown" is on record before."""
    adapter, work, receipt_id = errand.adapter, errand.work, errand.turn.original.receipt_id
    target_id = adapter.show_original(original.key, receipt_id)
    if target_id is not None:
        return target_id
    originals = work.store.originals
    turn = originals.doubt(errand.turn, fingerprint, lease=work.lease, settle=errand.pipeline.settle)
    crashpoint(Point.ORIGINAL_SENDING)
    try:
        with under_way("add_original", side=errand.pipeline.side):
            return adapter.add_original(original, receipt_id)
    except ConnectorError as error:
        if proves_absence(error):
            originals.undoubt(turn)
        raise


def _record_failure(errand: Errand, error: Exception, requests: str | None) -> None:
    turn, work = errand.turn, errand.work
    now = work.clock()
    held_until = work.breakers.report(errand.pipeline.original_side, [error])
    decision = decide(error, attempts=turn.original.attempts, now=now, jitter=work.jitter())
    if held_until is not None and opens(error):
        decision = Wait(failure=decision.failure, due_at=held_until)
    facts = {**_facts(turn), "error": decision.failure.error_class, "code": decision.failure.code}
    if not isinstance(error, ConnectorError):
        log.error("original.bug", **facts, exc_info=error)
    try:
        match decision:
            case DeadLetter(failure=failure):
                work.store.originals.died(turn, failure, requests)
                log.warning("original.dead", **facts, reason=failure.reason)
            case Retry(failure=failure, due_at=due_at):
                # A request may have been under way until now: it must have taken effect before the next asks.
                due_at = max(due_at, now + errand.pipeline.settle)
                work.store.originals.retry(turn, failure, due_at, requests)
                log.warning("original.retry", **facts, due_at=due_at.isoformat())
            case Wait(failure=failure, due_at=due_at):
                work.store.originals.wait(turn, failure, due_at)
                log.info("original.wait", **facts, due_at=due_at.isoformat())
    except LeaseLostError:
        log.warning("original.lease_lost", **_facts(turn))


def _facts(turn: OriginalTurn) -> dict[str, str]:
    return {"pipeline": turn.delivery.pipeline, "document_id": turn.delivery.document_id}
