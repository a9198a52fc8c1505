"""A pipeline: source filter + mapping + adapter + write-back, frozen."""

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.adapters.base import Adapter
from connector.ledger.delivery import OnChange
from connector.mapping.rules import Mapping
from connector.pipeline.fit import Fit
from connector.pipeline.original_settings import OriginalSettings
from connector.pipeline.target_answers import TargetAnswers
from connector.timetable import Window

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
    rescan: timedelta = timedelta(days=365)  # how far back a rescan looks for edits
    open_statuses: tuple[str, ...] = ()  # in which a document may still become ready
    on_change: OnChange = OnChange.UPDATE
    written_fields: frozenset[str] = frozenset()  # that this connector writes, in any pipeline
    mapping: Mapping
    adapter: Adapter
    answers: TargetAnswers | None = None  # of the target, to look-ups of the mapping; None: it has none
    target: str  # its name in config.yaml
    write_back: WriteBack | None = None  # once the target holds the record
    write_back_dead: WriteBack | None = None  # when a document is set aside that a reviewer can correct
    settle: timedelta = timedelta(seconds=30)  # in doubt: how long a request may still take effect
    doubts_person: str | None = None  # resolves doubts where the target cannot be asked
    maintenance: tuple[Window, ...] = ()  # when the target is left alone
    fit: Fit | None = None  # of the mapping and the target; None: nobody can tell, or wants to know
    original: OriginalSettings | None = None  # None: originals stay in Docflo
    halt_after: int = 10  # dead letters of one class in a row that halt it; 0: never

    @property
    def side(self) -> str:
        """Give the name of the target's breaker."""
        return f"target {self.target}"

    @property
    def mapping_side(self) -> str:
        """Give the name of the breaker that is open while the mapping does not fit the target."""
        return f"mapping {self.name}"

    @property
    def original_side(self) -> str:
        """Give the name of the breaker of originals: a right to files that is missing stops no delivery."""
        return f"originals {self.name}"

    def is_in_maintenance(self, now: datetime) -> bool:
        """Tell whether the target is to be left alone."""
        return any(window.covers(now) for window in self.maintenance)

    @property
    def own_fields(self) -> frozenset[str]:
        """Fields that this connector writes: a change of these is never an edit.

        Those of other pipelines too: else two pipelines would answer each other's write-backs for ever.
        """
        steps = (self.write_back, self.write_back_dead)
        return self.written_fields | frozenset(name for step in steps if step for name in step.fields)

    @property
    def writes_back(self) -> bool:
        """Whether Docflo is told anything."""
        return self.write_back is not None or self.write_back_dead is not None

    @property
    def done_statuses(self) -> tuple[str, ...]:
        """Statuses in which delivered documents are, and in which nothing is listed for delivery."""
        status = self.write_back.status if self.write_back else None
        return (status,) if status is not None and status not in self.statuses else ()
