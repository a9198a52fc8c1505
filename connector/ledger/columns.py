"""Column types that keep values exact on SQLite and PostgreSQL alike."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

from connector.ledger.seal import Seal

# SQLite numbers rows by itself only in a column that is spelt INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")

# Ordered by its bytes, so that everything that begins alike stands together: a prefix is a range.
SearchKey = Text(collation="C").with_variant(Text(), "sqlite")

SEALS: WeakKeyDictionary[Dialect, Seal] = WeakKeyDictionary()
"""The keys of each open database: a column type knows only which database it works for."""

_WITHOUT_KEYS = Seal()

_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_MOST_DIGITS = 100  # 1E+999999999 is nine characters as it stands and a gigabyte written out


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime: `timestamptz` on PostgreSQL; on SQLite text of constant width, so it sorts."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column type of this database."""
        return dialect.type_descriptor(DateTime(timezone=True) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401 the driver's type
        """Write UTC; a naive datetime is a bug and is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"naive datetime {value.isoformat()}: the ledger stores aware ones only"
            raise ValueError(message)
        return value.astimezone(UTC) if dialect.name == "postgresql" else _written(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ANN401, ARG002 sqlalchemy's signature
        """Read UTC, whatever time zone the database session has."""
        if value is None:
            return None
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


class Amount(TypeDecorator[Decimal]):
    """A Decimal as text: SQLite's NUMERIC changes digits, and text keeps 12.50 from becoming 12.5."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:  # noqa: ARG002 sqlalchemy's signature
        """Write it without an exponent, as people do."""
        if value is None:
            return None
        return (
            format(value, "f") if value.is_finite() and abs(value.adjusted()) < _MOST_DIGITS else str(value)
        )

    def process_result_value(self, value: str | None, dialect: Dialect) -> Decimal | None:  # noqa: ARG002 sqlalchemy's signature
        """Read the same digits again."""
        return None if value is None else Decimal(value)


class Sealed(TypeDecorator[bytes]):
    """What is stored of a document: packed, and encrypted where the database was opened with keys."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Pack and encrypt it."""
        return None if value is None else SEALS.get(dialect, _WITHOUT_KEYS).close(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> bytes | None:
        """Give it as it was.

        Raises: ConfigError when no configured key opens it.
        """
        return None if value is None else SEALS.get(dialect, _WITHOUT_KEYS).open(bytes(value))


class Words(TypeDecorator[str]):
    """Text for people, from documents and remote systems. What no database stores becomes U+FFFD.

    PostgreSQL refuses NUL and both refuse lone surrogates: one odd document must not stop a whole listing.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 sqlalchemy's signature
        """Replace what cannot be stored."""
        return None if value is None else storable(value)


@lru_cache(maxsize=64)
def _written(moment: datetime) -> str:
    # A batch of rows has few moments.
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def storable(text: str) -> str:
    """Replace what no database stores."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
