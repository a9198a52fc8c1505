"""A document that Docflo named: the copy from the API goes the way of every listed document into the ledger.

A hint is only a reason to look sooner. What comes of it here, polling finds as well.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from msgspec import structs

from connector.docflo.budget import Lane
from connector.document import Document
from connector.errors import RejectedError
from connector.ledger.delivery import OnChange
from connector.pipeline.breaker import listing_of
from connector.pipeline.definition import Pipeline
from connector.pipeline.discover import discovery
from connector.pipeline.found import found
from connector.pipeline.gather import is_wanted
from connector.pipeline.work import Work

log = structlog.get_logger(__name__)


def look_at(document_id: str, pipelines: Sequence[Pipeline], work: Work) -> bool:
    """Fetch one document and store it for every pipeline that wants it. False: look again soon.

    Raises: what the client raises; nothing is stored then.
    """
    began = work.clock()
    docflo = work.docflo.lane(Lane.WEBHOOK)
    try:
        with listing_of(work.breakers):
            document = docflo.document(document_id)
    except RejectedError as error:
        log.info("webhook.no_document", document_id=document_id, reason=error.message)
        return True  # deleted, or another tenant's
    taken = [_take_in(document, pipeline, work, began) for pipeline in pipelines]
    return all(taken)


def _take_in(document: Document, pipeline: Pipeline, work: Work, began: datetime) -> bool:
    is_ready = is_wanted(document, pipeline.statuses, pipeline)
    is_done = pipeline.on_change is not OnChange.IGNORE and is_wanted(
        document, pipeline.done_statuses, pipeline
    )
    if not (is_ready or is_done) or not document.has_fields:
        return True
    with discovery(pipeline, work) as turn:
        if turn is None:
            return False
        last = work.store.checkpoint(pipeline.name)
        if last is not None and last.moved_at >= began:
            return False  # a listing that ended meanwhile may have stored a later copy than ours
        listed = work.store.record_listing(
            pipeline.name,
            [structs.replace(found(document, pipeline), is_ready=is_ready)],
            None,
            on_change=pipeline.on_change,
            held=turn.held,
        )
    log.info(
        "webhook.looked_at", pipeline=pipeline.name, document_id=document.id, new=listed.new, busy=listed.busy
    )
    return not listed.busy
