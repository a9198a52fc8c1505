"""What a pipeline is told in config.yaml."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from connector.durations import Duration
from connector.ledger.delivery import OnChange
from connector.pipeline.definition import DEAD_SOURCES, WRITE_BACK_SOURCES
from connector.pipeline.original_settings import OriginalSettings
from connector.timetable import DAYS, Cron, Window


def _read_zone(value: object) -> object:
    try:
        return ZoneInfo(value).key if isinstance(value, str) else value
    except (ZoneInfoNotFoundError, ValueError) as error:
        message = f"unknown time zone {value!r}; expected a name such as Europe/Berlin"
        raise ValueError(message) from error


def _one_of(known: tuple[str, ...]) -> Any:  # noqa: ANN401 what pydantic takes as annotations
    def read(value: object) -> object:
        if value in known:
            return value
        message = f"unknown value {value!r}; known: {', '.join(known)}"
        raise ValueError(message)

    return BeforeValidator(read)


Day = Annotated[str, _one_of(DAYS), WithJsonSchema({"type": "string", "enum": list(DAYS)})]
Zone = Annotated[str, BeforeValidator(_read_zone)]
WriteBackSource = Annotated[
    str,
    _one_of(WRITE_BACK_SOURCES),
    WithJsonSchema({"type": "string", "enum": list(WRITE_BACK_SOURCES)}),
]
DeadSource = Annotated[
    str, _one_of(DEAD_SOURCES), WithJsonSchema({"type": "string", "enum": list(DEAD_SOURCES)})
]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DocumentsSection(_Section):
    """Which documents a pipeline wants."""

    types: tuple[str, ...] = Field(
        min_length=1, description="Docflo document types, exactly as Docflo spells them."
    )
    statuses: tuple[str, ...] = Field(
        default=("APPROVED",),
        min_length=1,
        description="Statuses in which a document is ready to be delivered.",
    )
    since: date = Field(description="Documents created before this day (UTC) are never touched.")
    lookback: Duration = Field(
        default=timedelta(days=30),
        description="How long before the checkpoint each listing starts: finds late approvals.",
    )
    rescan: Duration = Field(
        default=timedelta(days=365),
        description="How long after a document was created a rescan still finds an edit of it.",
    )
    open_statuses: tuple[str, ...] | None = Field(
        default=None,
        description="Statuses from which a document may still become ready; a sweep goes back to the oldest. "
        "Default: all that Docflo names but `statuses` and the one written back.",
    )


class ScheduleSection(_Section):
    """When `run` lists new documents."""

    every: Duration = Field(default=timedelta(minutes=1), description="Pause between two listings.")
    cron: str | None = Field(
        default=None,
        description="Instead of `every`: minute hour day month weekday, such as */5 7-19 * * mon-fri.",
    )
    timezone: Zone = Field(default="UTC", description="In which `cron` is meant.")
    sweep: Duration = Field(
        default=timedelta(hours=1),
        description="Pause between two listings back to the oldest document that is not approved yet: "
        "finds late approvals and edits after delivery. With `cron`, at its times only.",
    )
    rescan: Duration = Field(
        default=timedelta(days=1),
        description="Pause between two listings of everything that `documents.rescan` reaches back to: "
        "finds edits long after delivery.",
    )

    @model_validator(mode="after")
    def _is_one_kind(self) -> "ScheduleSection":
        if self.cron is not None and "every" in self.model_fields_set:
            raise ValueError("name `every` or `cron`, not both")
        timetable = self.timetable
        if timetable is not None:
            _ = timetable.trigger
        return self

    @property
    def timetable(self) -> Cron | None:
        """The cron line as a value."""
        return None if self.cron is None else Cron(line=self.cron, zone=self.timezone)


class MaintenanceSection(_Section):
    """A part of the week in which a pipeline's target is left alone. Listing and write-back go on."""

    days: tuple[Day, ...] = Field(
        default=DAYS, min_length=1, description="On which it begins; default: every day."
    )
    begin: time = Field(description="Time of day, such as 22:00.")
    end: time = Field(description="Time of day; when it is earlier, of the day after.")
    timezone: Zone = Field(default="UTC", description="Of both times.")

    @property
    def window(self) -> Window:
        """This as a value."""
        return Window(days=self.days, begin=self.begin, end=self.end, zone=self.timezone)


class WriteBackStep(_Section):
    """What is written into the Docflo document: fields first, then the status."""

    status: str | None = Field(default=None, description="New status of the document, e.g. CONFIRMED.")
    fields: dict[str, WriteBackSource] = Field(
        default_factory=dict,
        description="Field of the document type -> what to write: " + ", ".join(WRITE_BACK_SOURCES),
    )

    @model_validator(mode="after")
    def _says_something(self) -> "WriteBackStep":
        if self.status is None and not self.fields:
            message = "name a status, fields, or both"
            raise ValueError(message)
        return self


class DeadWriteBackStep(_Section):
    """What is written into a document that was set aside, so that its reviewer sees why."""

    status: str | None = Field(
        default=None, description="Status that sends it back to a reviewer, e.g. REQUIRES_VALIDATION."
    )
    fields: dict[str, DeadSource] = Field(
        min_length=1,
        description="Field of the document type -> what to write: " + ", ".join(DEAD_SOURCES),
    )


class WriteBackSection(_Section):
    """What Docflo is told, by what became of the document."""

    delivered: WriteBackStep | None = Field(default=None, description="Once the target holds the record.")
    dead: DeadWriteBackStep | None = Field(
        default=None,
        description="When the document does not fit the mapping or the target rejects it: the reviewer's "
        "correction delivers it again.",
    )


class InDoubtSection(_Section):
    """What happens when a request was sent and no answer came."""

    settle: Duration = Field(
        default=timedelta(seconds=30),
        description="How long the request may still take effect: the target is not asked before.",
    )
    person: str | None = Field(
        default=None,
        min_length=1,
        description="Who resolves doubts where the target cannot be asked (create_only): required there.",
    )


class PipelineSection(_Section):
    """One way from Docflo to a target."""

    documents: DocumentsSection
    mapping: Path = Field(description="Mapping file, relative to this file.")
    target: str = Field(description="A name under `targets`.")
    on_change: OnChange = Field(
        default=OnChange.UPDATE,
        description="When a document is edited after it was delivered: update delivers it again, hold waits "
        "for a person, ignore counts it.",
    )
    schedule: ScheduleSection = Field(default_factory=ScheduleSection)
    write_back: WriteBackSection = Field(default_factory=WriteBackSection)
    in_doubt: InDoubtSection = Field(default_factory=InDoubtSection)
    maintenance: tuple[MaintenanceSection, ...] = Field(
        default=(), description="When the target is left alone."
    )
    original: OriginalSettings = Field(default_factory=OriginalSettings)
    halt_after: int = Field(
        default=10,
        ge=0,
        description="So many dead letters in a row, all of one class, halt the pipeline; 0: never.",
    )
    on_misfit: Literal["pause", "ignore"] = Field(
        default="pause",
        description="When the target's own description says that it would refuse whatever the mapping makes: "
        "pause this pipeline until it fits, or deliver all the same.",
    )
    silence_after: int = Field(
        default=30,
        ge=0,
        description="So many listings in a row without a document are an alarm, where most found some; "
        "0: never.",
    )
