"""Who holds which row. A row is locked from a transaction's first touch until it is kept or undone."""

import asyncio
from collections.abc import Callable, Iterable
from typing import TypeAlias

from connector.sandbox.salesforce import errors

PAUSE = 0.01  # seconds between two looks at a row that somebody holds

Guard: TypeAlias = Callable[[str], None]


class Holder:
    """One transaction, or whoever else may hold rows."""


class RowHeldError(Exception):
    """Somebody else holds the row: undo, wait, begin again."""

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(key)


class Locks:
    """The locks in force.

    Units: `wait` and `hold` in seconds: how long a writer waits for a row before it is refused, and how
    long a transaction keeps its rows before it is kept.
    """

    def __init__(self, *, wait: float, hold: float) -> None:
        self.wait = wait
        self.hold = hold
        self._held: dict[str, Holder] = {}

    def take(self, holder: Holder, keys: Iterable[str]) -> None:
        """Lock rows, of which none may be held by another."""
        self._held.update(dict.fromkeys(keys, holder))

    def release(self, holder: Holder) -> None:
        """Give back all that a holder has."""
        self._held = {key: other for key, other in self._held.items() if other is not holder}

    def guard(self, holder: Holder, *, is_patient: bool) -> Guard:
        """Give what a transaction calls before it touches a row.

        Raises: RowHeldError while the holder may still wait, else ApiError 400 UNABLE_TO_LOCK_ROW.
        """

        def check(key: str) -> None:
            if self._held.get(key, holder) is holder:
                return
            if is_patient:
                raise RowHeldError(key)
            raise errors.row_locked(key)

        return check

    async def wait_for(self, key: str, until: float) -> None:
        """Return when the row is free, or at `until` by the loop's clock."""
        # Polled, because a test may release rows from another thread.
        while key in self._held and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110 see above
            await asyncio.sleep(PAUSE)
