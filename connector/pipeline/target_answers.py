"""What the target said to the look-ups of a mapping, kept for a while so that requests stay few."""

import threading
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from connector.adapters.base import AnswersQueries
from connector.record import TargetQuery

KEEP = timedelta(minutes=10)
_MOST = 50_000  # answers kept at a time


class TargetAnswers:
    """Asks in one call for all that a batch needs. Safe to use from several threads."""

    def __init__(self, target: AnswersQueries, *, keep: timedelta = KEEP) -> None:
        self._target = target
        self._keep = keep
        self._lock = threading.Lock()
        self._known: dict[TargetQuery, tuple[datetime, tuple[str, ...]]] = {}

    def answers(
        self, queries: AbstractSet[TargetQuery], *, now: datetime
    ) -> Mapping[TargetQuery, tuple[str, ...]]:
        """Give the answers to these queries; a query that the target did not answer is left out.

        That there is nothing is asked again each time: a missing vendor is what a person is about to add.
        Raises: what the adapter raises when the target cannot tell.
        """
        with self._lock:
            self._forget(now)
            known = {query: self._known[query][1] for query in queries if query in self._known}
        unknown = sorted(queries - known.keys(), key=lambda each: (each.object, each.field, each.value))
        if not unknown:
            return known
        said = self._target.query(unknown)
        with self._lock:
            self._known |= {query: (now, values) for query, values in said.items() if values}
        return {**known, **said}

    def _forget(self, now: datetime) -> None:
        if len(self._known) > _MOST:
            self._known.clear()
        old = [query for query, (at, _) in self._known.items() if not at <= now < at + self._keep]
        for query in old:
            del self._known[query]
