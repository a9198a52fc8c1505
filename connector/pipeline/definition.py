"""A pipeline: source filter + mapping + adapter + write-back, frozen."""

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.adapters.base import Adapter
from connector.mapping.rules import Mapping

WRITE_BACK_SOURCES = ("receipt.id", "receipt.url", "today()", "now()")
"""What a write-back can put into a field of the document."""

DEAD_SOURCES = ("reason", "today()", "now()")
"""The same, where the document is set aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack:
    """What Docflo is told: fields first, then the status."""

    fields: MappingABC[str, str] = field(default_factory=dict)  # Docflo field -> what to write
    status: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """One way from Docflo to a target."""

    name: str
    tenant_id: str  # part of every record key
    types: tuple[str, ...]
    statuses: tuple[str, ...]
    since: datetime  # documents created before are never touched
    lookback: timedelta  # how far before the checkpoint a tail listing starts
    mapping: Mapping
    adapter: Adapter
    write_back: WriteBack | None = None  # once the target holds the record
    write_back_dead: WriteBack | None = None  # when a document is set aside that a reviewer can correct
    settle: timedelta = timedelta(seconds=30)  # in doubt: how long a request may still take effect
    doubts_person: str | None = None  # resolves doubts where the target cannot be asked
    halt_after: int = 10  # dead letters of one class in a row that halt it; 0: never

    @property
    def own_fields(self) -> frozenset[str]:
        """Fields that this connector writes: a change of these is never an edit."""
        steps = (self.write_back, self.write_back_dead)
        return frozenset(name for step in steps if step for name in step.fields)
