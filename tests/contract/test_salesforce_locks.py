"""Many workers, one parent account, row locks in force: who waits for whom."""

import queue
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence

import pytest

from connector.adapters.salesforce.adapter import SalesforceAdapter
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.clock import utc_now
from connector.errors import BusyError, ConnectorError, UnavailableError
from connector.record import Receipt, Record
from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.server import SandboxServer
from tests.factories import make_line, make_record

WORKERS = 8


def invoice(key: str, tax_id: str) -> Record:
    fields = {"Number__c": key, "Vendor__r.Tax_Id__c": tax_id}
    return make_record(key, fields=fields, lines=(make_line(f"{key}:1"), make_line(f"{key}:2")))


def adapter_at(url: str) -> SalesforceAdapter:
    values = {
        "adapter": "salesforce",
        "login_url": url,
        "consumer_key": "${env:SF_KEY}",
        "consumer_secret": "${env:SF_SECRET}",
    }
    return SalesforceAdapter(SalesforceSettings.model_validate(values), clock=utc_now)


class Workers:
    """Threads that share what is to be delivered, as the workers of processes do; each outcome counts."""

    def __init__(
        self, adapters: Sequence[SalesforceAdapter], records: Sequence[Record], *, batch: int
    ) -> None:
        self._adapters = adapters
        self._batch = batch
        self._work: queue.SimpleQueue[Record] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._open = {record.key for record in records}
        self.outcomes: dict[str, list[str]] = {record.key: [] for record in records}
        for record in records:
            self._work.put(record)

    def run(self) -> None:
        threads = [threading.Thread(target=self._loop, args=(at,)) for at in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def tries(self, key: str) -> Counter[str]:
        return Counter(self.outcomes[key])

    def _loop(self, at: int) -> None:
        adapter = self._adapters[at % len(self._adapters)]
        ends = time.monotonic() + 45
        while self._open and time.monotonic() < ends:
            taken = self._take()
            if not taken:
                time.sleep(0.01)
                continue
            for record, outcome in zip(taken, adapter.deliver(taken), strict=True):
                self._record(record, outcome)
            if set(self.outcomes[taken[0].key][-1:]) != {"Receipt"}:
                time.sleep(random.uniform(0, 0.1))  # noqa: S311 the ledger's jitter

    def _take(self) -> list[Record]:
        taken: list[Record] = []
        while len(taken) < self._batch:
            try:
                taken.append(self._work.get_nowait())
            except queue.Empty:
                break
        return taken

    def _record(self, record: Record, outcome: Receipt | ConnectorError) -> None:
        with self._lock:
            self.outcomes[record.key].append(type(outcome).__name__)
            if isinstance(outcome, Receipt):
                self._open.discard(record.key)
            else:
                assert isinstance(outcome, UnavailableError | BusyError), outcome
                self._work.put(record)


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SF_KEY", "sandbox-consumer")
    monkeypatch.setenv("SF_SECRET", "sandbox-secret")


def test_fifty_documents_of_one_account_all_arrive_though_eight_workers_of_two_processes_meet() -> None:
    org = SalesforceSandbox(lock_wait=0.0, lock_hold=0.01)
    org.insert("Account", {"Name": "Nordwind", "Tax_Id__c": "51"})
    records = [invoice(f"k{at}", "51") for at in range(50)]
    with SandboxServer(org.app) as server:
        adapters = [adapter_at(server.url), adapter_at(server.url)]
        workers = Workers(adapters, records, batch=5)
        workers.run()
        for adapter in adapters:
            adapter.close()

    assert sorted(str(row["Docflo_Id__c"]) for row in org.rows("Invoice__c")) == sorted(workers.outcomes)
    assert len(org.rows("Invoice_Line__c")) == 100
    assert all(workers.tries(record.key)["Receipt"] == 1 for record in records)
    refused = sum(workers.tries(record.key)["UnavailableError"] for record in records)
    assert refused > 0  # the two processes did meet


def test_in_one_process_documents_of_one_account_never_meet_in_a_lock() -> None:
    org = SalesforceSandbox(lock_wait=0.0, lock_hold=0.02)
    org.insert("Account", {"Name": "Nordwind", "Tax_Id__c": "51"})
    records = [invoice(f"k{at}", "51") for at in range(24)]
    with SandboxServer(org.app) as server:
        adapter = adapter_at(server.url)
        workers = Workers([adapter], records, batch=3)
        workers.run()
        adapter.close()

    assert len(org.rows("Invoice__c")) == 24
    assert not any(workers.tries(record.key)["UnavailableError"] for record in records)


def test_a_stranger_shares_one_call_at_most_with_a_parent_that_is_locked() -> None:
    org = SalesforceSandbox(lock_wait=0.02)
    account = org.insert("Account", {"Name": "Locked", "Tax_Id__c": "51"})
    org.insert("Account", {"Name": "Free", "Tax_Id__c": "52"})
    locked = [invoice(f"locked{at}", "51") for at in range(3)]
    with SandboxServer(org.app) as server:
        adapter = adapter_at(server.url)
        with org.held(account):
            for turn in range(4):
                org.journal.forget()
                stranger = invoice(f"free{turn}", "52")
                *_, outcome = adapter.deliver([*locked, stranger])
                assert isinstance(outcome, Receipt)
                bodies = [each.body for each in org.journal.requests if each.operation == "graph"]
                with_stranger = [body for body in bodies if stranger.key.encode() in body]
                assert len(with_stranger) == 1
                assert (b"locked" in with_stranger[0]) is (turn == 0)
        outcomes = adapter.deliver(locked)
        adapter.close()

    assert [type(outcome) for outcome in outcomes] == [Receipt] * 3
