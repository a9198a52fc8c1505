"""Whether a target still takes what a pipeline's mapping writes. What does not is left alone until it does.

Looked at before a process claims anything of a pipeline, then every quarter of an hour while there is work,
and whenever the target says that it does not know what we write. Only the pipeline whose mapping does not
fit is left alone, in every replica: its breaker is in the ledger.
"""

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

from connector.adapters.base import Finding, TellsMisfits
from connector.errors import ConfigError, Problem
from connector.record import RecordShape

LOOK_EVERY = timedelta(minutes=15)
_MOST_TOLD = 5  # problems in one line


class Fit:
    """One mapping and its target. Safe between threads."""

    def __init__(self, target: TellsMisfits, shapes: Sequence[RecordShape]) -> None:
        self._target = target
        self._shapes = shapes
        self._lock = threading.Lock()
        self._looked_at: datetime | None = None
        self._looks = 0  # that have come to an end
        self._doubts = 0
        self._misfit: ConfigError | None = None

    @property
    def is_unseen(self) -> bool:
        """Whether nobody has looked yet: the mapping may be another one than before."""
        return self._looked_at is None

    def is_due(self, now: datetime) -> bool:
        """Tell whether to look again."""
        return self._looked_at is None or not timedelta() <= now - self._looked_at < LOOK_EVERY

    def forget(self) -> None:
        """Look again before the next claim: the target does not know what we write."""
        self._doubts += 1
        self._looked_at = None

    def look(self, now: datetime) -> ConfigError | None:
        """Give why nothing of the mapping would go in; None when it fits.

        Raises: any `ConnectorError` when the target cannot tell.
        """
        seen, doubts = self._looks, self._doubts
        with self._lock:
            if self._looks == seen:  # else somebody looked while we waited for our turn
                self._misfit = None
                try:
                    found = self._target.misfits(self._shapes)
                    self._misfit = _misfit(found) if found else None
                finally:
                    # Not before: whoever comes meanwhile must wait for the answer. Also when there is none:
                    # the delivery then meets the same, and reports it.
                    self._looks += 1
                    if self._doubts == doubts:
                        self._looked_at = now
            return self._misfit


def _misfit(found: Sequence[Finding]) -> ConfigError:
    problems = [Problem(place=each.subject, message=each.message) for each in found]
    told = "; ".join(map(str, problems[:_MOST_TOLD]))
    more = f"; and {len(problems) - _MOST_TOLD} more" if len(problems) > _MOST_TOLD else ""
    return ConfigError(f"the target does not take what the mapping writes: {told}{more}", problems=problems)
