"""Plans as the rows of jobs: which columns a row has, and which rows may share a file. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from connector.adapters.salesforce.bulk_csv import cell, misfit
from connector.adapters.salesforce.describe import ObjectShape
from connector.adapters.salesforce.keys import Shapes
from connector.adapters.salesforce.plan import Plan, Write
from connector.adapters.salesforce.values import field_behind
from connector.record import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row on its way, and what it is of its record."""

    at: int  # position of the record
    reference: str
    place: str
    key: str
    cells: Mapping[str, str]


def row_of(at: int, write: Write, body: Mapping[str, object], ids: Mapping[str, str]) -> Row:
    """Give an upsert as a row. `ids`: of what it refers to, by reference."""
    cells = {write.item.key_field: write.item.key}
    for name, value in body.items():
        if isinstance(value, Mapping):
            cells |= {f"{name}.{field}": cell(known) for field, known in value.items()}
        else:
            cells[name] = cell(value)
    cells |= {field: ids[reference] for field, reference in write.refers.items()}
    return Row(at=at, reference=write.reference, place=write.place, key=write.item.key, cells=cells)


def unfit(plan: Plan, shapes: Shapes) -> str | None:
    """Tell why no file can carry a record; None if one can."""
    for write in plan.writes:
        shape = shapes.get(write.item.object)
        for name, value in write.body.items():
            if shape is not None and shape.field(name) is None and shape.reference(name) is None:
                # In a file it would fail every row of the job; in a graph it fails its own record.
                return f"{write.place}: {shape.name} has no field {name}"
            known = value.values() if isinstance(value, Mapping) else (value,)
            problem = next(filter(None, map(misfit, known)), None)
            if problem is not None:
                return f"{write.place}: {problem}"
    return None


def depths(plan: Plan) -> dict[str, int]:
    """Give how deep each line is nested, by reference: what hangs on the header is 1."""
    found: dict[str, int] = {}
    for write in plan.writes:
        if isinstance(write.item, Line):
            found[write.reference] = 1 + max(
                (found.get(outer, 0) for outer in write.refers.values()), default=0
            )
    return found


def shared_files(rows: Sequence[Row], shape: ObjectShape | None) -> Iterator[list[Row]]:
    """Share rows out so that no file has two columns for one field.

    `Vendor__r.Tax_Id__c` names a record and `Vendor__c` clears the field, or names one by its id: an empty
    cell beside a filled one of the same field is nothing that Salesforce documents.
    """
    spellings: dict[str, set[str]] = {}
    for row in rows:
        for column in row.cells:
            spellings.setdefault(_field(column, shape), set()).add(column)
    disputed = {field for field, columns in spellings.items() if len(columns) > 1}
    groups: dict[frozenset[str], list[Row]] = {}
    for row in rows:
        columns = frozenset(column for column in row.cells if _field(column, shape) in disputed)
        groups.setdefault(columns, []).append(row)
    yield from groups.values()


def _field(column: str, shape: ObjectShape | None) -> str:
    relationship, dot, _ = column.partition(".")
    return (field_behind(relationship, shape) if dot else column).lower()
