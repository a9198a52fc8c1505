"""Fifty documents below one account, eight workers of two processes, row locks in force."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from connector.cli.sandbox_setup import TENANT, Sandboxes, write_sandbox_config
from connector.cli.session import open_session, upgrade_quietly
from connector.clock import Clock, utc_now
from connector.ledger.delivery import State
from connector.pipeline.advance import drain
from connector.pipeline.discover import discover
from connector.pipeline.work import Move
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.server import SandboxServer
from connector.wiring import Connector, connect
from tests.scenario.conftest import World
from tests.scenario.small.world import NAME, assert_each_once, invoices

DOCUMENTS, WORKERS, PROCESSES = 50, 8, 2
PATIENCE = 60.0  # seconds, on a slow machine


def fast_clock(start: datetime) -> Clock:
    """Give a clock that runs fifteen times as fast: pauses of seconds are not waited for."""
    return lambda: start + (utc_now() - start) * 15


@contextmanager
def one_account(folder: Path) -> Iterator[World]:
    """Hold approved invoices that all name one account, in an org that refuses whoever meets a lock."""
    docflo = DocfloSandbox(tenant_id=TENANT, documents=invoices(DOCUMENTS))
    org = SalesforceSandbox(lock_wait=0.0, lock_hold=0.03)
    org.insert("Account", {"Name": "Nordwind", "Tax_Id__c": "51"})
    with SandboxServer(docflo.app) as reader, SandboxServer(org.app) as writer:
        running = Sandboxes(docflo=docflo, docflo_url=reader.url, salesforce=org, salesforce_url=writer.url)
        world = World(running=running, config=write_sandbox_config(folder, running))
        world.edit("    adapter: salesforce\n", "    adapter: salesforce\n    batch_size: 5\n")
        world.edit_mapping(
            "    PO_Number__c: {from", '    Vendor__r.Tax_Id__c: {value: "51"}\n    PO_Number__c: {from'
        )
        world.edit_mapping(
            "      PO_Number__c: PO-5531\n", '      PO_Number__c: PO-5531\n      Vendor__r.Tax_Id__c: "51"\n'
        )
        upgrade_quietly(world.config)
        yield world


class Workers:
    """Threads that advance one pipeline each until nothing of it is open, and what they saw."""

    def __init__(self, connectors: list[Connector]) -> None:
        self._connectors = connectors
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self.failures: Counter[str] = Counter()
        self.deaths = 0

    def run(self) -> None:
        threads = [
            threading.Thread(target=self._work, args=[self._connectors[at % PROCESSES]])
            for at in range(WORKERS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)

    def _saw(self, move: Move) -> None:
        with self._lock:
            self.deaths += move.state is State.DEAD
            if move.failure is not None:
                self.failures[move.failure.error_class] += 1

    def _work(self, connector: Connector) -> None:
        work = replace(connector.work(self._saw), jitter=lambda: 0.0)
        [pipeline] = connector.pipelines
        while not self._ended.is_set():
            drain([pipeline], work, stop=self._ended.is_set)
            if connector.store.next_due([NAME]) is None:
                self._ended.set()
            self._ended.wait(0.02)


def test_fifty_documents_of_one_account_all_arrive_and_their_retries_are_counted(tmp_path: Path) -> None:
    with one_account(tmp_path) as world, ExitStack() as stack:
        session = open_session(world.config)
        connectors = [
            stack.enter_context(connect(session, clock=fast_clock(utc_now()))) for _ in range(PROCESSES)
        ]
        discover(connectors[0].pipelines[0], connectors[0].work())
        workers = Workers(connectors)

        workers.run()

        assert connectors[0].store.counts()[NAME] == {State.COMPLETED: DOCUMENTS}
        assert_each_once(world)
        assert workers.deaths == 0
        assert set(workers.failures) <= {"BusyError", "UnavailableError"}
        assert workers.failures["UnavailableError"] > 0
