"""config.yaml as a value: every key there is, its default and its meaning.

All problems of a file are reported at once, each with its place. Settings of the Docflo client, of each
adapter and of a pipeline live beside what they set; this module puts them together and checks what one
section says of another.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from connector.adapters.memory import MemorySettings
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.adapters.soap.settings import SoapSettings
from connector.docflo.settings import DocfloSettings
from connector.durations import Duration
from connector.errors import ConfigError, Problem
from connector.notify import ChannelSettings
from connector.pipeline.settings import PipelineSection
from connector.references import FOLDER, OFFLINE, ResolvedText, Secret
from connector.web_settings import AccessSettings, WebhookSettings, WebSettings, refuse_strangers
from connector.yaml_source import YamlSource, read_yaml, validate
from connector.yaml_words import suggest

ModelT = TypeVar("ModelT", bound=BaseModel)

Target = Annotated[SalesforceSettings | SoapSettings | MemorySettings, Field(discriminator="adapter")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServiceSection(_Section):
    """How `run` behaves."""

    workers: int = Field(
        default=4,
        ge=1,
        le=64,
        description="Threads that deliver and write back; fewer do while nothing has to be waited for.",
    )
    grace: Duration = Field(
        default=timedelta(seconds=25), description="After SIGTERM: time to finish what is in flight."
    )
    lease: Duration = Field(
        default=timedelta(minutes=15),
        description="How long one worker may hold a batch before another takes it over; "
        "longer than the longest call to a target.",
    )
    stuck_after: Duration = Field(
        default=timedelta(minutes=10),
        description="A thread without a sign of life for so long makes /livez fail; "
        "longer than any single call.",
    )


class StorageSection(_Section):
    """What the ledger keeps of documents, and how."""

    retention: Duration = Field(
        default=timedelta(days=90),
        description="How long the document and the record are kept after the delivery is completed or "
        "skipped; after that only ids, digests and the columns that `deliveries list` shows.",
    )
    encryption_keys: tuple[Secret, ...] = Field(
        default=(),
        description="Fernet keys, newest first: documents and records are encrypted with the first, and "
        "read with any of them. `database reseal` encrypts what is stored already.",
    )


class AlarmsSection(_Section):
    """What people are told of, besides halts and refused credentials."""

    freshness: Duration = Field(
        default=timedelta(minutes=15), description="How late a pipeline's listing may be."
    )
    in_doubt: int = Field(default=10, ge=0, description="How many deliveries of a pipeline may be in doubt.")
    in_doubt_for: Duration = Field(default=timedelta(hours=1), description="How long one may be in doubt.")


class LogSection(_Section):
    """What is logged, to standard error."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level logged."
    )
    format: Literal["auto", "console", "json"] = Field(
        default="auto", description="auto: console on a terminal, JSON lines elsewhere."
    )


class Config(_Section):
    """The whole of config.yaml."""

    docflo: DocfloSettings
    database: ResolvedText = Field(
        default="sqlite:///connector.db",
        description="sqlite:///file (one process) or postgresql+psycopg://user:password@host/name.",
    )
    targets: dict[str, Target] = Field(min_length=1, description="Where records go, by a name of yours.")
    pipelines: dict[str, PipelineSection] = Field(
        min_length=1, description="By a name of yours; part of every record key."
    )
    service: ServiceSection = Field(default_factory=ServiceSection)
    storage: StorageSection = Field(default_factory=StorageSection)
    web: WebSettings = Field(default_factory=WebSettings)
    webhook: WebhookSettings | None = Field(default=None, description="Docflo's calls; none: polling alone.")
    alarms: AlarmsSection = Field(default_factory=AlarmsSection)
    notifications: dict[str, ChannelSettings] = Field(
        default_factory=dict, description="Who is told of alarms, by a name of yours."
    )
    log: LogSection = Field(default_factory=LogSection)


