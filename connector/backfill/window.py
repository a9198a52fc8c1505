"""Listing one window of a backfill into the ledger, a stretch at a time. The checkpoint never moves."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

import structlog

from connector.crashpoint import Point, crashpoint
from connector.docflo.outgoing import DocumentQuery
from connector.document import Document
from connector.errors import ConnectorError, LeaseLostError, StoppingError
from connector.ledger.backfill import HeldWindow, Part
from connector.ledger.backfill_windows import WindowStore
from connector.ledger.delivery import Unreadable
from connector.pipeline.breaker import DOCFLO
from connector.pipeline.definition import Pipeline
from connector.pipeline.found import found
from connector.pipeline.gather import LEAST, STRETCH, fetch_all, is_wanted, turn_of
from connector.pipeline.joining import TICK
from connector.pipeline.listing import Window, read_window
from connector.pipeline.work import Work

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)


@dataclass(slots=True, kw_only=True)
class Turn:
    """Our right to list a window, and how to keep it."""

    held: HeldWindow
    windows: WindowStore
    work: Work
    asked: int = 0  # requests so far

    def keep(self) -> None:
        """Hold on to it; called before each request.

        Raises: StoppingError when this process is told to stop; LeaseLostError when it is not ours any more.
        """
        if self.work.stopping():
            raise StoppingError("the listing breaks off: this process is told to stop")
        if self.asked == 1:
            self.work.breakers.report(DOCFLO, [None])
        self.asked += 1
        length = turn_of(self.work)
        if self.held.until - self.work.clock() < length / 2:
            self.held = self.windows.extend(self.held, length)


def list_window(held: HeldWindow, pipeline: Pipeline, work: Work, windows: WindowStore) -> None:
    """List what is left of a window, and store each part of it as soon as it is proven.

    Raises: what the client raises, LeaseLostError; then what was proven before is stored, and somebody else
    goes on from there.
    """
    turn = Turn(held=held, windows=windows, work=work)
    try:
        while _list_stretch(turn, pipeline):
            pass
    except LeaseLostError:
        log.warning("backfill.window_lost", backfill=held.backfill.id, window=held.id)
        return
    except ConnectorError:
        windows.release(turn.held)
        raise
    log.info(
        "backfill.listed",
        backfill=held.backfill.id,
        pipeline=pipeline.name,
        window=held.id,
        created_from=held.part.created_from.isoformat(),
        created_to=held.part.created_to.isoformat(),
        found=turn.held.found,
        planned=held.part.total,
    )


def query_of(part: Part, *, first: datetime, last: datetime) -> DocumentQuery:
    """Give the question that shows at least what a part holds.

    Whether a server includes the ends is not known; one may read times as days, in a time zone of its own.
    Between two windows the plan has proven that it does not, unless it cut between two days.
    """
    is_loose = {first, last}
    before = DAY if part.created_from in is_loose or _is_midnight(part.created_from) else TICK
    after = DAY if part.created_to in is_loose or _is_midnight(part.created_to) else TICK
    return DocumentQuery(
        type=part.type,
        status=part.status,
        created_from=part.created_from - before,
        created_to=part.created_to + after,
        include_results=True,
    )


def read_stretch(
    query: DocumentQuery,
    part: Part,
    pipeline: Pipeline,
    work: Work,
    keep: Callable[[], None],
    stretch: int = STRETCH,
) -> tuple[list[Document], list[Unreadable], Window]:
    """Read as much of a window as one go may, and give what of it belongs to the part, oldest first.

    `keep` is called before each request.
    """
    docflo = work.docflo
    left = docflo.afford(LEAST)
    most = stretch if left is None else max(LEAST, min(stretch, left)) - 1
    window = read_window(query, docflo, before_request=keep, most=most)
    since = replace(pipeline, since=part.created_from)
    ours = [
        document
        for document in window.documents
        if is_wanted(document, (part.status,), since) and _is_before(document.created_on, part.created_to)
    ]
    whole, failed = fetch_all(ours, docflo.document, keep)
    failed += [
        Unreadable(mark=row.mark, reason=row.reason, created_on=row.created_on)
        for row in window.unreadable
        if is_wanted(row, (part.status,), since) and _is_before(row.created_on, part.created_to)
    ]
    whole.sort(key=lambda document: (document.created_on or part.created_from, document.id))
    return whole, failed, window


def _list_stretch(turn: Turn, pipeline: Pipeline) -> bool:
    """List a stretch; False when nothing is left."""
    held = turn.held
    over = held.backfill
    query = query_of(held.part, first=over.created_from, last=over.created_to)
    if held.rest_from is not None:
        query = replace(query, created_from=held.rest_from, created_to=held.rest_to)
    # Whoever had it before did not come to its end: in small steps somebody who is killed again does.
    stretch = STRETCH if held.epoch == 1 else LEAST
    documents, unreadable, window = read_stretch(query, held.part, pipeline, turn.work, turn.keep, stretch)
    crashpoint(Point.LISTED)
    if not window.is_proven:
        log.warning("backfill.unproven", backfill=over.id, window=held.id)
    for row in unreadable:
        log.warning("backfill.unreadable", backfill=over.id, document=row.mark, reason=row.reason)
    rest = window.rest
    turn.held, listed = turn.windows.store_stretch(
        turn.held,
        [found(document, pipeline) for document in documents],
        rest=None if rest is None else (rest.created_from, rest.created_to),
        unreadable=unreadable,
        on_change=pipeline.on_change,
    )
    if listed.held:
        log.warning("backfill.held", backfill=over.id, documents=listed.held)
    return rest is not None and turn.held.rest_from is not None


def _is_midnight(moment: datetime) -> bool:
    return moment.timetz().replace(tzinfo=None) == time.min


def _is_before(moment: datetime | None, end: datetime) -> bool:
    return moment is None or moment < end
