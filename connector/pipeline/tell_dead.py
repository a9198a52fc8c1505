"""Tell Docflo why a document is dead, and send it back to its reviewer. Changes no state of the delivery.

The reviewer's correction revives the delivery by itself: the next listing finds another digest.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog

from connector.document import Document
from connector.errors import ConnectorError
from connector.exchanges import noted, told
from connector.ledger.delivery import Delivery, Notice
from connector.pipeline.definition import Pipeline, WriteBack
from connector.pipeline.failure import DeadLetter, Retry, Wait, decide
from connector.pipeline.found import digest
from connector.pipeline.work import Work
from connector.pipeline.write_back import Values, write_values

log = structlog.get_logger(__name__)

LONGEST_REASON = 500  # characters: a field for people, not a log


def tell_dead(notices: Sequence[Notice], pipeline: Pipeline, work: Work) -> None:
    """Write the reason of each dead letter into its document; each is an errand of its own."""
    step = pipeline.write_back_dead
    if step is None:
        return
    for notice in notices:
        with noted() as requests:
            try:
                _tell(notice.delivery, step, pipeline, work)
            except ConnectorError as error:
                _record_failure(notice, error, told(requests), work)
                continue
            except Exception as error:  # a bug at one document must not keep the others waiting
                log.exception("notice.bug", **_facts(notice))
                _record_failure(notice, error, told(requests), work)
                continue
        if work.store.notice_told(notice, told(requests)):
            log.info("notice.told", **_facts(notice))


def _tell(delivery: Delivery, step: WriteBack, pipeline: Pipeline, work: Work) -> None:
    shown = work.docflo.document(delivery.document_id)
    if _is_corrected(shown, delivery, pipeline):
        return  # the next listing finds it: what we would say is not true of it any more
    fields = {name: _value(source, delivery, work.clock()) for name, source in step.fields.items()}
    # Where a person moved it on meanwhile, it stays.
    is_still_ready = shown.status is None or shown.status in pipeline.statuses
    status = step.status if is_still_ready else None
    write_values(work, delivery.document_id, Values(fields=fields, status=status).without(shown))


def _is_corrected(shown: Document, delivery: Delivery, pipeline: Pipeline) -> bool:
    now = digest(shown, ignoring=pipeline.own_fields, watching=pipeline.mapping.watches)
    return shown.has_fields and now != delivery.digest


def _value(source: str, delivery: Delivery, now: datetime) -> str:
    match source:
        case "reason":
            return delivery.failure.reason[:LONGEST_REASON] if delivery.failure else "set aside"
        case "today()":
            return now.date().isoformat()
        case "now()":
            return now.isoformat()
        case _:
            message = f"unknown write-back value {source}"
            raise ValueError(message)


def _record_failure(notice: Notice, error: Exception, requests: str | None, work: Work) -> None:
    attempts = notice.delivery.notice_attempts
    decision = decide(error, attempts=attempts, now=work.clock(), jitter=work.jitter())
    facts = {**_facts(notice), "error": decision.failure.error_class}
    match decision:
        case DeadLetter(failure=failure):
            work.store.notice_given_up(notice, failure, requests)
            log.warning("notice.given_up", **facts, reason=failure.reason)
        case Retry(failure=failure, due_at=due_at):
            work.store.notice_later(notice, failure, due_at, attempts + 1)
            log.warning("notice.retry", **facts, due_at=due_at.isoformat())
        case Wait(failure=failure, due_at=due_at):
            work.store.notice_later(notice, failure, due_at, attempts)
            log.info("notice.wait", **facts, due_at=due_at.isoformat())


def _facts(notice: Notice) -> dict[str, str]:
    return {"pipeline": notice.delivery.pipeline, "document_id": notice.delivery.document_id}
