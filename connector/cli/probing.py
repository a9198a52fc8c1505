"""What `check` finds out about a Docflo server's listing: a handful of cheap requests, each asked once.

Everything found here is survived by a listing, at the price of requests; a person should know the price.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.document import STATUSES, Document
from connector.errors import RejectedError
from connector.pipeline.joining import is_ascending
from connector.pipeline.listing import CREATED, Quirk

FEW = 5
DAY = timedelta(days=1)
MOMENT = timedelta(seconds=1)  # a server may keep times to the second


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What the server does not do as asked, each in words, and what it costs."""

    oddities: tuple[str, ...]
    documents: int  # how many documents the answers showed: with fewer than two, little can be told


def probe_listing(docflo: DocfloClient, type_: str) -> Probed:
    """Ask for the same few documents in several ways and compare the answers."""
    query = DocumentQuery(type=type_, top=FEW, sort_by=CREATED, sort_order="asc")
    refused: tuple[str, ...] = ()
    try:
        first = docflo.list_documents(query).documents
    except RejectedError:
        refused = (f"{Quirk.SORT_REFUSED}: one request more per listing, and sweeps from `since`",)
        query = replace(query, sort_by=None, sort_order=None)
        first = docflo.list_documents(query).documents
    last = docflo.list_documents(replace(query, sort_order="desc")).documents if not refused else ()
    seen = (*first, *last)
    oddities = (
        *refused,
        *_sorting(first, last),
        *_paging(docflo, query, first),
        *_filters(docflo, query, seen),
        *_cap(docflo, type_, first),
    )
    return Probed(oddities=oddities, documents=len({document.id for document in seen}))


def _sorting(first: tuple[Document, ...], last: tuple[Document, ...]) -> Iterator[str]:
    if last and not (is_ascending(first) and is_ascending(last[::-1])):
        yield f"{Quirk.SORT}: sweeps list from `since`"


def _paging(docflo: DocfloClient, query: DocumentQuery, first: tuple[Document, ...]) -> Iterator[str]:
    if len(first) > FEW:
        yield f"top is ignored: {len(first)} documents came instead of {FEW}"
    if len(first) < 2:  # noqa: PLR2004 one document has no second
        return
    skipped = docflo.list_documents(query.page(1)).documents
    if skipped and skipped[0].id == first[0].id:
        yield f"{Quirk.SKIP}: listings are split in time, with about twice the requests"


def _filters(docflo: DocfloClient, query: DocumentQuery, seen: tuple[Document, ...]) -> Iterator[str]:
    if any(document.type not in {None, query.type} for document in seen):
        yield f"{Quirk.TYPE}: every listing reads documents of every type"
    # A status that the documents seen do not have: they come again only where it is ignored.
    other = next((status for status in STATUSES if all(document.status != status for document in seen)), None)
    filtered = docflo.list_documents(replace(query, status=other)).documents if other else ()
    if any(document.status not in {None, other} for document in filtered):
        yield f"{Quirk.STATUS}: every listing reads documents of every status"
    times = [document.created_on for document in seen if document.created_on is not None]
    if not times:
        return
    newest = max(times)
    shown = docflo.list_documents(replace(query, created_from=newest + MOMENT)).documents
    yield from _start(newest, shown)


def _start(newest: datetime, shown: tuple[Document, ...]) -> Iterator[str]:
    # Asked for what came after the newest: a server that reads the day shows at least that one, be it alone
    # in its day.
    earlier = [
        newest - document.created_on
        for document in shown
        if document.created_on is not None and document.created_on <= newest
    ]
    if earlier:
        quirk = Quirk.CREATED_FROM_DAYS if max(earlier) < DAY else Quirk.CREATED_FROM
        yield f"{quirk}: listings read more than they need"


def _cap(docflo: DocfloClient, type_: str, first: tuple[Document, ...]) -> Iterator[str]:
    if len(first) < FEW:
        return
    query = DocumentQuery(type=type_)
    shown = len(docflo.list_documents(query).documents)
    if shown < docflo.page_size and docflo.list_documents(query.page(shown)).documents:
        yield f"pages hold at most {shown} documents, not {docflo.page_size}: set docflo.page_size to {shown}"
