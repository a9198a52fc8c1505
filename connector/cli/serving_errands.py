"""Errands of `run` beside the deliveries: documents that Docflo named, and alarms."""

from collections.abc import Callable
from datetime import timedelta

import structlog

from connector.calls import under_way
from connector.clock import Clock
from connector.config import Config
from connector.console.metrics import Counters
from connector.errors import ConnectorError, ThrottledError
from connector.ledger.alarms import AlarmStore
from connector.ledger.database import Database
from connector.ledger.figures import read_figures
from connector.ledger.wakeups import Wakeup, WakeupStore
from connector.pipeline.hint import look_at
from connector.service.alarms import Limits, Teller, active_alarms
from connector.service.setup import Current, Setup

log = structlog.get_logger(__name__)

TURN = timedelta(minutes=2)  # longer than fetching one document; then another replica may
SOON = timedelta(seconds=1)
PAUSE = timedelta(seconds=10)
MOST_ATTEMPTS = 20  # polling finds it in any case
LOOKED_EVERY = timedelta(seconds=10)


class Wakeups:
    """Fetches what Docflo's webhooks named."""

    def __init__(
        self,
        database: Database,
        current: Current,
        *,
        wake: Callable[[], None],
        list_all: Callable[[], None],
        clock: Clock,
    ) -> None:
        self._store = WakeupStore(database)
        self._current = current
        self._wake = wake
        self._list_all = list_all
        self._clock = clock

    def look(self) -> None:
        """Fetch what is due, one document after the other."""
        while True:
            now = self._clock()
            taken = self._store.take(now, until=now + TURN, limit=1)
            if not taken:
                return
            with self._current.use() as setup:
                if not self._fetch(taken[0], setup):
                    return
            self._wake()

    def _fetch(self, taken: Wakeup, setup: Setup) -> bool:
        """Fetch one. False: not now, and the rest neither."""
        if taken.names_none:
            self._list_all()
            self._store.done(taken)
            return True
        try:
            with under_way("look_at", documents=(taken.document_id,)):
                paused = setup.paused()
                pipelines = [each for each in setup.pipelines if each.name not in paused]
                is_done = look_at(taken.document_id, pipelines, setup.make_work(lambda: False))
        except ThrottledError as error:
            self._later(taken, error.until - self._clock())
            return False
        except ConnectorError as error:
            log.warning("webhook.not_looked_at", document_id=taken.document_id, reason=error.message)
            self._later(taken, PAUSE)
            return False
        if is_done:
            self._store.done(taken)
        else:
            self._later(taken, SOON)
        return True

    def _later(self, taken: Wakeup, pause: timedelta) -> None:
        if taken.attempts + 1 >= MOST_ATTEMPTS:
            log.info("webhook.left_to_polling", document_id=taken.document_id)
            self._store.done(taken)
            return
        self._store.later(taken, self._clock() + max(pause, SOON))


class Alarms:
    """Looks at the figures now and then, and tells what has changed."""

    def __init__(
        self, database: Database, *, config: Callable[[], Config], counters: Counters, clock: Clock
    ) -> None:
        self._database = database
        self._config = config
        self._clock = clock
        self._began = clock()
        self._looked_at = clock() - LOOKED_EVERY
        self._teller = Teller(
            AlarmStore(database),
            channels=lambda: config().notifications,
            on_told=counters.told,
            clock=clock,
        )

    def look(self) -> None:
        """Judge the figures, every ten seconds."""
        now = self._clock()
        if now - self._looked_at < LOOKED_EVERY:
            return
        self._looked_at = now
        config = self._config()
        limits = {
            name: Limits(
                every=section.schedule.every,
                cron=section.schedule.timetable,
                silence_after=section.silence_after,
                freshness=config.alarms.freshness,
                in_doubt=config.alarms.in_doubt,
                in_doubt_for=config.alarms.in_doubt_for,
            )
            for name, section in config.pipelines.items()
        }
        figures = read_figures(self._database)
        self._teller.settle(active_alarms(figures, limits, now=now, since=self._began))

    def tell(self) -> None:
        """Tell the channels what is due."""
        self._teller.tell()
