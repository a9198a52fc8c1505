"""Our share of the org's daily calls. What exceeds it waits, and is not an error.

Salesforce tells with every answer how many calls of the last 24 hours are used, those of others included.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor

from connector.clock import Clock
from connector.errors import BusyError, ThrottledError

SMALL = 25  # parts; a document of so many or fewer may use the reserve
_LOOK_AGAIN = timedelta(minutes=10)  # the day is a rolling one: a few calls come free all the time


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiUsage:
    """Calls of the org in the last 24 hours, and how many it may make. Other clients' calls count too."""

    used: int
    allowed: int
    at: datetime  # when Salesforce said so


class Quota:
    """Says who may still call. `probe` makes one call that tells the usage anew."""

    def __init__(
        self,
        *,
        share: float,
        reserve: float,
        usage: Callable[[], ApiUsage | None],
        probe: Callable[[], object],
        clock: Clock,
    ) -> None:
        self._share = share
        self._reserve = reserve
        self._usage = usage
        self._probe = probe
        self._clock = clock

    def require(self) -> None:
        """Pass while anybody may call.

        Raises: ThrottledError when share and reserve are used up; any `ConnectorError` of asking.
        """
        usage = self._usage()
        if usage is None or not self._is_over(usage, self._share):
            return
        if self._clock() - usage.at >= _LOOK_AGAIN:
            self._probe()
            usage = self._usage() or usage
        if self._is_over(usage, self._share + self._reserve):
            raise ThrottledError(_words(usage), until=usage.at + _LOOK_AGAIN)

    def refusal(self, parts: int) -> BusyError | None:
        """Give why a document of so many parts has to wait; None when it may go."""
        usage = self._usage()
        if usage is None or parts <= SMALL or not self._is_over(usage, self._share):
            return None
        return BusyError(
            f"{_words(usage)}; what is left is kept for small documents", until=usage.at + _LOOK_AGAIN
        )

    def _is_over(self, usage: ApiUsage, share: float) -> bool:
        return usage.used >= floor(usage.allowed * share)


def _words(usage: ApiUsage) -> str:
    return (
        f"{usage.used} of the org's {usage.allowed} calls of the last 24 hours are used, our share is spent"
    )
