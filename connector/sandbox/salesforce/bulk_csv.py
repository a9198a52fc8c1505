"""Bulk API 2.0's CSV: one header row, one delimiter, one line ending, every cell quoted in results."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from connector.sandbox.salesforce.schema import NUMBER_TYPES, Field, ObjectType, Schema

DELIMITERS = {
    "BACKQUOTE": "`",
    "CARET": "^",
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"
TRUTHS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_LONE_LF = re.compile(r"(?<!\r)\n")


class BatchRefusedError(Exception):
    """The file as a whole cannot be used: the job fails with this as its message."""


def read_rows(content: bytes, *, delimiter: str, line_ending: str) -> tuple[list[str], list[list[str]]]:
    """Give the header and the rows. A byte order mark stays where it is: in the first column's name.

    Raises: BatchRefusedError.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise BatchRefusedError("InvalidBatch : The data is not encoded in UTF-8") from error
    outside = _QUOTED.sub("", text)
    is_wrong = "\r\n" in outside if line_ending == "LF" else _LONE_LF.search(outside) is not None
    if is_wrong:
        message = (
            "ClientInputError : LineEnding is invalid on user data. "
            f"Current LineEnding setting is {line_ending}"
        )
        raise BatchRefusedError(message)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[delimiter], strict=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise BatchRefusedError(f"ClientInputError : Failed to parse CSV: {error}") from error
    return (rows[0], rows[1:]) if rows else ([], [])


def written(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, delimiter: str, line_ending: str
) -> bytes:
    """Give a file of results."""
    out = io.StringIO(newline="")
    writer = csv.writer(
        out,
        delimiter=DELIMITERS[delimiter],
        lineterminator=LINE_ENDINGS[line_ending],
        quoting=csv.QUOTE_ALL,
    )
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue().encode()


class Columns:
    """What the columns of a file mean for one object."""

    def __init__(self, schema: Schema, found: ObjectType, header: Sequence[str]) -> None:
        """Look every column up.

        Raises: BatchRefusedError for the first that does not exist or cannot be seen.
        """
        self._columns = [_column(schema, found, name) for name in header]
        self._header = header

    def record(self, row: Sequence[str]) -> dict[str, Any]:
        """Give a row as a record: an empty cell leaves its field alone, `#N/A` empties it.

        Raises: ValueError with the cell that is not of its field's type, and its field.
        """
        record: dict[str, Any] = {}
        for name, (reference, field), cell in zip(self._header, self._columns, row, strict=True):
            if cell == "":
                continue
            value = None if cell == NULL else _typed(field, cell)
            if reference is None:
                record[field.name] = value
            elif value is None:
                record[reference.relationship_name] = None
            else:
                record[reference.relationship_name] = {name.rpartition(".")[2]: value}
        return record


def _column(schema: Schema, found: ObjectType, name: str) -> tuple[Field | None, Field]:
    """Give the field of a column, and the reference before it: `Vendor__r.Tax_Id__c`, `User:Owner.Key__c`."""
    relationship, _, last = name.rpartition(".")
    if not relationship:
        field = found.field(last)
        if field is not None:
            return None, field
        raise BatchRefusedError(f"InvalidBatch : Field name not found : {name}")
    reference = found.relationship(relationship.rpartition(":")[2])
    target = schema.find(reference.reference_to) if reference else None
    field = target.field(last) if target else None
    if reference is None or field is None:
        raise BatchRefusedError(f"InvalidBatch : Field name not found : {name}")
    return reference, field


class CellRefusedError(ValueError):
    """A cell is not of its field's type."""

    def __init__(self, field: Field, cell: str) -> None:
        self.entry: Mapping[str, Any] = {
            "errorCode": "INVALID_TYPE_ON_FIELD_IN_RECORD",
            "message": f"{field.label}: value not of required type: {cell}",
            "fields": [field.name],
        }
        super().__init__(cell)


def _typed(field: Field, cell: str) -> object:
    if field.type in NUMBER_TYPES:
        try:
            number = Decimal(cell)
        except InvalidOperation:
            raise CellRefusedError(field, cell) from None
        if not number.is_finite():
            raise CellRefusedError(field, cell)
        return number
    if field.type == "boolean":
        if cell.lower() not in TRUTHS:
            raise CellRefusedError(field, cell)
        return TRUTHS[cell.lower()]
    return cell
