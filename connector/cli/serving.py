"""`run`, put together: one service over one database, and what replaces its setup while it runs."""

import gc
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from types import FrameType

import structlog
from prometheus_client import CollectorRegistry

from connector import __version__
from connector.adapters.base import HoldsTokens
from connector.calls import Call, listening
from connector.cli.serving_errands import Alarms, Wakeups
from connector.cli.serving_web import make_web
from connector.clock import utc_now
from connector.config import Config, load_config
from connector.console.metrics import Counters
from connector.console.server import WebServer
from connector.errors import AccessRefusedError, ConnectorError
from connector.ledger.database import Database
from connector.ledger.delivery import OPEN_STATES, State
from connector.ledger.harvest import HarvestStore
from connector.ledger.replicas import HeldToken, Replica, ReplicaStore, written
from connector.ledger.store import Store
from connector.pipeline.definition import Pipeline
from connector.pipeline.work import Move, log_halt
from connector.service.daemon import Service
from connector.service.forgetting import Forgetting
from connector.service.keeper import Keeper, Reading
from connector.service.setup import Current, Scheduled, Setup
from connector.service.vitals import Vitals, call_facts
from connector.sight import make_budget, open_ledger_database
from connector.tracing import OnMove, traced
from connector.wiring import connect_over

log = structlog.get_logger(__name__)

SHOWN_EVERY = timedelta(seconds=15)


def serve(path: Path, config: Config) -> tuple[Call, ...]:
    """Run until a signal comes; give what was still under way when the grace period ended.

    Raises: ConfigError for bad mappings, an old schema or a port that is taken.
    """
    with ExitStack() as stack:
        database = open_ledger_database(config)
        stack.callback(database.close)
        database.require_current_schema()
        on_move = stack.enter_context(traced())
        serving = _Serving(path, config, database, on_move)
        stack.callback(serving.close)
        stack.enter_context(listening(serving.counters.ended))
        if config.web.enabled:
            web = serving.web(config)
            web.start()
            stack.callback(web.stop)
            log.info("web.listens", address=web.address)
        return serving.run()


