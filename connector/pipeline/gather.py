"""From Docflo's listing into the ledger: what there is, read part by part, and how far we came.

What is found is stored together with what of the listing is proven, so that one that is interrupted goes on
there. A listing that fits into one reading is stored once, at its end, with the checkpoint.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from http import HTTPStatus
from itertools import product

import structlog
from msgspec import structs

from connector.crashpoint import Point, crashpoint
from connector.docflo.outgoing import DocumentQuery
from connector.docflo.wire import UnreadableRow
from connector.document import Document
from connector.errors import (
    ConnectorError,
    RejectedError,
    StoppingError,
    ThrottledError,
    UnavailableError,
    UnexpectedResponseError,
)
from connector.ledger.delivery import Checkpoint, Found, OnChange, Progress, Unreadable
from connector.ledger.lease import Lease
from connector.ledger.listing import Listed
from connector.pipeline.breaker import DOCFLO
from connector.pipeline.definition import Pipeline
from connector.pipeline.found import found
from connector.pipeline.listing import Quirk, Window, read_window
from connector.pipeline.work import Work

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=3)  # renewed between requests, so longer than one of them; or `service.lease`
FIRST_STRETCH = 6  # requests; each further stretch is twice as long, so that deliveries begin soon
STRETCH = 10  # requests after which what is proven is stored at the latest, if there is more
LEAST = 3  # requests of the shortest stretch: two pages, and the proof that the first is whole
SICK = 3  # documents in a row that Docflo fails at: then it is Docflo, not the document


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What one listing brought."""

    pipeline: str
    matched: int  # documents that the pipeline wants
    listed: Listed
    quirks: frozenset[Quirk] = frozenset()  # what the server did not do as asked
    unreadable: int = 0  # listed, and could not be read


@dataclass(slots=True, kw_only=True)
class Turn:
    """Our right to list a pipeline, and how to keep it."""

    held: Lease
    work: Work
    asked: int = 0  # requests so far

    def keep(self) -> None:
        """Hold on to it; called before each request.

        Raises: StoppingError when this process is told to stop; what is proven by then is stored.
        """
        if self.work.stopping():
            raise StoppingError("the listing breaks off: this process is told to stop")
        if self.asked == 1:
            # One answer tells that Docflo is there: others need not wait for the end of a long listing.
            self.work.breakers.report(DOCFLO, [None])
        self.asked += 1
        length = turn_of(self.work)
        if self.held.until - self.work.clock() < length / 2:
            self.held = self.work.store.extend(self.held, length)


def turn_of(work: Work) -> timedelta:
    """Give how long a listing holds its right at a time: who is killed is replaced after that."""
    return min(work.lease, LEASE)


def gather(pipeline: Pipeline, work: Work, turn: Turn, begun: Progress, checkpoint: Checkpoint) -> Discovered:
    """Read what is left of a listing and store it; at its end, `checkpoint` is where we are.

    Raises: what the client raises; then what was proven before is stored, and the checkpoint stays.
    """
    listing = _Listing(pipeline=pipeline, work=work, turn=turn, progress=begun)
    try:
        listing.read()
    except (StoppingError, ThrottledError, UnavailableError) as error:
        listing.store()
        log.info(
            "discover.interrupted",
            pipeline=pipeline.name,
            listing=begun.kind,
            parts_left=len(_parts(pipeline, begun)) - listing.progress.part,
            next_from=listing.progress.rest_from and listing.progress.rest_from.isoformat(),
            reason=error.message,
        )
        raise
    listing.store(replace(checkpoint, moved_at=work.clock()))
    return listing.told()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    query: DocumentQuery
    is_ready: bool  # False: delivered documents, listed to see whether they have changed


