"""What did not fit while a body was fitted to a schema."""

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Shaped: TypeAlias = Any
"""What zeep takes: text, a dict, a list, an object of a type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """One thing that does not fit: where, which part of the record it came from, and why."""

    path: str  # "PurchaseInvoice/PurchLines[2]/Quantity"
    source: str  # "line.Quantity"; empty for what is missing
    message: str
    is_profile: bool = False  # the profile is wrong, whatever the document says


@dataclass(slots=True)
class Fit:
    """What came of fitting one body."""

    misfits: list[Misfit] = field(default_factory=list)