def load_config(path: Path, *, offline: bool = False) -> Config:
    """Read config.yaml; paths in it are relative to its folder. `offline`: secrets may be missing.

    Raises: ConfigError listing every problem, each with file, line and column.
    """
    if not path.is_file():
        message = f"no configuration at {path}"
        raise ConfigError(
            message, remedy="run `docflo-connector init` to write one, or name it with --config"
        )
    source = read_yaml(path)
    folder = path.resolve().parent
    config = validate(Config, source, {FOLDER: folder, OFFLINE: offline})
    problems = tuple(_cross_check(config, source))
    if problems:
        message = f"{path} has {len(problems)} problem{'' if len(problems) == 1 else 's'}"
        raise ConfigError(message, problems=problems)
    return _from_folder(config, path.parent)


def _cross_check(config: Config, source: YamlSource) -> Iterator[Problem]:
    open_door = refuse_strangers(config.web, config.webhook)
    if open_door is not None:
        yield Problem(place=f"{source.place(('webhook',))}: webhook", message=open_door)
    for name, pipeline in config.pipelines.items():
        if pipeline.target not in config.targets:
            where = ("pipelines", name, "target")
            yield Problem(
                place=f"{source.place(where)}: {'.'.join(where)}",
                message=f"unknown target `{pipeline.target}`; {suggest(pipeline.target, config.targets)}",
            )
        yield from _moved_away(name, config, source)


def _moved_away(name: str, config: Config, source: YamlSource) -> Iterator[Problem]:
    """Refuse a status written back that takes documents out of sight of another pipeline that wants them.

    Whichever pipeline lists a document first delivers it; the other has to find it after that.
    """
    own = config.pipelines[name]
    status = own.write_back.delivered.status if own.write_back.delivered else None
    if status is None or status in own.documents.statuses:
        return
    for other_name, other in config.pipelines.items():
        shared = set(own.documents.types) & set(other.documents.types)
        meets = set(own.documents.statuses) & set(other.documents.statuses)
        if other_name != name and shared and meets and status not in other.documents.statuses:
            where = ("pipelines", name, "write_back", "delivered", "status")
            yield Problem(
                place=f"{source.place(where)}: {'.'.join(where)}",
                message=f"{status} hides documents from pipeline `{other_name}`, which looks only for "
                f"{', '.join(other.documents.statuses)}; add {status} to its `documents.statuses`",
            )


def _from_folder(config: Config, folder: Path) -> Config:
    """Let paths start at the folder of the file, spelt as it was named: messages show them."""
    pipelines = {
        name: section.model_copy(update={"mapping": folder / section.mapping})
        for name, section in config.pipelines.items()
    }
    update = {
        "docflo": _with_files(config.docflo, folder),
        "database": _sqlite_from(config.database, folder),
        "targets": {name: _with_files(target, folder) for name, target in config.targets.items()},
        "pipelines": pipelines,
        "web": config.web.model_copy(update={"access": _access_from(config.web.access, folder)}),
    }
    return config.model_copy(update=update)


def _with_files(settings: ModelT, folder: Path) -> ModelT:
    files = {name: getattr(settings, name, None) for name in ("ca_bundle", "profile", "passwords", "schemas")}
    return settings.model_copy(
        update={name: folder / file for name, file in files.items() if file is not None}
    )


def _access_from(access: AccessSettings | None, folder: Path) -> AccessSettings | None:
    if access is None:
        return None
    oidc = _with_files(access.oidc, folder) if access.oidc else None
    return _with_files(access, folder).model_copy(update={"oidc": oidc})


def _sqlite_from(database: str, folder: Path) -> str:
    is_relative = database.startswith("sqlite:///") and not database.startswith(
        ("sqlite:////", "sqlite:///:")
    )
    return f"sqlite:///{folder.resolve() / database.removeprefix('sqlite:///')}" if is_relative else database


def config_json_schema() -> dict[str, Any]:
    """Give the JSON Schema of config.yaml, for editors."""
    schema = Config.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "docflo-connector config.yaml",
        **schema,
    }
