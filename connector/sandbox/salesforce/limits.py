"""`GET /limits`, and the cap on requests that run for long."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connector.sandbox.salesforce import errors

MOST_BULK_BATCHES = 15_000
STORAGE_MB = 10_240


def limits(*, daily: int, used: int, bulk_batches: int) -> dict[str, Any]:
    """Give the answer's body: of each limit the most, and what is left."""
    return {
        "DailyApiRequests": _limit(daily, used),
        "DailyAsyncApexExecutions": _limit(250_000, 0),
        "DailyBulkApiBatches": _limit(MOST_BULK_BATCHES, bulk_batches),
        "DataStorageMB": _limit(STORAGE_MB, 0),
        "FileStorageMB": _limit(STORAGE_MB, 0),
    }


def _limit(most: int, used: int) -> dict[str, int]:
    return {"Max": most, "Remaining": most - used}


class LongRequests:
    """The requests under way. When `most` of them have run for `seconds`, new ones are refused."""

    def __init__(self, *, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._began: dict[object, float] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count a request for as long as the block runs.

        Raises: ApiError 403 REQUEST_LIMIT_EXCEEDED.
        """
        now = asyncio.get_running_loop().time()
        if sum(1 for began in self._began.values() if now - began >= self._seconds) >= self._most:
            message = "ConcurrentPerOrgLongTxn Limit exceeded"
            raise errors.refusal(403, "REQUEST_LIMIT_EXCEEDED", message)
        token = object()
        self._began[token] = now
        try:
            yield
        finally:
            del self._began[token]
