"""Reading one window of Docflo's list completely, and proving it. Nothing is stored or judged here.

The list moves while it is read, and the server may ignore what it is asked. So each page must join the one
before by rows that both show; a reading that ends without proof is done again, then split in time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from http import HTTPStatus
from itertools import pairwise
from typing import Protocol

from connector.crashpoint import Point, crashpoint
from connector.docflo.outgoing import DocumentQuery
from connector.docflo.wire import DocumentPage
from connector.document import Document
from connector.errors import RejectedError, UnexpectedResponseError

OVERLAP = 3  # rows that a page repeats of the one before: the proof that nothing moved in between
READINGS = 3  # of a window that moves while it is read, before it is split
LAST_READINGS = 5  # more of one that cannot be split
MAX_PAGES = 10_000  # a guard against a server that never ends its list
SMALLEST_CAP = 10  # rows of one creation time that are not taken for a page that was cut short
BEYOND = 1_000_000  # a row that no list of ours has
TICK = timedelta(milliseconds=1)  # what a query can tell apart
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
    query: DocumentQuery, docflo: Lister, *, before_request: Callable[[], None] = lambda: None
) -> Window:
    """List everything that fits `query`, in about rows / (page size - OVERLAP) + 1 requests.

    Shape:   each document once, as last seen; also what a server shows that was not asked for
    Raises:  UnexpectedResponseError when completeness cannot be had: `skip` and the time filter are ignored
    """
    reading = _Reading(docflo, before_request)
    sorted_query = replace(query, sort_by=CREATED, sort_order="asc")
    documents = reading.read(sorted_query)
    return Window(documents=tuple(documents.values()), quirks=frozenset(reading.quirks))


class _Ending(Enum):
    PROVEN = auto()  # joined without a gap, to the end
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

    def __init__(self, docflo: Lister, before_request: Callable[[], None]) -> None:
        self.quirks: set[Quirk] = set()
        self._docflo = docflo
        self._before_request = before_request
        self._largest = 0  # rows of the largest page seen: no cap is below it
        self._skips: bool | None = None  # whether `skip` works; None until there was a reason to ask

    def read(self, query: DocumentQuery) -> Mapping[str, Document]:
        """Read until proven: the window, or the parts that it takes."""
        found: dict[str, Document] = {}
        splits: list[_Split] = []
        parts = [_Part(query=query)]
        while parts:
            part = parts.pop()
            ending, seen = self._window(part.query)
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
        return found

    def _window(self, query: DocumentQuery) -> tuple[_Ending, dict[str, Document]]:
        seen: dict[str, Document] = {}
        for _ in range(READINGS):
            ending, found = self._pages(query)
            if ending is _Ending.PROVEN:
                return ending, found
            seen |= found
            if ending is _Ending.STUCK:
                return ending, seen
        return _Ending.MOVED, seen

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
            ending, found = self._pages(query)
            if ending is _Ending.PROVEN:
                return {**seen, **found}
            if found.keys() <= seen.keys():
                break
            seen |= found
        self.quirks.add(Quirk.SHIFTING)
        return seen

    def _pages(self, query: DocumentQuery) -> tuple[_Ending, dict[str, Document]]:
        """Read page after page, once. A short page ends nothing."""
        page = self._page(query, 0)
        found = _by_id(page)
        if Quirk.SKIP in self.quirks:
            return self._only_page(page), found
        if not page:
            return _Ending.PROVEN, found
        rows = list(_ids(page))
        for _ in range(MAX_PAGES):
            # At least one row further, also where a page holds fewer rows than the overlap.
            skip = len(rows) - min(OVERLAP, len(page) - 1)
            try:
                page = self._page(query, skip)
            except RejectedError as error:
                if not _is_refused(error):
                    raise
                return _Ending.STUCK, found  # some servers lead to a certain row and no further
            found |= _by_id(page)
            new = _continuation(rows, skip, _ids(page))
            begins_again = bool(page) and page[0].id == rows[0]
            if (new is None or begins_again) and self._ignores_skip(query):
                return self._only_page(page), found
            if new is None:
                return _Ending.MOVED, found
            if not set(new) - set(rows):
                # More than the overlap and still nothing new: something came in front, or `skip` has a limit.
                is_end = len(page) <= len(rows) - skip
                return (_Ending.PROVEN if is_end else _Ending.MOVED), found
            rows += new
        raise UnexpectedResponseError(f"Docflo's list does not end: {len(rows)} rows so far")

    def _only_page(self, page: Sequence[Document]) -> _Ending:
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

    def _page(self, query: DocumentQuery, skip: int) -> tuple[Document, ...]:
        self._before_request()
        page = self._ask(query.page(skip)).documents
        crashpoint(Point.PAGE_READ)
        self._largest = max(self._largest, len(page))
        self.quirks |= set(_odd(query, page))
        if query.sort_by and Quirk.SORT_REFUSED not in self.quirks and not is_ascending(page):
            self.quirks.add(Quirk.SORT)
        return page

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


def _continuation(rows: Sequence[str], skip: int, shown: Sequence[str]) -> Sequence[str] | None:
    """Give what `shown`, a page from row `skip`, adds to `rows`; None when it does not join without a gap.

    A few rows that came or left in front move the joint, and it still proves that none lies between.
    """
    if skip == len(rows):
        return shown  # pages of one row: there is nothing to compare
    if not shown:
        return None
    starts = (skip, *(place for place, row in enumerate(rows) if row == shown[0]))
    for start in starts:
        joint = rows[start:]
        if list(shown[: len(joint)]) == list(joint):
            return shown[len(joint) :]
    return None


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
    inside = {document.created_on for document in documents if _is_inside(document.created_on, query)}
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


def _is_inside(time: datetime | None, query: DocumentQuery) -> bool:
    return (
        time is not None
        and (query.created_from is None or time >= query.created_from)
        and (query.created_to is None or time <= query.created_to)
    )


def is_ascending(page: Sequence[Document]) -> bool:
    """Tell whether the creation times never go back; unknown ones say nothing."""
    times = [document.created_on for document in page if document.created_on is not None]
    return all(earlier <= later for earlier, later in pairwise(times))


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


def _ids(page: Sequence[Document]) -> tuple[str, ...]:
    return tuple(document.id for document in page)


def _by_id(page: Sequence[Document]) -> dict[str, Document]:
    return {document.id: document for document in page}
