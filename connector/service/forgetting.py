"""The errand that drops documents when their retention has ended."""

from datetime import datetime, timedelta

import structlog

from connector.clock import Clock
from connector.ledger.database import Database
from connector.ledger.keeping import forget

log = structlog.get_logger(__name__)

EVERY = timedelta(hours=1)


class Forgetting:
    """Looks once an hour; replicas that look at the same time find what the other left."""

    def __init__(self, database: Database, retention: timedelta, *, clock: Clock) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._next: datetime | None = None

    def look(self) -> None:
        """Drop what is due, if an hour has passed.

        Raises: UnavailableError when the database does not answer; the next look tries again.
        """
        now = self._clock()
        if self._next is not None and now < self._next:
            return
        forgotten = forget(self._database, now - self._retention)
        self._next = now + EVERY
        if forgotten:
            log.info("documents.forgotten", count=forgotten)
