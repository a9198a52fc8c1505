"""The files of Bulk API 2.0: rows of text, nulls as `#N/A`, UTF-8 without a byte order mark. Pure."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from connector.errors import UnexpectedResponseError

NULL = "#N/A"
"""What empties a field; an empty cell leaves it alone."""
MOST_CHARACTERS = 32_000  # of a field
_MOST_BYTES = 60_000_000  # of a file; Salesforce takes 150 MB once it is base64, about 100 MB of CSV


def cell(value: object) -> str:
    """Give a value of an upsert's body as a cell holds it.

    An empty text empties the field in JSON; here only `#N/A` does.
    """
    match value:
        case None | "":
            return NULL
        case bool():
            return "true" if value else "false"
        case msgspec.Raw():
            return bytes(value).decode()
        case _:
            return str(value)


def misfit(value: object) -> str | None:
    """Tell why a file cannot carry this value; None if it can."""
    if not isinstance(value, str):
        return None
    if value == NULL:
        return f'the text "{NULL}" would empty its field'
    return "the text is too long" if len(value) > MOST_CHARACTERS else None


def files(
    key_column: str, rows: Sequence[Mapping[str, str]], most_bytes: int = _MOST_BYTES
) -> Iterator[tuple[bytes, Sequence[Mapping[str, str]]]]:
    """Give files of rows, as few as their size allows, each with the rows in it. The key's column is first.

    A column that a row does not name is empty there: its field is left alone.
    """
    columns = [key_column, *sorted({name for row in rows for name in row} - {key_column})]
    head, size, taken = _line(columns), 0, list[bytes]()
    start = 0
    for at, row in enumerate(rows):
        line = _line([row.get(name, "") for name in columns])
        if taken and size + len(line) > most_bytes:
            yield head + b"".join(taken), rows[start:at]
            start, size, taken = at, 0, []
        taken.append(line)
        size += len(line)
    if taken:
        yield head + b"".join(taken), rows[start:]


def read_file(content: bytes) -> list[dict[str, str]]:
    """Give the rows of a file of results, by the names of their columns.

    The answer is UTF-8 whether it says so or not; only CR and LF end a row.
    Raises: UnexpectedResponseError when it is no such file.
    """
    try:
        text = content.decode("utf-8-sig")
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        head, *rows = (row for row in reader if row)
    except (UnicodeDecodeError, csv.Error, ValueError) as error:
        raise UnexpectedResponseError("results of a job: not a CSV file in UTF-8") from error
    return [dict(zip(head, row, strict=False)) for row in rows]


def _line(cells: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow(cells)
    return out.getvalue().encode()
