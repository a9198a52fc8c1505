"""Config -> live objects. The only place that constructs clients, the database and adapters."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from uuid import uuid4

from connector.adapters.base import Adapter, Idempotency
from connector.adapters.registry import create_adapter
from connector.clock import Clock, utc_now
from connector.config import Config, PipelineSection
from connector.docflo.client import DocfloClient
from connector.errors import ConfigError, Problem
from connector.ledger.database import Database, open_database
from connector.ledger.store import Store
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping as MappingRules
from connector.pipeline.definition import Pipeline, WriteBack
from connector.pipeline.work import Move, Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Everything a command or the service works with, ready to use."""

    config: Config
    database: Database
    store: Store
    docflo: DocfloClient
    pipelines: Sequence[Pipeline]
    clock: Clock

    def work(self, on_move: Callable[[Move], None] = lambda _move: None) -> Work:
        """Give one worker its ledger, its Docflo client and an identity of its own."""
        return Work(
            store=self.store,
            docflo=self.docflo,
            owner=f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}:{uuid4().hex[:8]}",
            lease=self.config.service.lease,
            clock=self.clock,
            on_move=on_move,
        )


@contextmanager
def connect(config: Config, *, only: Sequence[str] = (), clock: Clock = utc_now) -> Iterator[Connector]:
    """Open the ledger, the Docflo client and the adapters that these pipelines need; close them at the end.

    Raises: ConfigError for unknown pipelines, bad mappings (all of them at once) or an old schema.
    """
    sections = _select(config.pipelines, only)
    mappings = load_mappings(sections)
    with ExitStack() as stack:
        database = open_database(config.database)
        stack.callback(database.close)
        database.require_current_schema()
        docflo = stack.enter_context(DocfloClient(config.docflo, clock=clock))
        adapters: dict[str, Adapter] = {}
        for section in sections.values():
            if section.target not in adapters:
                adapters[section.target] = create_adapter(config.targets[section.target], clock=clock)
                stack.callback(adapters[section.target].close)
        refuse_unattended_doubts(sections, adapters)
        yield Connector(
            config=config,
            database=database,
            store=Store(database, clock=clock),
            docflo=docflo,
            pipelines=[
                make_pipeline(
                    name, section, config.docflo.tenant_id, mappings[name], adapters[section.target]
                )
                for name, section in sections.items()
            ],
            clock=clock,
        )


@contextmanager
def open_ledger(config: Config, *, clock: Clock = utc_now) -> Iterator[Store]:
    """Open the ledger alone, for commands that only look at it or change it."""
    database = open_database(config.database)
    try:
        database.require_current_schema()
        yield Store(database, clock=clock)
    finally:
        database.close()


def load_mappings(sections: Mapping[str, PipelineSection]) -> dict[str, MappingRules]:
    """Load the mapping of each pipeline.

    Raises: ConfigError with the problems of all mapping files together.
    """
    loaded: dict[str, MappingRules] = {}
    problems: list[Problem] = []
    for name, section in sections.items():
        try:
            loaded[name] = load_mapping(section.mapping)
        except ConfigError as error:
            problems.extend(
                error.problems or [Problem(place=f"pipelines.{name}.mapping", message=error.message)]
            )
            continue
        if loaded[name].document not in section.documents.types:
            wanted = ", ".join(section.documents.types)
            problems.append(
                Problem(
                    place=f"pipelines.{name}.mapping",
                    message=f"{section.mapping.name} maps `{loaded[name].document}`, "
                    f"but the pipeline lists documents of type {wanted}",
                )
            )
    if problems:
        message = f"the mappings have {len(problems)} problem(s)"
        raise ConfigError(message, problems=problems)
    return loaded


def refuse_unattended_doubts(
    sections: Mapping[str, PipelineSection], adapters: Mapping[str, Adapter]
) -> None:
    """Refuse pipelines into targets that can neither take a record twice nor be asked, and name nobody.

    Raises: ConfigError naming each of them.
    """
    problems = [
        Problem(
            place=f"pipelines.{name}.in_doubt.person",
            message=f"target `{section.target}` cannot be asked what it has: name who resolves doubts",
        )
        for name, section in sections.items()
        if adapters[section.target].idempotency is Idempotency.CREATE_ONLY and section.in_doubt.person is None
    ]
    if problems:
        raise ConfigError(
            "nobody resolves doubts", problems=problems, remedy="in_doubt: {person: ap-team@your-company}"
        )


def select_pipeline(config: Config, name: str) -> tuple[str, PipelineSection, MappingRules]:
    """Give one pipeline's section and mapping, without opening anything.

    Raises: ConfigError naming the pipelines there are.
    """
    section = _select(config.pipelines, [name])[name]
    return name, section, load_mappings({name: section})[name]


def make_pipeline(
    name: str, section: PipelineSection, tenant_id: str, mapping: MappingRules, adapter: Adapter
) -> Pipeline:
    """Put one pipeline together."""
    delivered, dead = section.write_back.delivered, section.write_back.dead
    return Pipeline(
        name=name,
        tenant_id=tenant_id,
        types=section.documents.types,
        statuses=section.documents.statuses,
        since=datetime.combine(section.documents.since, time.min, tzinfo=UTC),
        lookback=section.documents.lookback,
        mapping=mapping,
        adapter=adapter,
        write_back=WriteBack(fields=delivered.fields, status=delivered.status) if delivered else None,
        write_back_dead=WriteBack(fields=dead.fields, status=dead.status) if dead else None,
        settle=section.in_doubt.settle,
        doubts_person=section.in_doubt.person,
        halt_after=section.halt_after,
    )


def upgrade_database(config: Config) -> None:
    """Bring the ledger to the schema of this version."""
    database = open_database(config.database)
    try:
        database.upgrade()
    finally:
        database.close()


def _select(pipelines: Mapping[str, PipelineSection], only: Sequence[str]) -> Mapping[str, PipelineSection]:
    unknown = [name for name in only if name not in pipelines]
    if unknown:
        message = f"no pipeline named {', '.join(unknown)}; config.yaml has {', '.join(pipelines)}"
        raise ConfigError(message)
    return {name: section for name, section in pipelines.items() if not only or name in only}
