"""A whole connector under random documents, edits, faults, crashes and clocks, over both sandboxes.

Whatever came: once it is quiet, every approved document is in the target once, whole and exact, Docflo
shows it, and nothing that nobody approved was touched.
"""

import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connector import crashpoint
from connector.cli.bar import Bar
from connector.cli.crash_stage import Door
from connector.cli.cycle import Cycle, run_cycle
from connector.cli.sandbox_setup import TENANT, Sandboxes, write_sandbox_config
from connector.clock import utc_now
from connector.config import load_config
from connector.crashpoint import Point, arm, arrivals
from connector.ledger.database import open_database
from connector.ledger.delivery import State
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.generate import generate_documents
from connector.sandbox.faults import Fault
from connector.sandbox.salesforce.sandbox import SalesforceSandbox
from connector.sandbox.server import SandboxServer
from connector.telemetry import configure_logging
from connector.wiring import Connector, connect
from tests.factories import HandClock

SETTLING = (Point.SETTLED_WRITTEN, Point.SETTLED)
KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "drop_after", "reset": True},
    {"kind": "truncate"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "30"}},
    {"kind": "status", "status": 403, "headers": {"X-RateLimit-Limit": "30", "X-RateLimit-Remaining": "0"}},
    {"kind": "html", "status": 502},
    {"kind": "html"},
    {"kind": "body", "body": b'{"documents": [{"_id":'},
    {"kind": "redirect", "location": "http://127.0.0.1:9/"},
    {"kind": "delay", "seconds": 0.01},
)
OF_DOCFLO = ("list", "update_fields", "update_status")
OF_THE_TARGET = ("graph", "token", "describe")
FAULTS = st.builds(
    lambda operation, kind, times, after: Fault(operation=operation, times=times, after=after, **kind),
    st.sampled_from((*OF_DOCFLO, *OF_THE_TARGET)),
    st.sampled_from(KINDS),
    st.integers(1, 2),
    st.integers(0, 1),
)
# Salesforce sets by key, so nothing is ever in doubt; tests/crash plays the other kind.
NEVER_IN_DOUBT = {Point.DOUBT_WRITTEN, Point.ASKED, *SETTLING}
REACHED = [each for each in Point if each not in NEVER_IN_DOUBT and not each.value.startswith("original_")]
PAUSES = (timedelta(seconds=7), timedelta(minutes=6), timedelta(minutes=16), timedelta(days=1))
SKEWS = (timedelta(0), timedelta(minutes=10), timedelta(minutes=-10))
MOST = 12  # documents in one story: enough for batches, few enough to be quick
QUIET = 15  # cycles within which everything must come to an end


class KilledError(BaseException):
    """In the place of SIGKILL: no handler of the connector catches it."""


def _die() -> None:
    raise KilledError


@cache
def _doors() -> tuple[Door, str, Door, str]:
    """Two servers for all stories; they end with the process."""
    docflo, salesforce = Door(), Door()
    servers = SandboxServer(docflo).start(), SandboxServer(salesforce).start()
    return docflo, servers[0].url, salesforce, servers[1].url


@cache
def _empty_ledger() -> Path:
    path = Path(tempfile.mkdtemp(prefix="docflo-machine-")) / "empty.db"
    database = open_database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    return path