def _parts(pipeline: Pipeline, begun: Progress) -> list[_Part]:
    query = DocumentQuery(created_from=begun.created_from, include_results=True)
    parts = [
        _Part(query=replace(query, type=type_, status=status), is_ready=True)
        for type_, status in product(pipeline.types, pipeline.statuses)
    ]
    if begun.done_from is not None and pipeline.on_change is not OnChange.IGNORE:
        query = replace(query, created_from=begun.done_from)
        parts += [
            _Part(query=replace(query, type=type_, status=status), is_ready=False)
            for type_, status in product(pipeline.types, pipeline.done_statuses)
        ]
    return parts


@dataclass(slots=True, kw_only=True)
class _Listing:
    """One listing under way."""

    pipeline: Pipeline
    work: Work
    turn: Turn
    progress: Progress
    _found: dict[str, Found] = field(default_factory=dict)  # not yet stored
    _unreadable: dict[str, Unreadable] = field(default_factory=dict)  # the same
    _ready: set[str] = field(default_factory=set)  # ids, stored or not
    _unread: set[str] = field(default_factory=set)  # marks, the same
    _quirks: set[Quirk] = field(default_factory=set)
    _listed: Listed = field(default_factory=Listed)
    _least: int = LEAST
    _stretch: int = FIRST_STRETCH
    _is_stored: bool = True  # whether the ledger knows how far we are

    def read(self) -> None:
        """Read every part that is left, and store what is proven where one is long."""
        parts = _parts(self.pipeline, self.progress)
        while self.progress.part < len(parts):
            part = parts[self.progress.part]
            window = self._window(part)
            self._take(window, part)
            self._go_on(window.rest)
            if window.rest is not None:
                self.store()

    def store(self, checkpoint: Checkpoint | None = None) -> None:
        """Store what was found since the last time; with the checkpoint the listing is whole."""
        if self._is_stored and checkpoint is None:
            return
        is_part = checkpoint is None
        crashpoint(Point.PART_LISTED if is_part else Point.LISTED)
        listed = self.work.store.record_listing(
            self.pipeline.name,
            tuple(self._found.values()),
            checkpoint,
            on_change=self.pipeline.on_change,
            held=self.turn.held,
            progress=self.progress,
            unreadable=tuple(self._unreadable.values()),
        )
        crashpoint(Point.PROGRESS_STORED if is_part else Point.ROWS_STORED)
        if listed.new or listed.changed or listed.changed_after_delivery:
            self.work.wake()
        self._listed = _sum(self._listed, listed)
        self._found.clear()
        self._unreadable.clear()
        self._is_stored = True

    def told(self) -> Discovered:
        """Say what this listing brought."""
        log.info(
            "discover.listed",
            pipeline=self.pipeline.name,
            listing=self.progress.kind,
            created_from=self.progress.created_from.isoformat(),
            matched=len(self._ready),
            new=self._listed.new,
            changed=self._listed.changed + self._listed.changed_after_delivery,
            held=self._listed.held,
            unreadable=len(self._unread),
            quirks=sorted(self._quirks),
        )
        return Discovered(
            pipeline=self.pipeline.name,
            matched=len(self._ready),
            listed=self._listed,
            quirks=frozenset(self._quirks),
            unreadable=len(self._unread),
        )

    def _window(self, part: _Part) -> Window:
        """Read what is left of a part, or as much of it as the budget has requests for."""
        query = part.query
        if self.progress.rest_from is not None:
            query = replace(query, created_from=self.progress.rest_from, created_to=self.progress.rest_to)
        docflo = self.work.docflo
        left = docflo.afford(self._least)
        stretch = min(self._stretch, STRETCH) if part.is_ready else STRETCH
        most = stretch if left is None else max(LEAST, min(stretch, left)) - 1
        window = read_window(query, docflo, before_request=self.turn.keep, most=most)
        self._stretch = 2 * stretch
        if not window.is_proven:
            log.warning(
                "discover.unproven", pipeline=self.pipeline.name, type=query.type, status=query.status
            )
        if any(not document.has_fields for document in window.documents):
            self._least = LEAST + docflo.page_size  # each is fetched by itself
        return window

    def _go_on(self, rest: DocumentQuery | None) -> None:
        self.progress = replace(
            self.progress,
            part=self.progress.part + (rest is None),
            rest_from=None if rest is None else rest.created_from,
            rest_to=None if rest is None else rest.created_to,
        )
        self._is_stored = False

    def _take(self, window: Window, part: _Part) -> None:
        """Take over a window: all of it, or nothing when it is interrupted."""
        statuses = self.pipeline.statuses if part.is_ready else self.pipeline.done_statuses
        wanted = [each for each in window.documents if is_wanted(each, statuses, self.pipeline)]
        rows = [
            Unreadable(mark=row.mark, reason=row.reason, created_on=row.created_on)
            for row in window.unreadable
            if part.is_ready and is_wanted(row, statuses, self.pipeline)
        ]
        new = [each for each in wanted if each.id not in self._ready]
        if part.is_ready:
            whole, failed = fetch_all(new, self.work.docflo.document, self.turn.keep)
            self._found |= {each.id: found(each, self.pipeline) for each in whole}
            self._ready |= {each.id for each in whole}
            rows += failed
        else:
            # Without fields a request for each would be needed, every time: more than an edit is worth.
            self._found |= {
                each.id: structs.replace(found(each, self.pipeline), is_ready=False)
                for each in new
                if each.has_fields and each.id not in self._found
            }
        self._note(rows)
        self._quirks |= window.quirks

    def _note(self, rows: Iterable[Unreadable]) -> None:
        for row in rows:
            if row.mark not in self._unread:
                log.warning(
                    "discover.unreadable",
                    pipeline=self.pipeline.name,
                    document=row.mark,
                    created_on=row.created_on and row.created_on.isoformat(),
                    reason=row.reason,
                )
            self._unread.add(row.mark)
            self._unreadable[row.mark] = row


