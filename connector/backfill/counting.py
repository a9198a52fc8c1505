"""Counting what a range holds with cheap requests, and cutting it into windows. Stores nothing.

A sorted list is walked: the row after so many others tells where the next window begins. That costs one small
request a window, and no `skip` is ever deep. The first cut is proven; where a server does not do as asked,
the list is read as a whole, by the reader that trusts nothing.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from http import HTTPStatus
from itertools import product

import structlog

from connector.docflo.outgoing import DocumentQuery
from connector.document import Document
from connector.errors import RejectedError
from connector.ledger.backfill import Part
from connector.pipeline.definition import Pipeline
from connector.pipeline.joining import TICK
from connector.pipeline.listing import CREATED, OVERLAP, Lister, Quirk, read_window

log = structlog.get_logger(__name__)

SIZE = 500  # documents of a window: few enough to be held in memory, enough that its last page costs little
DAY = timedelta(days=1)
_ONE_GO = 200  # requests after which what a whole reading has seen is let go


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Creation times from one moment to another, which is not part of it."""

    start: datetime
    end: datetime


def count_parts(
    pipeline: Pipeline, over: Range, docflo: Lister, before_request: Callable[[], None], size: int = SIZE
) -> tuple[Part, ...]:
    """Give the windows of a range, of each type and status by itself, oldest first, with their documents.

    Raises: what the client raises.
    """
    parts = [
        part
        for type_, status in product(pipeline.types, pipeline.statuses)
        for part in count_list(type_, status, over, docflo, before_request, size)
    ]
    return tuple(sorted(parts, key=lambda part: part.created_from))


def count_list(
    type_: str,
    status: str,
    over: Range,
    docflo: Lister,
    before_request: Callable[[], None],
    size: int = SIZE,
) -> Iterator[Part]:
    """Give the windows of one type and status one after the other, as they are counted.

    Raises: what the client raises.
    """
    counting = _Counting(type_, status, docflo, before_request, size)
    rest = over
    try:
        for part in counting.walk(over):
            yield part
            rest = replace(rest, start=part.created_to)
    except _UntrustedError as untrusted:
        log.info("backfill.read_whole", type=type_, status=status, reason=str(untrusted))
        yield from counting.read_whole(rest)


class _UntrustedError(Exception):
    """The server did not do as asked."""


class _Counting:
    """The list of one type and status."""

    def __init__(
        self, type_: str, status: str, docflo: Lister, before_request: Callable[[], None], size: int
    ) -> None:
        self._query = DocumentQuery(type=type_, status=status, sort_by=CREATED, sort_order="asc")
        self._docflo = docflo
        self._before_request = before_request
        self._size = size

    def walk(self, over: Range) -> Iterator[Part]:
        """Go from window to window."""
        rest = over
        while (rows := self._border(rest)) is not None:
            last, border = rows
            window = Range(start=rest.start, end=border)
            if rest == over:
                self._prove(window, is_full=last < border)
            # Of several with one creation time, the first may lie before the last row of a full window.
            yield self._part(window, self._size if last < border else self._count(window))
            rest = replace(rest, start=border)
        yield self._part(rest, self._count(rest))

    def read_whole(self, over: Range) -> list[Part]:
        """Read every row, and cut between two days: that holds whatever a server takes for a time."""
        times, quirks = self._times(over)
        if Quirk.CREATED_FROM in quirks:
            # Every window would be the whole list: it is read once.
            return [self._part(over, len(times))]
        parts, start = [], over.start
        for border in _borders(times, self._size):
            if start < border < over.end:
                inside = sum(start <= moment < border for moment in times)
                parts.append(self._part(Range(start=start, end=border), inside))
                start = border
        inside = sum(moment >= start for moment in times)
        return [*parts, self._part(Range(start=start, end=over.end), inside)]

    def _border(self, rest: Range) -> tuple[datetime, datetime] | None:
        """Give when the last row of a full window and the next one were created; None when it is not full."""
        rows = self._rows(rest, skip=self._size - 1, top=2)
        if len(rows) < 2:  # noqa: PLR2004 one on either side
            return None
        border = rows[1].replace(microsecond=rows[1].microsecond // 1000 * 1000)
        if border >= rest.end:
            return None
        if border <= rest.start:
            raise _UntrustedError("`skip` is ignored, or very many documents have one creation time")
        return rows[0], border

    def _prove(self, window: Range, *, is_full: bool) -> None:
        """Tell whether the list of a closed window ends where it should."""
        closed = replace(window, end=window.end - 2 * TICK)
        shown = self._rows(closed, skip=self._size - OVERLAP, top=2 * OVERLAP)
        if len(shown) > OVERLAP or (is_full and len(shown) < OVERLAP):
            raise _UntrustedError("`skip`, the order or createdTo is not honoured")

    def _count(self, rest: Range) -> int:
        """Count a list of at most a window's worth of rows: ever further, then in halves."""
        page = self._docflo.page_size
        low, high, skip = 0, self._size, 0
        while low < high:
            shown = self._rows(rest, skip=skip, top=page)
            rows = [moment for moment in shown if moment < rest.end]
            if not rows:
                high = skip
            elif len(rows) < page:
                return min(self._size, skip + len(rows))
            else:
                low = skip + len(rows)
            is_bounded = high < self._size
            skip = max(low, (low + high - page) // 2 if is_bounded else min(2 * low - page, high - 1))
        return min(low, self._size)

    def _rows(self, over: Range, *, skip: int, top: int) -> list[datetime]:
        """Give the creation times of some rows of a range; its end may be among them.

        Raises: _UntrustedError when the server shows anything else.
        """
        query = replace(
            self._query, created_from=over.start - TICK, created_to=over.end + TICK, skip=skip, top=top
        )
        self._before_request()
        try:
            page = self._docflo.list_documents(query)
        except RejectedError as error:
            if error.remote is None or error.remote.status != HTTPStatus.BAD_REQUEST:
                raise
            raise _UntrustedError("the question is refused") from error
        if page.unreadable or not all(_is_asked_for(document, query) for document in page.documents):
            raise _UntrustedError("a filter is not honoured, or a row cannot be read")
        return [document.created_on for document in page.documents if document.created_on is not None]

    def _times(self, over: Range) -> tuple[list[datetime], set[Quirk]]:
        query = replace(self._query, created_from=over.start - TICK, created_to=over.end + TICK)
        times: dict[str, datetime] = {}
        quirks: set[Quirk] = set()
        rest: DocumentQuery | None = query
        most = _ONE_GO * self._docflo.page_size  # each row without fields counts as one
        while rest is not None:
            window = read_window(rest, self._docflo, before_request=self._before_request, most=most)
            quirks |= window.quirks
            times |= {
                document.id: document.created_on or over.start
                for document in window.documents
                if document.status in {None, query.status} and document.type in {None, query.type}
            }
            rest = window.rest
        return sorted(moment for moment in times.values() if over.start <= moment < over.end), quirks

    def _part(self, window: Range, total: int) -> Part:
        return Part(
            type=self._query.type or "",
            status=self._query.status or "",
            created_from=window.start,
            created_to=window.end,
            total=total,
        )


def _is_asked_for(document: Document, query: DocumentQuery) -> bool:
    return (
        document.created_on is not None
        and query.created_from is not None
        and document.created_on >= query.created_from
        and document.status in {None, query.status}
        and document.type in {None, query.type}
    )


def _borders(times: Sequence[datetime], size: int) -> Iterator[datetime]:
    for moment in times[size::size]:
        yield datetime.combine(moment.astimezone(UTC).date(), time.min, tzinfo=UTC)
