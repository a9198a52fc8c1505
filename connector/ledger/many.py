"""One statement for many rows.

`Connection.execute` looks at each value of each row for what is to be done with it, which takes longer than
the row takes to be stored. Here that is known by column; the statement and its values are the same.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeAlias

from sqlalchemy import Connection, Dialect, Insert, Update

_Values: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """A statement as one database takes it."""

    text: str
    binds: Mapping[str, Callable[[Any], Any]]  # of values that are not stored as they are
    places: Callable[[_Values], Any]  # what stands for a row: its values in order, or by name

    def row(self, values: Mapping[str, Any]) -> Any:  # noqa: ANN401 the driver's type
        """Give a row as the driver takes it."""
        bound = dict(values)
        for name, bind in self.binds.items():
            bound[name] = bind(bound[name])
        return self.places(bound)


def execute_many(
    connection: Connection, statement: Insert | Update, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Run a statement for each of these rows, all with values for the same columns."""
    if rows:
        form = _form(statement, connection.dialect, frozenset(rows[0]))
        connection.exec_driver_sql(form.text, [form.row(row) for row in rows])


@lru_cache(maxsize=64)
def _form(statement: Insert | Update, dialect: Dialect, names: frozenset[str]) -> _Form:
    compiled = statement.compile(dialect=dialect, column_keys=sorted(names))
    binds = {
        name: parameter.type.dialect_impl(dialect).bind_processor(dialect)
        for name, parameter in compiled.binds.items()
    }
    return _Form(
        text=compiled.string,
        binds={name: bind for name, bind in binds.items() if bind is not None},
        places=itemgetter(*compiled.positiontup) if compiled.positiontup else _as_they_are,
    )


def _as_they_are(values: _Values) -> _Values:
    return values
