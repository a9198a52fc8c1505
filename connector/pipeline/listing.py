"""Reading one window of Docflo's list completely, and proving it. Nothing is stored or judged here.

The list moves while it is read, and the server may ignore what it is asked. So each page must join the one
before by rows that both show; a reading that ends without proof is done again, then split in time. A long one
can stop at a border: what lies on one side of it is proven, the other side is left for the next reading.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from http import HTTPStatus
from typing import Protocol

from connector.crashpoint import Point, crashpoint
from connector.docflo.outgoing import DocumentQuery
from connector.docflo.wire import DocumentPage, UnreadableRow
from connector.document import Document
from connector.errors import RejectedError, UnexpectedResponseError
from connector.pipeline.joining import (
    TICK,
    Border,
    Row,
    as_row,
    borders,
    continuation,
    is_ascending,
    is_inside,
)

OVERLAP = 3  # rows that a page repeats of the one before: the proof that nothing moved in between
READINGS = 3  # of a window that moves while it is read, before it is split
LAST_READINGS = 5  # more of one that cannot be split
MAX_PAGES = 10_000  # a guard against a server that never ends its list
SMALLEST_CAP = 10  # rows of one creation time that are not taken for a page that was cut short
BEYOND = 1_000_000  # a row that no list of ours has
DAY = timedelta(days=1)
CREATED = "createdOn"


class Quirk(StrEnum):
    """What the server did not do as asked. Each is survived, at the price of requests."""

    SKIP = "skip is ignored"
    SORT = "sortBy is ignored"
    SORT_REFUSED = "sortBy is refused"
    STATUS = "the status filter is ignored"
    TYPE = "the type filter is ignored"
    CREATED_FROM = "createdFrom is ignored"
    CREATED_FROM_DAYS = "createdFrom is read as a day"
    SHIFTING = "the list kept moving while it was read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """All documents of one query, each once, and what was odd on the way."""

    documents: tuple[Document, ...]
    quirks: frozenset[Quirk]
    unreadable: tuple[UnreadableRow, ...] = ()  # rows that are no documents as we know them
    rest: DocumentQuery | None = None  # what of the query was left unread; None: nothing

    @property
    def is_proven(self) -> bool:
        """Whether the end was reached without a gap."""
        return Quirk.SHIFTING not in self.quirks


class Lister(Protocol):
    """The part of the Docflo client that is needed here."""

    @property
    def page_size(self) -> int:
        """Rows asked for with one request."""
        ...

    def list_documents(self, query: DocumentQuery) -> DocumentPage:
        """Give one page."""
        ...


def read_window(
    query: DocumentQuery,
    docflo: Lister,
    *,
    before_request: Callable[[], None] = lambda: None,
    most: int | None = None,
) -> Window:
    """List everything that fits `query`, in about rows / (page size - OVERLAP) + 1 requests.

    After `most` requests it stops as soon as a part is proven and the `rest` can be asked for by itself. A
    document that came without its fields counts as a request: somebody will have to fetch it.

    Shape:   each document once, as last seen; also what a server shows that was not asked for
    Raises:  UnexpectedResponseError when completeness cannot be had: `skip` and the time filter are ignored
    """
    reading = _Reading(docflo, before_request, most)
    sorted_query = replace(query, sort_by=CREATED, sort_order="asc")
    documents, rest = reading.read(sorted_query)
    return Window(
        documents=tuple(documents.values()),
        quirks=frozenset(reading.quirks),
        unreadable=tuple(reading.unreadable.values()),
        rest=rest,
    )


class _Ending(Enum):
    PROVEN = auto()  # joined without a gap, to the end
    BORDER = auto()  # the same, to a border in time
    MOVED = auto()  # rows moved: there may be a gap
    STUCK = auto()  # there may be more, and no page can be asked for that shows it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    query: DocumentQuery
    whole: frozenset[str] = frozenset()  # ids of the window that this is a part of


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    early: DocumentQuery
    whole: frozenset[str]


class _Reading:
    """One listing under way: what the server was found to ignore is remembered."""

    def __init__(self, docflo: Lister, before_request: Callable[[], None], most: int | None) -> None:
        self.quirks: set[Quirk] = set()
        self.unreadable: dict[str, UnreadableRow] = {}
        self._docflo = docflo
        self._before_request = before_request
        self._most = most
        self._spent = 0  # requests, and those that documents without fields will cost
        self._next_border = most or 0  # when to look for one
        self._times: dict[str, datetime | None] = {}  # of every document seen
        self._largest = 0  # rows of the largest page seen: no cap is below it
        self._skips: bool | None = None  # whether `skip` works; None until there was a reason to ask

    def read(self, query: DocumentQuery) -> tuple[Mapping[str, Document], DocumentQuery | None]:
        """Read until proven: the window, or the parts that it takes. Give what was left for later too."""
        found: dict[str, Document] = {}
        splits: list[_Split] = []
        parts = [_Part(query=query)]
        while parts:
            rest = self._rest(query, parts, splits, found)
            if rest is not None:
                return found, rest
            part = parts.pop()
            ending, seen, left = self._window(part.query)
            if left is not None:
                found |= seen
                parts.append(replace(part, query=left))
                continue
            # A part leaves out at least one document of the whole, unless the time filter is ignored.
            has_no_effect = bool(part.whole) and part.whole <= seen.keys()
            halves = () if has_no_effect else _halves(part.query, tuple(seen.values()), ending)
            if ending is _Ending.PROVEN:
                found |= seen
            elif not halves:
                found |= self._whole(part.query, ending, seen)
            else:
                splits.append(_Split(early=halves[0], whole=frozenset(seen)))
                parts += [_Part(query=half, whole=frozenset(seen)) for half in reversed(halves)]
            while splits and not parts:
                parts = _missed(splits.pop(), found)
        return found, None

    def _rest(
        self,
        query: DocumentQuery,
        parts: Sequence[_Part],
        splits: Sequence[_Split],
        found: Mapping[str, Document],
    ) -> DocumentQuery | None:
        """Give what is left of `query`, if enough was sent and what is proven is not part of it."""
        if self._most is None or self._spent < self._most:
            return None
        starts = [part.query.created_from for part in parts]
        ends = [part.query.created_to for part in parts]
        rest = replace(
            query,
            created_from=min((start for start in starts if start is not None), default=None),
            created_to=None if None in ends else max(end for end in ends if end is not None),
        )
        if None in starts or rest == query:
            return None
        # Seen in a whole and in none of its parts so far: it must lie in what is left.
        missing = {identifier for split in splits for identifier in split.whole} - found.keys()
        is_clean = all(is_inside(self._times.get(identifier), rest) for identifier in missing)
        return rest if is_clean else None

    def _window(self, query: DocumentQuery) -> tuple[_Ending, dict[str, Document], DocumentQuery | None]:
        seen: dict[str, Document] = {}
        for _ in range(READINGS):
            ending, found, rest = self._pages(query)
            if ending in {_Ending.PROVEN, _Ending.BORDER}:
                return ending, found, rest
            seen |= found
            if ending is _Ending.STUCK:
                return ending, seen, None
        return _Ending.MOVED, seen, None

    def _whole(
        self, query: DocumentQuery, ending: _Ending, seen: dict[str, Document]
    ) -> Mapping[str, Document]:
        """Give a window that cannot be split, or say that it cannot be had."""
        if ending is _Ending.MOVED:
            return self._settle_for(query, seen)
        if len(seen) < self._docflo.page_size and (
            len(seen) < SMALLEST_CAP or self._rows_of_anything() > len(seen)
        ):
            return seen  # larger pages than this one are given, so this one was not cut short
        what = " ".join(word for word in (query.type, query.status) if word)
        message = (
            f"Docflo shows {len(seen)} {what} documents and no way to the next: `skip` does not lead "
            "further, and their creation times do not tell them apart"
        )
        raise UnexpectedResponseError(
            message, remedy="set docflo.page_size as high as the server takes; nothing was stored"
        )

    def _settle_for(self, query: DocumentQuery, seen: dict[str, Document]) -> Mapping[str, Document]:
        """Read on until a reading brings nothing new, and say that it is no proof."""
        for _ in range(LAST_READINGS):
            ending, found, _ = self._pages(query)
            if ending is _Ending.PROVEN:
                return {**seen, **found}
            if found.keys() <= seen.keys():
                break
            seen |= found
        self.quirks.add(Quirk.SHIFTING)
        return seen

    def _pages(self, query: DocumentQuery) -> tuple[_Ending, dict[str, Document], DocumentQuery | None]:
        """Read page after page, once. A short page ends nothing."""
        page = self._page(query, 0)
        found = _by_id(page)
        if Quirk.SKIP in self.quirks:
            return self._only_page(page), found, None
        if not page:
            return _Ending.PROVEN, found, None
        rows = list(page)
        for _ in range(MAX_PAGES):
            border = self._border(query, rows)
            if border is not None:
                return _Ending.BORDER, _by_id(rows[: border.place]), border.rest
            # At least one row further, also where a page holds fewer rows than the overlap.
            skip = len(rows) - min(OVERLAP, len(page) - 1)
            try:
                page = self._page(query, skip)
            except RejectedError as error:
                if not _is_refused(error):
                    raise
                return _Ending.STUCK, found, None  # some servers lead to a certain row and no further
            found |= _by_id(page)
            new = continuation(rows, skip, page)
            begins_again = bool(page) and page[0].mark == rows[0].mark
            if (new is None or begins_again) and self._ignores_skip(query):
                return self._only_page(page), found, None
            if new is None:
                return _Ending.MOVED, found, None
            if not _marks(new) - _marks(rows):
                # More than the overlap and still nothing new: something came in front, or `skip` has a limit.
                is_end = len(page) <= len(rows) - skip
                return (_Ending.PROVEN if is_end else _Ending.MOVED), found, None
            rows += new
        raise UnexpectedResponseError(f"Docflo's list does not end: {len(rows)} rows so far")

    def _border(self, query: DocumentQuery, rows: Sequence[Row]) -> Border | None:
        """Give a border such that the rows before it are proven to be all there are; None to read on."""
        if self._most is None or self._spent < self._next_border:
            return None
        for border in borders(query, rows):
            if self._ends_with(border.proven, rows[: border.place]):
                return border
        self._next_border = self._spent + self._most
        return None

    def _ends_with(self, query: DocumentQuery, rows: Sequence[Row]) -> bool:
        """Tell whether a list is as long as `rows` and ends as they do. It may be read in one request."""
        skip = max(0, len(rows) - OVERLAP)
        page = self._page(query, skip)
        is_end = len(page) < max(self._largest, self._docflo.page_size)
        return is_end and [row.mark for row in page] == [row.mark for row in rows[skip:]]

    def _only_page(self, page: Sequence[Row]) -> _Ending:
        may_be_cut = len(page) >= max(1, self._largest)
        is_full = len(page) >= self._docflo.page_size
        return _Ending.STUCK if is_full or may_be_cut else _Ending.PROVEN

    def _ignores_skip(self, query: DocumentQuery) -> bool:
        if self._skips is None:
            try:
                self._skips = not self._page(query, BEYOND)
            except RejectedError as error:
                if not _is_refused(error):
                    raise
                self._skips = True
            if not self._skips:
                self.quirks.add(Quirk.SKIP)
        return not self._skips

    def _rows_of_anything(self) -> int:
        return len(self._page(DocumentQuery(), 0))

    def _page(self, query: DocumentQuery, skip: int) -> tuple[Row, ...]:
        self._before_request()
        page = self._ask(query.page(skip))
        crashpoint(Point.PAGE_READ)
        self._largest = max(self._largest, len(page.rows))
        self._spent += 1 + sum(not document.has_fields for document in page.documents)
        self._times |= {document.id: document.created_on for document in page.documents}
        self.unreadable |= {row.mark: row for _, row in page.unreadable}
        self.quirks |= set(_odd(query, page.documents))
        if query.sort_by and Quirk.SORT_REFUSED not in self.quirks and not is_ascending(page.documents):
            self.quirks.add(Quirk.SORT)
        return tuple(map(as_row, page.rows))

    def _ask(self, query: DocumentQuery) -> DocumentPage:
        plain = replace(query, sort_by=None, sort_order=None)
        if Quirk.SORT_REFUSED in self.quirks:
            return self._docflo.list_documents(plain)
        try:
            return self._docflo.list_documents(query)
        except RejectedError as error:
            if query.sort_by is None or query.skip or not _is_refused(error):
                raise
        page = self._docflo.list_documents(plain)
        self.quirks.add(Quirk.SORT_REFUSED)
        return page


def _missed(split: _Split, found: Mapping[str, Document]) -> list[_Part]:
    """Give what to read again, because documents of the whole were in no part of it.

    They left meanwhile, or `createdTo` means the first instant of its day: a day more tells.
    """
    end = split.early.created_to
    if end is None or split.whole <= found.keys():
        return []
    return [_Part(query=replace(split.early, created_to=end + DAY), whole=split.whole)]


def _halves(
    query: DocumentQuery, documents: Sequence[Document], ending: _Ending
) -> tuple[DocumentQuery, ...]:
    """Split between two of the creation times seen; none when they do not differ.

    The parts overlap: whether a server includes the ends is not known.
    """
    inside = {document.created_on for document in documents if is_inside(document.created_on, query)}
    times = sorted(time for time in inside if time is not None)
    cuts = [
        cut
        for cut in (time.replace(microsecond=time.microsecond // 1000 * 1000) + TICK for time in times)
        if cut + TICK < times[-1]
    ]
    if not cuts:
        return ()
    cut = cuts[(len(cuts) - 1) // 2]
    # One page of a sorted list: what was seen is one part, the unknown rest is the other.
    if ending is _Ending.STUCK and is_ascending(documents):
        cut = cuts[-1]
    elif ending is _Ending.STUCK and is_ascending(documents[::-1]):
        cut = cuts[0]
    return replace(query, created_to=cut + TICK), replace(query, created_from=cut)


def _odd(query: DocumentQuery, page: Sequence[Document]) -> Iterator[Quirk]:
    for document in page:
        if query.status and document.status not in {None, query.status}:
            yield Quirk.STATUS
        if query.type and document.type not in {None, query.type}:
            yield Quirk.TYPE
        if query.created_from and document.created_on and document.created_on < query.created_from:
            is_day = query.created_from - document.created_on < DAY
            yield Quirk.CREATED_FROM_DAYS if is_day else Quirk.CREATED_FROM


def _is_refused(error: RejectedError) -> bool:
    return error.remote is not None and error.remote.status == HTTPStatus.BAD_REQUEST


def _marks(rows: Sequence[Row]) -> set[str]:
    return {row.mark for row in rows}


def _by_id(rows: Sequence[Row]) -> dict[str, Document]:
    return {row.document.id: row.document for row in rows if row.document is not None}
