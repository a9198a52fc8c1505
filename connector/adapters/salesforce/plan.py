"""What brings Salesforce from what it has to what a record says: upserts in order, then removals. Pure.

What can be refused without asking Salesforce is refused here. How a plan travels is not decided here.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from connector.adapters.salesforce.held import Held, HeldLine
from connector.adapters.salesforce.keys import LineKey, Shapes, line_key
from connector.adapters.salesforce.rules import COMPLETE, EmptyLines, Rules
from connector.adapters.salesforce.values import field_behind, holds_already, is_text, upsert_body
from connector.errors import RejectedError
from connector.record import Line, Record, all_lines

HEADER = "header"

_NOTHING: Mapping[str, str] = {}


class Write(Struct, frozen=True, kw_only=True, gc=False):
    """One upsert by external id."""

    reference: str  # "header", "line2", "companion1"
    place: str  # what a person calls it: "Invoice_Line__c line 2"
    item: Record | Line
    body: Mapping[str, object]
    refers: Mapping[str, str]  # field -> what it names, by reference


class Plan(Struct, frozen=True, kw_only=True, eq=False, gc=False):
    """All of one record. Whatever a write refers to stands before it."""

    record: Record
    writes: tuple[Write, ...]
    removals: tuple[HeldLine, ...]  # the innermost lines first
    held_ids: Mapping[str, str]  # by reference: what is there already and can be named by its id
    adopted: str | None = None  # the id of a record that the header is written into, without our key so far

    @property
    def size(self) -> int:
        """Give how many parts a transaction would have."""
        return len(self.writes) + len(self.removals)


def make_plan(record: Record, shapes: Shapes, rules: Rules, held: Held) -> Plan:
    """Give the plan of a record. Lines that are there as they should be are not in it.

    Raises: RejectedError listing everything that Salesforce would refuse or, worse, silently change.
    """
    planner = _Planner(record, shapes, rules, held)
    planner.run()
    problems = [*planner.unfit, *_held_problems(record, held, rules), *planner.problems]
    if problems:
        raise RejectedError(
            f"not sent: {'; '.join(problems)}", remedy="Correct the document or the mapping, then replay."
        )
    return Plan(
        record=record,
        writes=tuple(planner.writes),
        removals=_stale(record, shapes, held, rules),
        held_ids=planner.held_ids,
        adopted=held.adopted,
    )


class _Planner:
    def __init__(self, record: Record, shapes: Shapes, rules: Rules, held: Held) -> None:
        self._record = record
        self._shapes = shapes
        self._rules = rules
        self._held = held
        self._lines: dict[LineKey, int] = {}  # their places by their keys, of those seen so far
        self._count = 0  # of lines
        self.writes: list[Write] = []
        self.held_ids: dict[str, str] = {} if held.adopted is None else {HEADER: held.adopted}
        self.unfit: list[str] = []  # what is wrong with the record as a whole
        self.problems: list[str] = []  # with what it holds

    def run(self) -> None:
        for index, companion in enumerate(self._record.companions, start=1):
            if companion.lines or companion.companions:
                self.unfit.append(f"{companion.object}, a companion, has lines or companions of its own")
            self._write(f"companion{index}", companion.object, companion, {})
        ours: dict[str, object] = {}
        if self._rules.revision_field is not None and self._record.revision is not None:
            ours[self._rules.revision_field] = self._record.revision
        if self._rules.completion_field is not None:
            ours[self._rules.completion_field] = COMPLETE
        self._write(HEADER, self._record.object, self._record, {}, more=ours)
        for line in self._record.lines:
            self._line(line, HEADER)

    def _line(self, line: Line, outer: str) -> None:
        index = self._count = self._count + 1
        reference, place = f"line{index}", f"{line.object} line {index}"
        key = line_key(line, self._shapes)
        first = self._lines.setdefault(key, index)
        if line.parent_field is None:
            self.unfit.append(f"{place} names no `parent`")
        if first != index:
            self.unfit.append(f"{line.object} lines {first} and {index} have the same key")
        there = self._held.lines.get(key)
        if there is not None:
            self.held_ids[reference] = there.id
        if there is None or not holds_already(there.values, line.fields):
            # Where a parent is fixed it may be named on insert only, and it is named by the insert.
            refers = {line.parent_field: outer} if there is None and line.parent_field else {}
            self._write(reference, place, line, refers)
        for inner in line.lines:
            self._line(inner, reference)

    def _write(
        self,
        reference: str,
        place: str,
        item: Record | Line,
        refers: Mapping[str, str],
        more: Mapping[str, object] | None = None,
    ) -> None:
        shape = self._shapes.get(item.object)
        fields, named = item.fields, _NOTHING
        if self._record.companions and item not in self._record.companions:
            named = dict(self._companions_of(item))
            fields = {name: value for name, value in fields.items() if name not in named}
        body, found = upsert_body(fields, item.key_field, shape)
        for problem in (*_key_problems(item.key), *found):
            self.problems.append(f"{place}: {problem}")
        if more:
            body.update(more)
        if named:
            behind = {field_behind(name.partition(".")[0], shape): named[name] for name in named}
            refers = {**refers, **behind}
        self.writes.append(Write(reference=reference, place=place, item=item, body=body, refers=refers))

    def _companions_of(self, item: Record | Line) -> Iterator[tuple[str, str]]:
        """Give the fields that name a companion: by its key Salesforce would not see that it comes first."""
        shape = self._shapes.get(item.object)
        for name, value in item.fields.items():
            column = shape.columns[name] if shape and value is not None else None
            reference = column.reference if column else None
            for index, companion in enumerate(self._record.companions if reference else (), start=1):
                known = {**companion.fields, companion.key_field: companion.key}
                named = known.get(column.named_by) if column else None
                if reference and companion.object in reference.refers_to and named == value:
                    yield name, f"companion{index}"
                    break


def _stale(record: Record, shapes: Shapes, held: Held, rules: Rules) -> tuple[HeldLine, ...]:
    """Give our lines that the record no longer has."""
    if not held.lines:
        return ()
    wanted = {line_key(line, shapes) for line in all_lines(record.lines)}
    spared = _emptied(record, held) if rules.empty_lines is not EmptyLines.REMOVE else frozenset()
    stale = [line for key, line in held.lines.items() if key not in wanted and line.kind.object not in spared]
    return tuple(sorted(stale, key=lambda line: -line.kind.depth))


def _emptied(record: Record, held: Held) -> frozenset[str]:
    """Give the objects of which Salesforce has lines and the record has none left."""
    if not held.lines:
        return frozenset()
    present = {line.object for line in all_lines(record.lines)}
    return frozenset(line.kind.object for line in held.lines.values()) - present


def _held_problems(record: Record, held: Held, rules: Rules) -> Iterator[str]:
    if rules.empty_lines is EmptyLines.REFUSE:
        for name in sorted(_emptied(record, held)):
            count = sum(1 for line in held.lines.values() if line.kind.object == name)
            yield (
                f"the document has no {name} any more and Salesforce has {count} of it; if that is right, "
                "delete them there, or set empty_lines to remove or keep"
            )
    if held.revision is not None and record.revision is not None and held.revision > record.revision:
        yield (
            f"{record.object} was made of revision {held.revision} of the document and this is revision "
            f"{record.revision}; if it is right all the same, clear {rules.revision_field} there"
        )


def _key_problems(key: str) -> Sequence[str]:
    if key in {"", ".", ".."}:
        # In an address these name a folder: the call would reach something else.
        return (f'the key "{key}" cannot be part of an address',)
    return () if is_text(key) else ("the key holds half of a character",)
