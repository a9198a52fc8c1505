"""The org's daily allowance of API calls: a window of the last 24 hours."""

from collections import deque
from datetime import datetime, timedelta

from connector.sandbox.salesforce import errors

WINDOW = timedelta(hours=24)


class Usage:
    """Calls made within the window. A refused call does not count."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._calls: deque[datetime] = deque()

    def spend(self, now: datetime) -> None:
        """Count one call.

        Raises: ApiError 403 REQUEST_LIMIT_EXCEEDED when the allowance is spent.
        """
        if self.used(now) >= self.limit:
            raise errors.refusal(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self._calls.append(now)

    def forget(self) -> None:
        """Begin anew."""
        self._calls.clear()

    def used(self, now: datetime) -> int:
        """Count the calls within the window."""
        while self._calls and self._calls[0] <= now - WINDOW:
            self._calls.popleft()
        return len(self._calls)
