"""Everything that one org is and holds, and how its transactions are run."""

import asyncio
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from connector.sandbox.journal import Journal
from connector.sandbox.salesforce.bulk_jobs import Jobs
from connector.sandbox.salesforce.limits import LongRequests
from connector.sandbox.salesforce.locks import Holder, Locks, RowHeldError
from connector.sandbox.salesforce.options import Options
from connector.sandbox.salesforce.pages import Pages
from connector.sandbox.salesforce.rules import Rules
from connector.sandbox.salesforce.schema import Schema
from connector.sandbox.salesforce.store import Store, Transaction
from connector.sandbox.salesforce.tokens import Logins, Tokens
from connector.sandbox.salesforce.usage import Usage

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """One org. `lock` is held while a request runs, and while a test reads; never over a wait."""

    schema: Schema
    store: Store
    rules: Rules
    locks: Locks
    logins: Logins
    tokens: Tokens
    usage: Usage
    pages: Pages
    jobs: Jobs
    journal: Journal
    options: Options
    long_requests: LongRequests
    versions: range
    without_api: Collection[str]  # users that may log in and nothing more
    hidden: Mapping[str, Collection[str]]  # user -> objects and fields out of sight
    clock: Callable[[], datetime]
    lock: threading.RLock

    async def keep(self, work: Callable[[], T]) -> T:
        """Run `work` in a transaction and keep what it did, or nothing when it raises.

        Waits for rows that another transaction holds. With a hold time, others see the changes at its end.
        """
        holder = Holder()
        until = asyncio.get_running_loop().time() + self.locks.wait
        raced: set[str] = set()
        while True:
            try:
                result, transaction = self._attempt(work, holder, until, raced)
            except RowHeldError as held:
                raced.add(held.key)
                await self.locks.wait_for(held.key, until)
                continue
            if transaction.held_back:
                await self._hold(holder, transaction)
            for effect in transaction.effects:
                self.journal.effect(effect.kind, effect.subject, effect.values)
            return result

    def _attempt(
        self, work: Callable[[], T], holder: Holder, until: float, raced: set[str]
    ) -> tuple[T, Transaction]:
        is_patient = asyncio.get_running_loop().time() < until
        guard = self.locks.guard(holder, is_patient=is_patient)
        mark = self.rules.faults.mark()
        with self.lock:
            try:
                with self.store.transaction(guard=guard, raced=raced) as transaction:
                    result = work()
                    if self.locks.hold:
                        self.store.hold_back()
                        self.locks.take(holder, transaction.locked)
            except RowHeldError:
                self.rules.faults.rewind(mark)
                raise
        return result, transaction

    async def _hold(self, holder: Holder, transaction: Transaction) -> None:
        try:
            await asyncio.sleep(self.locks.hold)
            with self.lock:
                self.store.apply(transaction)
        finally:
            self.locks.release(holder)