def is_wanted(document: Document | UnreadableRow, statuses: Collection[str], pipeline: Pipeline) -> bool:
    """Judge again what the query asked for: a server may ignore a filter it does not know."""
    if document.status is not None and document.status not in statuses:
        return False
    if document.type is not None and document.type not in pipeline.types:
        return False
    return document.created_on is None or document.created_on >= pipeline.since


def fetch_all(
    documents: Iterable[Document], fetch: Callable[[str], Document], before_request: Callable[[], None]
) -> tuple[list[Document], list[Unreadable]]:
    """Give the documents with their fields, fetched one by one where the listing left them out.

    One that cannot be fetched holds up no other.
    Raises: what concerns them all; UnavailableError when Docflo fails at several in a row.
    """
    whole: list[Document] = []
    failed: list[Unreadable] = []
    sick = 0
    for document in documents:
        if document.has_fields:
            whole.append(document)
            continue
        before_request()
        try:
            whole.append(fetch(document.id))
            sick = 0
        except (RejectedError, UnexpectedResponseError, UnavailableError) as error:
            sick += isinstance(error, UnavailableError)
            if not _is_its_own(error) or sick >= SICK:
                raise
            failed.append(Unreadable(mark=document.id, reason=error.message, created_on=document.created_on))
    return whole, failed


def _is_its_own(error: ConnectorError) -> bool:
    """Tell whether an error may be one document's alone."""
    if not isinstance(error, UnavailableError):
        return True
    return error.remote is not None and error.remote.status == HTTPStatus.INTERNAL_SERVER_ERROR


def merged(one: Discovered, other: Discovered) -> Discovered:
    """Give what two listings of one pipeline brought together."""
    return replace(
        one,
        matched=max(one.matched, other.matched),
        listed=_sum(one.listed, other.listed),
        quirks=one.quirks | other.quirks,
        unreadable=max(one.unreadable, other.unreadable),
    )


def _sum(one: Listed, other: Listed) -> Listed:
    return Listed(**{each.name: getattr(one, each.name) + getattr(other, each.name) for each in fields(one)})
