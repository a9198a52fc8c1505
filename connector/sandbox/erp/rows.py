"""What the ERP holds. Nothing here keeps a row from being made twice: that is what the sandbox is for."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from lxml import etree
from lxml.etree import _Element as Element

from connector.sandbox.journal import Journal

LISTS = frozenset({"lines", "allocations"})
REPEATED = frozenset({"attachment"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One invoice, order or receipt. Its id is the number together with the fiscal year."""

    kind: str
    number: str
    fiscal_year: int
    created_at: datetime
    posted: bool = False
    key: str  # the reference that the caller chose; "" when it chose none
    element: Element  # as it was sent

    @property
    def values(self) -> Mapping[str, Any]:
        """Give the fields by name: text, or lists of such fields for lines and allocations."""
        return _values(self.element)

    def text(self, name: str) -> str:
        """Give one field of the header as text; "" when it is not there."""
        return str(self.element.findtext(f"{{*}}{name}") or "")


def _values(element: Element) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        name = etree.QName(child).localname
        if name in LISTS:
            found[name] = [_values(entry) for entry in child]
        elif name in REPEATED:
            found.setdefault(name, []).append(_values(child))
        else:
            found[name] = child.text or ""
    return found


class Rows:
    """All rows, oldest first. Safe to read from another thread."""

    def __init__(self, journal: Journal, numbers: Mapping[str, str]) -> None:
        """Hold nothing yet. `numbers`: by kind, how a row's running number is written."""
        self._journal = journal
        self._numbers = numbers
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str, int], Row] = {}
        self._issued: Counter[str] = Counter()

    def create(self, kind: str, element: Element, *, key: str, fiscal_year: int, now: datetime) -> Row:
        """Make a row, whatever others there are."""
        with self._lock:
            self._issued[kind] += 1
            row = Row(
                kind=kind,
                number=self._numbers[kind].format(self._issued[kind]),
                fiscal_year=fiscal_year,
                created_at=now,
                key=key,
                element=element,
            )
            self._rows[kind, row.number, fiscal_year] = row
        self._journal.effect("created", f"{kind}/{row.number}/{fiscal_year}", row.values)
        return row

    def post(self, row: Row) -> None:
        """Move an open invoice to the posted ones."""
        with self._lock:
            self._rows[row.kind, row.number, row.fiscal_year] = replace(row, posted=True)
        self._journal.effect("posted", f"{row.kind}/{row.number}/{row.fiscal_year}")

    def put(self, row: Row) -> None:
        """Hold a row that nobody asked for over the wire, without a word in the journal."""
        with self._lock:
            self._rows[row.kind, row.number, row.fiscal_year] = row

    def drop(self, row: Row) -> None:
        """Forget a row, without a word in the journal."""
        with self._lock:
            del self._rows[row.kind, row.number, row.fiscal_year]

    def get(self, kind: str, number: str, fiscal_year: int) -> Row | None:
        """Give one row by its id."""
        with self._lock:
            return self._rows.get((kind, number, fiscal_year))

    def select(self, kind: str, fits: Callable[[Row], bool] = lambda _: True) -> tuple[Row, ...]:
        """Give the rows of a kind for which `fits` is true."""
        with self._lock:
            rows = tuple(self._rows.values())
        return tuple(row for row in rows if row.kind == kind and fits(row))
