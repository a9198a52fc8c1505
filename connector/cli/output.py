"""Printing: tables and marks for people, JSON for scripts."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text


def console() -> Console:
    """Give a console on standard output; wide enough for a table where there is no terminal."""
    return Console(width=None if sys.stdout.isatty() else 140, highlight=False, soft_wrap=False)


def print_json(value: object) -> None:
    """Print a value as JSON. Decimals keep their digits; times are ISO 8601."""
    raw = msgspec.json.Encoder(decimal_format="number").encode(_jsonable(value))
    sys.stdout.write(msgspec.json.format(raw, indent=2).decode() + "\n")


def _jsonable(value: Any) -> Any:  # noqa: ANN401 any value a command prints
    if is_dataclass(value) and not isinstance(value, type):
        return _jsonable(asdict(value))
    match value:
        case dict():
            return {str(key): _jsonable(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_jsonable(inner) for inner in value]
        case bytes():
            return msgspec.Raw(value)
        case Path():
            return str(value)
        case _:
            return value


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Make a table; numbers stand to the right, blanks stay blank."""
    drawn = Table(title=title, title_justify="left", header_style="bold", title_style="bold")
    listed = [list(row) for row in rows]
    for position, column in enumerate(columns):
        cells = [row[position] for row in listed if row[position] is not None]
        numeric = bool(cells) and all(isinstance(cell, int | Decimal) for cell in cells)
        drawn.add_column(column, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        drawn.add_row(*(Text(cell_text(cell)) for cell in row))
    return drawn


def cell_text(value: object) -> str:
    """Give a value as a person reads it in a table; a tuple has a line for each of its values."""
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:,f}"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case date():
            return value.isoformat()
        case tuple():
            return "\n".join(map(cell_text, value))
        case _:
            # A right-to-left mark or a line break in a name must not shift the columns.
            return " ".join(str(value).split())