class _Serving:
    """The parts of one process, which know each other here and nowhere else."""

    def __init__(self, path: Path, config: Config, database: Database, on_move: OnMove | None) -> None:
        self._database = database
        self._config = config  # of the setup in use
        self._store = Store(database, clock=utc_now)
        self._replicas = ReplicaStore(database)
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._began = self._shown_at = utc_now()
        self._shown: tuple[Reading, str] | None = None
        self._registry = CollectorRegistry()
        self.counters = Counters(self._registry)
        watch = _both(self.counters.moved, on_move)
        self._current = Current(make_setup(config, database, watch))
        self._keeper = Keeper(
            path,
            config,
            self._current,
            load=lambda: load_config(path),
            build=lambda config: make_setup(config, database, watch),
            on_new=self._use,
            on_new_secrets=self._try_again,
            clock=utc_now,
        )
        self._vitals = Vitals(limit=config.service.stuck_after)
        self._wakeups = Wakeups(
            database, self._current, wake=self._wake, list_all=self._list_all, clock=utc_now
        )
        self._alarms = Alarms(database, config=lambda: self._config, counters=self.counters, clock=utc_now)
        self._service = Service(
            self._current,
            vitals=self._vitals,
            workers=config.service.workers,
            grace=config.service.grace,
            errands={
                "files": self._keeper.look,
                "replica": self._show_ourselves,
                "watchdog": self._vitals.name_slow_calls,
                "retention": Forgetting(database, config.storage.retention, clock=utc_now).look,
                "wakeups": self._wakeups.look,
                "alarms": self._alarms.look,
                "notifications": self._alarms.tell,
            },
        )

    def run(self) -> tuple[Call, ...]:
        for halt in self._store.halts():
            log_halt(halt)
        self._service.stop_on_signals()
        signal.signal(signal.SIGHUP, self._on_hangup)
        left = self._service.run()
        for call in left:
            log.warning("service.unfinished", **call_facts(call))
        with suppress(ConnectorError):
            _say_what_is_left(self._store)
            self._replicas.leave(self._name)
        log.info("service.stopped", unfinished=len(left))
        return left

    def web(self, config: Config) -> WebServer:
        return make_web(
            config,
            database=self._database,
            registry=self._registry,
            counters=self.counters,
            current=lambda: self._config,
            balance=make_budget(config, self._database, clock=utc_now).balance,
            vitals=self._vitals,
            is_stopping=lambda: self._service.is_stopping,
            is_refused=lambda: self._keeper.reading.refused is not None,
            on_wakeup=lambda: self._service.hurry("wakeups"),
        )

    def close(self) -> None:
        with self._current.use() as setup:
            pass
        setup.close()

    def _on_hangup(self, _number: int, _frame: FrameType | None) -> None:
        self._keeper.ask()

    def _use(self, config: Config) -> None:
        self._config = config
        self._service.reschedule()

    def _wake(self) -> None:
        self._service.wake()

    def _list_all(self) -> None:
        self._service.list_all()

    def _try_again(self) -> None:
        """Let what waits for credentials go on at once: there are new ones."""
        with self._current.use() as setup:
            setup.make_work(lambda: False).breakers.credentials_changed()
        hastened = self._store.hasten(AccessRefusedError.__name__)
        if hastened:
            log.info("secrets.tried_again", deliveries=hastened)
        self._service.wake()

    def _show_ourselves(self) -> None:
        now, reading = utc_now(), self._keeper.reading
        with self._current.use() as setup:
            tokens = written(list(_held(setup.pipelines)))
        if (reading, tokens) == self._shown and now - self._shown_at < SHOWN_EVERY:
            return
        self._replicas.show(
            Replica(
                name=self._name,
                version=__version__,
                started_at=self._began,
                seen_at=now,
                config_read_at=reading.at,
                config_refused=reading.refused,
                tokens=tokens,
            )
        )
        self._shown, self._shown_at = (reading, tokens), now


def _held(pipelines: Sequence[Pipeline]) -> Iterator[HeldToken]:
    targets = {pipeline.target: pipeline.adapter for pipeline in pipelines}
    for target, adapter in targets.items():
        if isinstance(adapter, HoldsTokens):
            yield from (HeldToken(target=target, **asdict(life)) for life in adapter.tokens())


def _both(first: OnMove, second: OnMove | None) -> OnMove:
    def watch(move: Move) -> None:
        first(move)
        if second is not None:
            second(move)

    return watch


def make_setup(config: Config, database: Database, on_move: OnMove) -> Setup:
    """Make everything that one reading of the configuration needs.

    Raises: ConfigError when it cannot be used.
    """
    harvests = HarvestStore(database)
    with ExitStack() as stack:
        connector = stack.enter_context(connect_over(database, config))
        # What is imported and made by now stays: looking for garbage in it took 5 % of a document's time.
        gc.freeze()
        stack.callback(gc.unfreeze)
        return Setup(
            scheduled=[
                Scheduled(
                    pipeline=pipeline,
                    every=schedule.every,
                    sweep=schedule.sweep,
                    cron=schedule.timetable,
                    rescan=schedule.rescan,
                )
                for pipeline in connector.pipelines
                for schedule in [config.pipelines[pipeline.name].schedule]
            ],
            make_work=lambda stopping: connector.work(on_move, stopping),
            close=stack.pop_all().close,
            note=lambda found: harvests.note(found.pipeline, found.matched, utc_now()),
            paused=lambda: {pause.pipeline for pause in connector.pauses.all()},
        )


def _say_what_is_left(store: Store) -> None:
    for pipeline, counts in store.counts().items():
        left = {state.value: counts.get(state, 0) for state in State if state in OPEN_STATES}
        if any(left.values()):
            log.info("service.leaves", pipeline=pipeline, **left)
