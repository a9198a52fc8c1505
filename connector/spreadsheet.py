"""Lines of CSV that a spreadsheet takes for what they are."""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

MARK = "\ufeff"
"""Stands first in a file, so that a spreadsheet does not take UTF-8 for something else."""


def line(cells: Iterable[object]) -> str:
    """Give one line. Numbers keep every digit; text that a spreadsheet would run as a formula is disarmed."""
    out = io.StringIO()
    csv.writer(out).writerow(map(_cell, cells))
    return out.getvalue()


def _cell(value: object) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case _:
            return _harmless(str(value))


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
