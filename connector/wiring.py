"""Config -> live objects: pipelines, their targets, and all that works on them.

Only here and in `sight.py`, the part that needs no pipeline, are clients, database and adapters constructed.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from uuid import uuid4

import structlog

from connector.adapters.base import (
    Adapter,
    AnswersQueries,
    Idempotency,
    SettlesLate,
    ShowsOriginals,
    TellsMisfits,
)
from connector.adapters.registry import create_adapter
from connector.clock import Clock, utc_now
from connector.config import Config
from connector.docflo.client import DocfloClient
from connector.docflo.shared_budget import SharedBudget
from connector.document import STATUSES
from connector.errors import ConfigError, Problem
from connector.ledger.backfill_windows import WindowStore
from connector.ledger.backfills import BackfillStore
from connector.ledger.breaker import BreakerStore
from connector.ledger.database import Database
from connector.ledger.delivery import OnChange
from connector.ledger.pauses import PauseStore
from connector.ledger.store import Store
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping as MappingRules
from connector.pipeline.breaker import Breakers
from connector.pipeline.definition import Pipeline, WriteBack
from connector.pipeline.fit import Fit
from connector.pipeline.settings import PipelineSection
from connector.pipeline.target_answers import TargetAnswers
from connector.pipeline.work import Move, Work
from connector.sight import make_budget, open_ledger_database, release

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connector:
    """Everything a command or the service works with, ready to use."""

    config: Config
    database: Database
    store: Store
    backfills: BackfillStore
    windows: WindowStore
    pauses: PauseStore
    docflo: DocfloClient
    budget: SharedBudget
    breakers: Breakers
    pipelines: Sequence[Pipeline]
    clock: Clock
    carriers: threading.BoundedSemaphore  # see `Work.carriers`

    def work(
        self,
        on_move: Callable[[Move], None] = lambda _move: None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> Work:
        """Give one worker its ledger, its Docflo client and an identity of its own."""
        return Work(
            store=self.store,
            docflo=self.docflo,
            breakers=self.breakers,
            owner=f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}:{uuid4().hex[:8]}",
            lease=self.config.service.lease,
            clock=self.clock,
            on_move=on_move,
            stopping=stopping,
            carriers=self.carriers,
        )


@contextmanager
def connect(
    config: Config, *, only: Sequence[str] = (), clock: Clock = utc_now, backfill_budget: int = 100
) -> Iterator[Connector]:
    """Open the ledger, the Docflo client and the adapters that these pipelines need; close them at the end.

    `backfill_budget`: percent of the request budget that may be used, by whomever, before a backfill waits.
    Raises: ConfigError for unknown pipelines, bad mappings (all of them at once) or an old schema.
    """
    sections = _select(config.pipelines, only)
    load_mappings(sections)  # before anything is opened: what is wrong there is seen without a database
    database = open_ledger_database(config)
    try:
        database.require_current_schema()
        with connect_over(
            database, config, only=only, clock=clock, backfill_budget=backfill_budget
        ) as connector:
            yield connector
    finally:
        database.close()


@contextmanager
def connect_over(
    database: Database,
    config: Config,
    *,
    only: Sequence[str] = (),
    clock: Clock = utc_now,
    backfill_budget: int = 100,
) -> Iterator[Connector]:
    """Do the same over a database that is open, and leave it open.

    Raises: ConfigError for unknown pipelines or bad mappings (all of them at once).
    """
    sections = _select(config.pipelines, only)
    mappings = load_mappings(sections)
    with ExitStack() as stack:
        budget = make_budget(config, database, clock=clock, backfill=backfill_budget)
        stack.callback(release, budget)
        docflo = stack.enter_context(DocfloClient(config.docflo, clock=clock, budget=budget))
        adapters: dict[str, Adapter] = {}
        for section in sections.values():
            if section.target not in adapters:
                adapters[section.target] = create_adapter(config.targets[section.target], clock=clock)
                stack.callback(adapters[section.target].close)
        refuse_unattended_doubts(sections, adapters)
        refuse_unshown_originals(sections, adapters)
        yield Connector(
            config=config,
            database=database,
            store=Store(database, clock=clock),
            backfills=BackfillStore(database, clock=clock),
            windows=WindowStore(database, clock=clock),
            pauses=PauseStore(database),
            docflo=docflo,
            budget=budget,
            breakers=Breakers(BreakerStore(database), clock=clock),
            pipelines=[
                replace(
                    make_pipeline(
                        name, section, config.docflo.tenant_id, mappings[name], adapters[section.target]
                    ),
                    written_fields=written_fields(config),
                )
                for name, section in sections.items()
            ],
            clock=clock,
            carriers=threading.BoundedSemaphore(max(1, config.service.workers // 2)),
        )


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


def refuse_unshown_originals(
    sections: Mapping[str, PipelineSection], adapters: Mapping[str, Adapter]
) -> None:
    """Refuse pipelines that want originals beside the records of a target that shows none.

    Raises: ConfigError naming each of them.
    """
    problems = [
        Problem(
            place=f"pipelines.{name}.original.policy",
            message=f"target `{section.target}` cannot show files beside its records",
        )
        for name, section in sections.items()
        if section.original.is_wanted and not isinstance(adapters[section.target], ShowsOriginals)
    ]
    if problems:
        raise ConfigError("originals cannot be shown", problems=problems, remedy="original: {policy: skip}")


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
    delivered = section.write_back.delivered
    write_back = WriteBack(fields=delivered.fields, status=delivered.status) if delivered else None
    documents = section.documents
    ready_or_done = {*documents.statuses, write_back.status if write_back else None}
    # Only what sets by key can take a record again: anything else would make a second one.
    can_update = adapter.idempotency is Idempotency.NATIVE
    dead = section.write_back.dead
    return Pipeline(
        name=name,
        tenant_id=tenant_id,
        types=documents.types,
        statuses=documents.statuses,
        open_statuses=tuple(
            status for status in documents.open_statuses or STATUSES if status not in ready_or_done
        ),
        since=datetime.combine(documents.since, time.min, tzinfo=UTC),
        lookback=documents.lookback,
        rescan=documents.rescan,
        on_change=section.on_change
        if can_update or section.on_change is not OnChange.UPDATE
        else OnChange.HOLD,
        mapping=mapping,
        adapter=adapter,
        answers=_answers(name, section, mapping, adapter),
        target=section.target,
        write_back=write_back,
        write_back_dead=WriteBack(fields=dead.fields, status=dead.status) if dead else None,
        settle=max(section.in_doubt.settle, adapter.settle)
        if isinstance(adapter, SettlesLate)
        else section.in_doubt.settle,
        doubts_person=section.in_doubt.person,
        maintenance=tuple(each.window for each in section.maintenance),
        original=section.original if section.original.is_wanted else None,
        halt_after=section.halt_after,
        fit=Fit(adapter, mapping.shapes())
        if isinstance(adapter, TellsMisfits) and section.on_misfit == "pause"
        else None,
    )


def _answers(
    name: str, section: PipelineSection, mapping: MappingRules, adapter: Adapter
) -> TargetAnswers | None:
    if not mapping.asks_target:
        return None
    if isinstance(adapter, AnswersQueries):
        return TargetAnswers(adapter)
    message = f"{section.mapping.name} looks values up in target `{section.target}`, which cannot be asked"
    raise ConfigError(
        "a mapping asks what its target cannot answer",
        problems=[Problem(place=f"pipelines.{name}.mapping", message=message)],
        remedy="use a table under `lookups` of the mapping instead",
    )


def written_fields(config: Config) -> frozenset[str]:
    """Give the fields that any pipeline writes into documents."""
    return frozenset(
        name
        for section in config.pipelines.values()
        for _, step in section.write_back
        if step is not None
        for name in step.fields
    )


def _select(pipelines: Mapping[str, PipelineSection], only: Sequence[str]) -> Mapping[str, PipelineSection]:
    unknown = [name for name in only if name not in pipelines]
    if unknown:
        message = f"no pipeline named {', '.join(unknown)}; config.yaml has {', '.join(pipelines)}"
        raise ConfigError(message)
    return {name: section for name, section in pipelines.items() if not only or name in only}
