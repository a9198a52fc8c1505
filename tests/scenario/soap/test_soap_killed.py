"""A process that is killed between the steps of one delivery: the next one goes on where it stopped."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import anyio.to_thread
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.ledger.delivery import State
from connector.sandbox.erp.sandbox import ErpSandbox
from tests.scenario.soap.world import HOUR, edit, invoices, soap_world, strict

LEASE = timedelta(minutes=10)
POSTING = """    record_id: [//m:id/p:number, //m:id/p:fiscalYear]
    capture: {number: "string(//m:id/p:number)", year: "string(//m:id/p:fiscalYear)"}
  - operation: PostVendorInvoice
    body: {id: {number: "${captured.number}", fiscalYear: "${captured.year}"}}
    outcome:
      - {when: "//m:PostVendorInvoiceResponse[m:id/p:number]", is: delivered}

errors:
"""
FOUND_OPEN = """    compare: {"//p:invoice/p:grossTotal": "${record.Total}"}
    resume: PostVendorInvoice
    capture: {number: "string(//p:id/p:number)", year: "string(//p:id/p:fiscalYear)"}
  - operation: FindPostedVendorInvoices
"""


class Stuck:
    """An ERP that creates, and keeps whoever posts waiting until it is let go; then it has done nothing."""

    def __init__(self, erp: ErpSandbox) -> None:
        self._erp = erp
        self.reached, self.let_go = threading.Event(), threading.Event()

    @property
    def app(self) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            await self._answer(scope, receive, send)

        return answer

    def rows_by_key(self, kind: str = "invoice") -> Counter[str]:
        return self._erp.rows_by_key(kind)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        if b"PostVendorInvoice" in headers.get(b"soapaction", b"") and not self.let_go.is_set():
            self.reached.set()
            await anyio.to_thread.run_sync(self.let_go.wait, 60)
            await Response(status_code=503)(scope, receive, send)
            return
        await self._erp.app(scope, receive, send)


def test_a_process_killed_between_two_steps_leaves_one_row_that_is_finished(tmp_path: Path) -> None:
    erp = ErpSandbox()
    stuck = Stuck(erp)
    kind = strict()
    kind.erp = stuck
    with soap_world(tmp_path, kind, invoices(1)) as world:
        profile = world.config.parent / "soap" / "sandbox-erp-invoice.yaml"
        edit(profile, [("    record_id: [//m:id/p:number, //m:id/p:fiscalYear]\n\nerrors:\n", POSTING)])
        first_lookup, rest = profile.read_text(encoding="utf-8").split(
            "  - operation: FindPostedVendorInvoices\n"
        )
        compare = first_lookup.rindex("    compare:")
        profile.write_text(first_lookup[:compare] + FOUND_OPEN + rest, encoding="utf-8")
        edit(profile, [("read: 1, deadline: 2", "read: 60, deadline: 60")])

        command = [sys.executable, "-m", "connector", "sync", "--config", str(world.config)]
        with (tmp_path / "killed.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)  # noqa: S603 our own program
        assert stuck.reached.wait(60), (tmp_path / "killed.log").read_text(encoding="utf-8")
        process.send_signal(signal.SIGKILL)
        process.wait()
        [open_row] = erp.rows()
        stuck.let_go.set()
        world.clock.advance(LEASE)
        world.cycle()
        world.clock.advance(HOUR)
        world.cycle()

        assert not open_row.posted
        assert [(row.number, row.posted) for row in erp.rows()] == [(open_row.number, True)]
        assert [delivery.state for delivery in world.deliveries().values()] == [State.COMPLETED]
