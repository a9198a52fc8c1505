"""What a body makes of values: elements, values, lists. No schema, no XML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from connector.adapters.soap.template import Value


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value, and where it comes from."""

    value: Value
    source: str = ""  # "record.Total"


@dataclass(frozen=True, slots=True)
class Branch:
    """An element with elements and attributes in it."""

    fields: Mapping[str, "Made"]
    type: str | None = None  # "p:VendorBill"


@dataclass(frozen=True, slots=True)
class Many:
    """Elements of one name."""

    items: Sequence["Made"]


@dataclass(frozen=True, slots=True)
class Nil:
    """An element that says that it has no value."""


Made: TypeAlias = Leaf | Branch | Many | Nil
