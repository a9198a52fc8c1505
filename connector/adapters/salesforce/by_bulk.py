"""The way in for very many records: a job for each kind of row, instead of a graph for each record.

A job is no transaction: rows land or fail each by itself. So a record travels as one that is larger than a
transaction does: its header says "partial" until its last line is in and its stale lines are gone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import structs

from connector.adapters.base import JobBook
from connector.adapters.salesforce.answers import Committed, Refused, Unclear
from connector.adapters.salesforce.bulk_jobs import BulkJobs, Landed, Lost, RowResult, Task
from connector.adapters.salesforce.bulk_rows import Row, depths, row_of, shared_files
from connector.adapters.salesforce.faults import GONE, Fault
from connector.adapters.salesforce.keys import Shapes
from connector.adapters.salesforce.lanes import parents_of
from connector.adapters.salesforce.plan import HEADER, Plan, Write
from connector.adapters.salesforce.rules import COMPLETE, PARTIAL
from connector.adapters.salesforce.sending import Results, not_sent
from connector.errors import ConnectorError, LeaseLostError, StoppingError
from connector.record import Line

_Write = tuple[int, Write, Mapping[str, object]]
"""The position of a record, what is written of it, and the values."""


class Load:
    """Brings the records of these plans into one org, whatever becomes of each. Used once.

    Steps: companions; headers, marked partial; lines, outer ones first; what is to be removed; the marker.
    A record of which a row fails goes no further, and stays partial.
    """

    def __init__(
        self, jobs: BulkJobs, book: JobBook, marker: str, shapes: Shapes, plans: Mapping[int, Plan]
    ) -> None:
        self._jobs = jobs
        self._book = book
        self._marker = marker
        self._shapes = shapes
        # Rows below one parent stand together: parallel parts of a job then meet in few locks.
        order = sorted(plans, key=lambda at: _near(plans[at], shapes))
        self._plans = {at: plans[at] for at in order}
        self._depths = {at: depths(plan) for at, plan in self._plans.items()}
        self._ids = {at: dict(plan.held_ids) for at, plan in self._plans.items()}
        self._created: dict[int, bool | None] = {}
        self._faults: dict[int, dict[str, Fault]] = {}
        self._places: dict[int, dict[str, str]] = {}
        self.results: Results = {}

    def run(self) -> Results:
        """Give what became of each record.

        Raises: StoppingError, LeaseLostError; what has been begun is in the book.
        """
        try:
            for writes in self._steps():
                self._upsert(writes)
            for stale in self._removals():
                self._remove(*stale)
            self._upsert(self._closing())
        except (StoppingError, LeaseLostError):
            raise
        except ConnectorError as error:
            # What was under way has its result; the next job would meet the same.
            self.results |= dict.fromkeys(self._left(), not_sent(error))
        for at in self._left():
            self.results[at] = Committed(header_id=self._ids[at][HEADER], created=self._created.get(at))
        return self.results

    def _steps(self) -> Iterator[list[_Write]]:
        yield [each for each in self._writes() if _is_companion(each[1])]
        yield [(at, write, {**write.body, self._marker: PARTIAL}) for at, write, _ in self._headers()]
        deepest = max((depth for each in self._depths.values() for depth in each.values()), default=0)
        for wanted in range(1, deepest + 1):
            yield [each for each in self._writes() if self._depths[each[0]].get(each[1].reference) == wanted]

    def _closing(self) -> list[_Write]:
        return [
            (at, structs.replace(write, refers={}), {self._marker: COMPLETE})
            for at, write, _ in self._headers()
        ]

    def _headers(self) -> Iterator[_Write]:
        return (each for each in self._writes() if each[1].reference == HEADER)

    def _writes(self) -> Iterator[_Write]:
        for at in self._left():
            yield from ((at, write, write.body) for write in self._plans[at].writes)

    def _left(self) -> list[int]:
        return [at for at in self._plans if at not in self.results]

    def _upsert(self, writes: Iterable[_Write]) -> None:
        kinds: dict[tuple[str, str], list[Row]] = {}
        for at, write, body in writes:
            row = row_of(at, write, body, self._ids[at])
            kinds.setdefault((write.item.object, write.item.key_field), []).append(row)
        for (name, key_field), rows in kinds.items():
            for shared in shared_files(rows, self._shapes.get(name)):
                self._take(shared, self._run(name, "upsert", key_field, shared))
        self._settle()

    def _removals(self) -> Iterator[tuple[str, list[Row]]]:
        """Give what is to be removed, by object, the innermost lines first."""
        kinds: dict[tuple[int, str], list[Row]] = {}
        for at in self._left():
            for line in self._plans[at].removals:
                place = f"{line.kind.object} {line.id}, which is to be removed"
                row = Row(at=at, reference=line.id, place=place, key=line.id, cells={"Id": line.id})
                kinds.setdefault((-line.kind.depth, line.kind.object), []).append(row)
        for (_, name), rows in sorted(kinds.items()):
            yield name, rows

    def _remove(self, name: str, rows: Sequence[Row]) -> None:
        results = self._run(name, "delete", "Id", rows)
        gone = {key for key, result in results.items() if isinstance(result, Fault) and result.code in GONE}
        self._take([row for row in rows if row.key not in gone], results)
        self._settle()

    def _run(
        self, name: str, operation: Literal["upsert", "delete"], key_column: str, rows: Sequence[Row]
    ) -> Mapping[str, RowResult]:
        # Of several documents with one companion the last says what it is, as it would in graphs.
        distinct = {row.key: row.cells for row in rows}
        task = Task(
            object=name,
            operation=operation,
            key_column=key_column,
            rows=tuple(distinct.values()),
            record_keys=frozenset(self._plans[row.at].record.key for row in rows),
        )
        try:
            return self._jobs.run(task, self._book)
        except (StoppingError, LeaseLostError):
            raise
        except ConnectorError as error:
            self.results |= dict.fromkeys((row.at for row in rows), error)
            raise

    def _take(self, rows: Iterable[Row], results: Mapping[str, RowResult]) -> None:
        for row in rows:
            match results[row.key]:
                case Landed(id=landed, created=created):
                    self._ids[row.at][row.reference] = landed
                    if row.reference == HEADER:
                        self._created.setdefault(row.at, created)
                case Lost(reason=reason):
                    self.results[row.at] = Unclear(reason=reason)
                case Fault() as fault:
                    self._faults.setdefault(row.at, {})[row.reference] = fault
                    self._places.setdefault(row.at, {})[row.reference] = row.place

    def _settle(self) -> None:
        """Give up those of which a row failed."""
        for at, faults in self._faults.items():
            self.results.setdefault(at, Refused(faults=faults, places=self._places[at]))


def _is_companion(write: Write) -> bool:
    return write.reference != HEADER and not isinstance(write.item, Line)


def _near(plan: Plan, shapes: Shapes) -> tuple[list[tuple[str, str]], str]:
    return sorted(parents_of(plan.record, shapes)), plan.record.key
