"""How rows of a listing fit together: whether two pages join, and where a long list can be cut. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import pairwise

from connector.docflo.outgoing import DocumentQuery
from connector.docflo.wire import UnreadableRow
from connector.document import Document

TICK = timedelta(milliseconds=1)  # what a query can tell apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a listing. `skip` counts those that cannot be read too, so they have their place."""

    mark: str
    created_on: datetime | None
    document: Document | None


def as_row(row: Document | UnreadableRow) -> Row:
    """Give a row of a page."""
    if isinstance(row, Document):
        return Row(mark=row.id, created_on=row.created_on, document=row)
    return Row(mark=row.mark, created_on=row.created_on, document=None)


def continuation(rows: Sequence[Row], skip: int, shown: Sequence[Row]) -> Sequence[Row] | None:
    """Give what `shown`, a page from row `skip`, adds to `rows`; None when it does not join without a gap.

    A few rows that came or left in front move the joint, and it still proves that none lies between.
    """
    if skip == len(rows):
        return shown  # pages of one row: there is nothing to compare
    if not shown:
        return None
    known, marks = [row.mark for row in rows], [row.mark for row in shown]
    starts = (skip, *(place for place, mark in enumerate(known) if mark == marks[0]))
    for start in starts:
        joint = known[start:]
        if marks[: len(joint)] == joint:
            return shown[len(joint) :]
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Border:
    """A time at which a list can be cut in two."""

    place: int  # rows before this one belong to `proven`
    proven: DocumentQuery
    rest: DocumentQuery


def borders(query: DocumentQuery, rows: Sequence[Row]) -> Iterator[Border]:
    """Give where a sorted list can be cut, as far on as possible: by the instant, then by the day.

    A server that reads times as days finds a border only between two of them.
    """
    times = [row.created_on for row in rows]
    known = [time_ for time_ in times if time_ is not None]
    is_up = all(earlier <= later for earlier, later in pairwise(known))
    if not is_up and not all(earlier >= later for earlier, later in pairwise(known)):
        return
    for by_day in (False, True):
        for place in range(len(rows) - 1, 0, -1):
            here, there = times[place - 1], times[place]
            if here is None or there is None:
                continue
            cut = _cut(min(here, there), max(here, there), by_day=by_day)
            ends = {query.created_from, query.created_to}
            if cut is not None and is_inside(cut, query) and cut not in ends:
                early, late = replace(query, created_to=cut), replace(query, created_from=cut)
                yield (
                    Border(place=place, proven=early, rest=late)
                    if is_up
                    else Border(place=place, proven=late, rest=early)
                )
                break


def _cut(earlier: datetime, later: datetime, *, by_day: bool) -> datetime | None:
    """Give a time between two that no query takes for one of them."""
    if by_day:
        cut = datetime.combine(later.date(), time.min, tzinfo=later.tzinfo)
        return cut if earlier < cut < later - TICK else None
    cut = earlier.replace(microsecond=earlier.microsecond // 1000 * 1000) + TICK
    return cut if cut + TICK < later else None


def is_ascending(page: Sequence[Document]) -> bool:
    """Tell whether the creation times never go back; unknown ones say nothing."""
    times = [document.created_on for document in page if document.created_on is not None]
    return all(earlier <= later for earlier, later in pairwise(times))


def is_inside(moment: datetime | None, query: DocumentQuery) -> bool:
    """Tell whether a creation time is one that was asked for."""
    return (
        moment is not None
        and (query.created_from is None or moment >= query.created_from)
        and (query.created_to is None or moment <= query.created_to)
    )
