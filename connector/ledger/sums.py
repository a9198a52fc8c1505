"""Sums of money in SQL, exact on both databases, and totals by currency."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import GenericFunction

from connector.ledger.columns import Amount

UNKNOWN = "?"
"""Stands for a currency that a document does not tell."""

_EXACT = Context(prec=1000)


class exact_sum(GenericFunction[Decimal]):  # noqa: N801 the name in SQL
    """Adds up amounts, which both databases hold as text."""

    type = Amount()
    inherit_cache = True


@compiles(exact_sum, "postgresql")
def _postgresql(element: exact_sum, compiler: Any, **options: Any) -> str:  # noqa: ANN401 sqlalchemy's own
    return f"sum(CAST({compiler.process(element.clauses, **options)} AS numeric))"


class ExactSum:
    """The same for SQLite, whose own sum is a binary fraction; registered with each connection."""

    def __init__(self) -> None:
        self._sum: Decimal | None = None

    def step(self, amount: Any) -> None:  # noqa: ANN401 what SQLite holds: text, or nothing
        """Add one."""
        if amount is not None:
            self._sum = _EXACT.add(self._sum or Decimal(0), Decimal(amount))

    def finalize(self) -> Any:  # noqa: ANN401 text, whatever the driver's types say
        """Give the sum."""
        return None if self._sum is None else str(self._sum)


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """How many deliveries, and how much money by currency; an amount that is not known counts nothing."""

    count: int
    sums: tuple[tuple[str, Decimal], ...]


def add_up(parts: Iterable[tuple[str | None, int, Decimal | None]]) -> Total:
    """Put the rows of a grouped statement together: currency, count, sum."""
    count = 0
    sums: dict[str, Decimal] = {}
    for currency, number, amount in parts:
        count += number
        if amount is not None:
            name = currency or UNKNOWN
            sums[name] = _EXACT.add(sums.get(name, Decimal(0)), amount)
    return Total(count=count, sums=tuple(sorted(sums.items())))
