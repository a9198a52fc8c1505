"""Keys of lines: stable while rows move, so that an edited document updates its lines and doubles none."""

import json
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from connector.digits import significant
from connector.document import ROW_ID, PlainValue, Row, plain
from connector.mapping.words import UnfitError
from connector.record import key_part

_HASH_LENGTH = 16
_IDS = (str, int)


class LineKeys:
    """Gives the keys of one record's lines, each once for each object of the target."""

    def __init__(self, record_key: str) -> None:
        self._prefix = f"{record_key}:"
        self._seen: dict[tuple[str, str], str] = {}
        self._equals: dict[tuple[str, str], int] = {}

    def give(self, target: str, row: object, source: str) -> str:
        """Give the key of a row: from its id, else from its contents and its number among equal rows.

        Raises: UnfitError when another row has the same id: one line would overwrite the other.
        """
        row_id = row.id if type(row) is Row else row.get(ROW_ID) if isinstance(row, Mapping) else None
        if isinstance(row_id, _IDS) and row_id != "":
            # Percent-encoded, like the other parts of a key: no two different ids share one.
            name = key_part(str(row_id))
        else:
            name = self._name(target, plain(row))  # type: ignore[arg-type]  # a row, or a mapping as one
        first = self._seen.setdefault((target, name), source)
        if first != source:
            raise UnfitError(
                f"the same as `{first}.{ROW_ID}`", "expected ids that differ", at=f"{source}.{ROW_ID}"
            )
        return self._prefix + name

    def _name(self, target: str, row: PlainValue) -> str:
        contents = json.dumps(_canonical(row), sort_keys=True).encode("ascii")
        digest = sha256(contents).hexdigest()[:_HASH_LENGTH]
        number = self._equals[target, digest] = self._equals.get((target, digest), 0) + 1
        return f"{digest}-{number}"


def _canonical(value: PlainValue) -> Any:  # noqa: ANN401 what JSON can hold
    """Give the same for equal values: 1, 1.0 and 1.00 are one number, and the order of keys means nothing."""
    match value:
        case Mapping():
            return {name: _canonical(inner) for name, inner in value.items()}
        case tuple():
            return [_canonical(inner) for inner in value]
        case bool() | str() | None:
            return value
        case _:
            return {"number": _canonical_number(Decimal(value))}


def _canonical_number(number: Decimal) -> str:
    if not number.is_finite():
        return str(number)
    digits, exponent = significant(number)
    return f"{'-' if number.is_signed() else ''}{digits}E{exponent}" if digits else "0"
