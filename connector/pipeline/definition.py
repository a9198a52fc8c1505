"""A pipeline: source filter + mapping + adapter + write-back, frozen."""

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.adapters.base import Adapter
from connector.ledger.delivery import OnChange
from connector.mapping.rules import Mapping

WRITE_BACK_SOURCES = ("receipt.id", "receipt.url", "today()", "now()")
"""What a write-back can put into a field of the document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBack:
    """What Docflo is told once the target holds the record: fields first, then the status."""

    fields: MappingABC[str, str] = field(default_factory=dict)  # Docflo field -> one of WRITE_BACK_SOURCES
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
    open_statuses: tuple[str, ...] = ()  # in which a document may still become ready
    on_change: OnChange = OnChange.UPDATE
    written_fields: frozenset[str] = frozenset()  # that this connector writes, in any pipeline
    mapping: Mapping
    adapter: Adapter
    target: str  # its name in config.yaml
    write_back: WriteBack | None = None

    @property
    def side(self) -> str:
        """Give the name of the target's breaker."""
        return f"target {self.target}"

    @property
    def own_fields(self) -> frozenset[str]:
        """Fields that this connector writes: a change of these is never an edit.

        Those of other pipelines too: else two pipelines would answer each other's write-backs for ever.
        """
        return self.written_fields | frozenset(self.write_back.fields if self.write_back else ())

    @property
    def done_statuses(self) -> tuple[str, ...]:
        """Statuses in which delivered documents are, and in which nothing is listed for delivery."""
        status = self.write_back.status if self.write_back else None
        return (status,) if status is not None and status not in self.statuses else ()
