"""The low-water mark: how far back a document may still wait for its approval. Asks, and stores nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import product

import structlog

from connector.docflo.outgoing import DocumentQuery
from connector.errors import RejectedError
from connector.pipeline.definition import Pipeline
from connector.pipeline.listing import CREATED, Lister

log = structlog.get_logger(__name__)

# Days, because a server may read creation times as days, in a time zone of its own.
PROVEN = timedelta(days=2)  # before the oldest document: nothing is there, the server says
MARGIN = timedelta(days=3)  # before the oldest document: the mark


def low_water_mark(
    pipeline: Pipeline, docflo: Lister, *, latest: datetime, before_request: Callable[[], None]
) -> datetime | None:
    """Give a time before which no document is in an open status, at most `latest`.

    None when the server cannot be trusted to tell: then everything since `since` is swept.
    """
    mark = latest
    for type_, status in product(pipeline.types, pipeline.open_statuses):
        try:
            oldest = _oldest(DocumentQuery(type=type_, status=status, top=1), docflo, before_request)
        except _UnknownError as unknown:
            log.info("discover.no_mark", pipeline=pipeline.name, status=status, reason=str(unknown))
            return None
        if oldest is not None:
            mark = min(mark, oldest - MARGIN)
    return mark


class _UnknownError(Exception):
    """The server did not prove which document is the oldest."""


def _oldest(query: DocumentQuery, docflo: Lister, before_request: Callable[[], None]) -> datetime | None:
    rows = _ask(replace(query, sort_by=CREATED, sort_order="asc"), docflo, before_request)
    if not rows:
        return None
    oldest = min(rows)
    # "Sorted" is a claim. That nothing comes out before the first row proves it.
    if _ask(replace(query, created_to=oldest - PROVEN), docflo, before_request):
        raise _UnknownError("sortBy or createdTo is not honoured")
    return oldest


def _ask(query: DocumentQuery, docflo: Lister, before_request: Callable[[], None]) -> list[datetime]:
    before_request()
    try:
        page = docflo.list_documents(query)
    except RejectedError as error:
        if error.remote is None or error.remote.status != HTTPStatus.BAD_REQUEST:
            raise
        raise _UnknownError("the question is refused") from error
    times = [document.created_on for document in page.documents if document.status in {None, query.status}]
    known = [time for time in times if time is not None]
    if len(known) < len(page.documents):
        raise _UnknownError("the status filter is not honoured, or creation times are not told")
    return known