class ConnectorMachine(RuleBasedStateMachine):
    """People and the network on one side, cycles of a connector on the other."""

    @initialize()
    def begin(self) -> None:
        configure_logging("critical")
        self.world = HandClock(now=utc_now())
        self.skew = timedelta(0)
        self.stack = ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        docflo_door, docflo_url, salesforce_door, salesforce_url = _doors()
        self.docflo = DocfloSandbox(tenant_id=TENANT, documents=(), clock=self.world, rate_limit=None)
        self.salesforce = SalesforceSandbox(clock=self.world)
        docflo_door.app, salesforce_door.app = self.docflo.app, self.salesforce.app
        running = Sandboxes(
            docflo=self.docflo,
            docflo_url=docflo_url,
            salesforce=self.salesforce,
            salesforce_url=salesforce_url,
        )
        path = write_sandbox_config(self.folder, running)
        small = "adapter: salesforce\n    batch_size: 2"  # a few documents make several batches
        path.write_text(path.read_text().replace("adapter: salesforce", small))
        self.config = load_config(path)
        shutil.copy(_empty_ledger(), self.folder / "connector.db")
        self.patch = self.stack.enter_context(pytest.MonkeyPatch.context())
        self.patch.setattr(crashpoint, "die", _die)
        self.connector: Connector | None = None
        self.lives = ExitStack()
        self.approved: set[str] = set()
        self.versions: dict[str, list[Decimal]] = {}  # every total that a document ever had
        self.added = 0
        for _ in range(3):
            self._arrive(approved=True)

    @rule(approved=st.lists(st.booleans(), min_size=1, max_size=4))
    def arrive(self, approved: list[bool]) -> None:
        for each in approved[: MOST - self.added]:
            self._arrive(approved=each)

    def _arrive(self, *, approved: bool) -> None:
        status = "APPROVED" if approved else "REQUIRES_VALIDATION"
        pool = generate_documents(MOST, seed="machine", now=self.world.now, status=status)
        document = replace(pool[self.added], created_on=self.world.now)
        self.added += 1
        self.docflo.add(document)
        self.versions[document.id] = [_total(document.fields)]
        if approved:
            self.approved.add(document.id)

    @rule(choice=st.integers(0, 99))
    def approve(self, choice: int) -> None:
        waiting = sorted(self.versions.keys() - self.approved)
        if waiting:
            self.docflo.put_status(waiting[choice % len(waiting)], "APPROVED")
            self.approved.add(waiting[choice % len(waiting)])

    @rule(choice=st.integers(0, 99), cents=st.integers(1, 10**7))
    def edit(self, choice: int, cents: int) -> None:
        """Correct the total of a document that the target does not have yet."""
        held = {row["Docflo_Id__c"].rpartition(":")[2] for row in self.salesforce.rows("Invoice__c")}
        free = sorted(self.approved - held)
        if not free:
            return
        document = self.docflo.documents[free[choice % len(free)]]
        total = document.fields["InvoiceTotal"]
        amount = Decimal(cents).scaleb(-2)
        fields = {
            **document.fields,
            "InvoiceTotal": {**total, "value": {**total["value"], "amount": amount}},
            "PurchaseOrder": {"type": "string", "value": str(amount)},
        }
        self.docflo.add(document.with_fields(fields, self.world.now))
        self.versions[document.id].append(amount)

    @rule(planned=st.lists(FAULTS, min_size=1, max_size=3))
    def break_something(self, planned: list[Fault]) -> None:
        for fault in planned:
            is_ours = fault.operation in OF_THE_TARGET
            (self.salesforce.faults if is_ours else self.docflo.faults).add(fault)

    @rule()
    def expire_sessions(self) -> None:
        self.salesforce.revoke_tokens()

    @rule(pause=st.sampled_from(PAUSES))
    def pass_time(self, pause: timedelta) -> None:
        self.world.advance(pause)

    @rule(skew=st.sampled_from(SKEWS))
    def set_our_clock_wrong(self, skew: timedelta) -> None:
        self.skew = skew

    @rule()
    def restart(self) -> None:
        self.lives.close()
        self.connector = None

    @rule(planned=st.lists(FAULTS, max_size=3))
    def cycle(self, planned: list[Fault]) -> None:
        self.break_something(planned)
        self._cycle(full=False)

    @rule(point=st.sampled_from(REACHED), arrival=st.integers(1, 3), planned=st.lists(FAULTS, max_size=2))
    def crash(self, point: Point, arrival: int, planned: list[Fault]) -> None:
        self.break_something(planned)
        self.arrive([True])
        arm(f"{point.value}:{arrivals().get(point, 0) + arrival}")
        try:
            self._cycle(full=False)
        except KilledError:
            self.restart()
        finally:
            arm(None)

    @invariant()
    def nothing_unapproved_is_touched(self) -> None:
        if not hasattr(self, "lives"):
            return
        delivered = {row["Docflo_Id__c"].rpartition(":")[2] for row in self.salesforce.rows("Invoice__c")}
        written = {effect.subject.rpartition("/")[2] for effect in self.docflo.journal.effects}
        assert delivered | written <= self.approved

    def teardown(self) -> None:
        if not hasattr(self, "lives"):
            return
        try:
            self._come_to_rest()
            self._assert_delivered()
        finally:
            self.lives.close()
            self.stack.close()

    def _cycle(self, *, full: bool) -> Cycle:
        if self.connector is None:
            self.connector = self.lives.enter_context(
                connect(self.config, clock=lambda: self.world.now + self.skew)
            )
        return run_cycle(self.connector, full=full, bar=Bar("machine"))

    def _come_to_rest(self) -> None:
        """Repair everything, as people would, and let it run an hour apart until nothing waits."""
        self.docflo.faults.clear()
        self.salesforce.faults.clear()
        self.skew = timedelta(0)
        for _ in range(QUIET):
            self.world.advance(timedelta(hours=1))
            cycle = self._cycle(full=True)
            assert self.connector is not None
            dead = self.connector.store.find(states=[State.DEAD])
            for delivery in dead:
                self.connector.store.replay(delivery.id, "operator", "the cause is gone")
            if not (cycle.open or cycle.in_doubt or cycle.errors or dead):
                return
        pytest.fail("something waits for ever")

    def _assert_delivered(self) -> None:
        headers = self.salesforce.rows("Invoice__c")
        lines = self.salesforce.rows("Invoice_Line__c")
        by_document = {row["Docflo_Id__c"].rpartition(":")[2]: row for row in headers}
        assert len(by_document) == len(headers)
        assert by_document.keys() == self.approved
        for identifier, row in by_document.items():
            document = self.docflo.documents[identifier]
            assert str(row["Total__c"]) in map(str, self.versions[identifier])
            assert len(self.versions[identifier]) == 1 or _is_one_version(row, self.versions[identifier])
            own = sorted(str(line["Amount__c"]) for line in lines if line["Invoice__c"] == row["Id"])
            wanted = (line["Amount"]["value"]["amount"] for line in document.fields["Items"]["value"])
            assert own == sorted(map(str, wanted))
            assert document.fields["ErpId"]["value"] == row["Id"]
            assert self.docflo.status(identifier) == "CONFIRMED"


def _total(fields: Any) -> Decimal:
    amount: Decimal = fields["InvoiceTotal"]["value"]["amount"]
    return amount


def _is_one_version(row: dict[str, Any], versions: list[Decimal]) -> bool:
    """Tell whether the record is one version whole: an edit writes its total into two fields."""
    return str(row["Total__c"]) == str(versions[0]) or row["PO_Number__c"] == str(row["Total__c"])


pytestmark = pytest.mark.timeout(300)  # real sockets on a busy machine
TestConnector = ConnectorMachine.TestCase
TestConnector.settings = settings(
    max_examples=20,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Not `explain`: on Python 3.11 it traces every line of the connector, which takes ten times as long.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.target, Phase.shrink],
)
