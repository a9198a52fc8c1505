"""Where in the ledger to look for what somebody seeks: at so many rows at most, whatever is asked.

A text is a range of an index that also tells when each was found. A range of few is read as a whole and
sorted. One of many is not: then the deliveries themselves are gone through, newest first, as many as one
look may cost. Where that ended is told, and the next look begins there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, Connection, FromClause, Select, func, or_, select, tuple_, union

from connector.ledger.sought import Sought, Text, is_of_dead, meanings, named_texts, order_conditions
from connector.ledger.tables import delivery

COUNTED = 10_000
"""Where counting ends: "more than 10,000"."""

FAR = 20_000  # deliveries that one look goes through
_SORTED = 50_000  # entries of an index that one look sorts
_READ = 10_000  # rows that one look reads, where the index does not tell everything that is asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a page ended: the next begins behind it."""

    found_at: datetime
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look found."""

    places: Sequence[Place]  # newest first
    ended: Place | None = None  # how far it went before it had enough; None: to the end
    count: int | None = None  # of all that are sought, one more than `COUNTED` at most; None: not counted


def look(connection: Connection, sought: Sought, after: Place | None, limit: int) -> Seen:
    """Find the newest behind `after`, `limit` of them at most; the first look counts them too."""
    texts = named_texts(connection, sought)
    ways = meanings(connection, sought) or texts[:1]
    if not ways and (sought.failure_class is None or is_of_dead(sought)):
        return _in_order(connection, sought, after, limit)
    search = _Search(sought=sought, ways=ways, texts=texts)
    sizes = search.sizes(connection)
    if sizes is not None:
        return search.sort(connection, after, limit, is_counted=after is None and sum(sizes) <= COUNTED)
    return search.go_through(connection, after, limit)


def _in_order(connection: Connection, sought: Sought, after: Place | None, limit: int) -> Seen:
    statement = _rows().where(*order_conditions(sought, delivery))
    return Seen(
        places=_places(connection, _newest(statement, delivery, after).limit(limit)),
        count=_count(connection, _newest(statement, delivery, None).limit(COUNTED + 1))
        if after is None
        else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """By what no index is ordered behind."""

    sought: Sought
    ways: Sequence[Text]  # one of them holds, if there are any
    texts: Sequence[Text]  # all of them hold

    def sizes(self, connection: Connection) -> Sequence[int] | None:
        """Give how many are in the ranges of `ways`; None when that is more than one look reads."""
        if not self.ways or not all(way.is_range for way in self.ways):
            return None
        ranges = [self._range(way, self._most + 1, ()).subquery() for way in self.ways]
        counts = [select(func.count()).select_from(each).scalar_subquery() for each in ranges]
        sizes = tuple(connection.execute(select(*counts)).one())
        return sizes if max(sizes) <= self._most else None

    def sort(self, connection: Connection, after: Place | None, limit: int, *, is_counted: bool) -> Seen:
        """Read the ranges, and give the newest of what is sought."""
        sources = [self._range(way, self._most, self._asked).subquery() for way in self.ways]
        found = {
            place
            for source in sources
            for place in _places(connection, _newest(self._wanted(source), source, after).limit(limit))
        }
        return Seen(
            places=sorted(found, key=lambda place: (place.found_at, place.id), reverse=True)[:limit],
            count=_count(connection, union(*map(self._wanted, sources))) if is_counted else None,
        )

    def go_through(self, connection: Connection, after: Place | None, limit: int) -> Seen:
        """Go through the newest deliveries, and give those of them that are sought."""
        in_order = _rows(*self._asked, *(way.column for way in self.ways)).where(
            *order_conditions(self.sought, delivery)
        )
        source = _newest(in_order, delivery, after).limit(FAR).subquery()
        wanted = self._wanted(source)
        if self.ways:
            wanted = wanted.where(or_(*(way.of(source) for way in self.ways)))
        places = _places(connection, _newest(wanted, source, None).limit(limit))
        if len(places) == limit:
            return Seen(places=places)
        last = _rows().where(*order_conditions(self.sought, delivery))
        ended = _places(connection, _newest(last, delivery, after).limit(1).offset(FAR - 1))
        return Seen(places=places, ended=next(iter(ended), None))

    @property
    def _asked(self) -> Sequence[str]:
        """Name the columns that conditions beside `ways` are about."""
        names = [name for name in ("pipeline", "state", "failure_class") if getattr(self.sought, name)]
        if self.sought.failure_class is not None:
            names.append("state")
        return names + [text.column for text in self.texts if text not in self.ways]

    @property
    def _most(self) -> int:
        return _READ if self._asked else _SORTED

    def _range(self, way: Text, most: int, names: Sequence[str]) -> Select[Any]:
        return _rows(way.column, *names).where(way.of(delivery)).order_by(delivery.c[way.column]).limit(most)

    def _wanted(self, source: FromClause) -> Select[Any]:
        """Give those for which everything else holds too."""
        conditions = [text.of(source) for text in self.texts]
        conditions += order_conditions(self.sought, source)
        if self.sought.failure_class is not None:
            conditions.append(source.c.failure_class == self.sought.failure_class)
        return select(source.c.found_at, source.c.id).where(*conditions)


def _rows(*names: str) -> Select[Any]:
    return select(*(delivery.c[name] for name in dict.fromkeys(("found_at", "id", *names))))


def _newest(statement: Select[Any], source: FromClause, after: Place | None) -> Select[Any]:
    columns = source.c
    if after is not None:
        statement = statement.where(tuple_(columns.found_at, columns.id) < (after.found_at, after.id))
    return statement.order_by(columns.found_at.desc(), columns.id.desc())


def _places(connection: Connection, statement: Select[Any]) -> tuple[Place, ...]:
    return tuple(Place(found_at=row.found_at, id=row.id) for row in connection.execute(statement))


def _count(connection: Connection, statement: Select[Any] | CompoundSelect[Any]) -> int:
    counted = select(func.count()).select_from(statement.subquery())
    return int(connection.execute(counted).scalar_one())
