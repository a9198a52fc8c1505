"""The sloppy ERP as a test or the demo holds it: an application to serve, its journal, faults and rows."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml.etree import _Element as Element
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from connector.sandbox.erp.rows import Row, Rows
from connector.sandbox.erp.rpc.encoding import Part, answer, part, struct
from connector.sandbox.erp.rpc.habits import RpcHabits
from connector.sandbox.erp.rpc.operations import (
    RPC_OPERATIONS,
    CrashError,
    RpcDesk,
    RpcError,
    check_credentials,
    check_numbers,
)
from connector.sandbox.erp.sandbox import soap_operation
from connector.sandbox.erp.soap import XML, SoapFaultError, answer_response, fault_response, read_message
from connector.sandbox.faults import FaultMiddleware, Faults
from connector.sandbox.journal import Journal

RPC_PATH = "/erp/rpc"
RPC_WSDL = Path(__file__).parent / "rpc.wsdl"
NAMESPACE = "urn:sandbox-erp:rpc"
WRITTEN_ADDRESS = "http://localhost/erp/rpc"
NUMBERS: Mapping[str, str] = {"invoice": "{}", "order": "{}"}
DATABASE_PAGE = (
    "<html><head><title>Error</title></head><body>Unable to connect to the database.</body></html>"
)
MODULE_TEXT = "The module of web services is not active.<br><br>Ask an administrator to activate it"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class RpcErpSandbox:
    """An ERP at `RPC_PATH` of `SandboxServer(sandbox.app)`: rpc/encoded, untyped, not idempotent.

    Nothing is validated beyond what the operation computes with. `namespace` is that of the answers.
    """

    def __init__(
        self,
        habits: RpcHabits | None = None,
        *,
        namespace: str = NAMESPACE,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.habits = habits or RpcHabits()
        self.journal = Journal()
        self.faults = Faults()
        self._namespace = namespace
        self._clock = clock
        self._rows = Rows(self.journal, NUMBERS)
        self.app = FaultMiddleware(
            Starlette(routes=[Route(RPC_PATH, self._answer, methods=["GET", "POST"])]),
            faults=self.faults,
            journal=self.journal,
            operation_of=soap_operation,
        )

    def behave(self, **changes: Any) -> None:  # noqa: ANN401 fields of `RpcHabits`
        """Change some habits from now on."""
        self.habits = replace(self.habits, **changes)

    def rows(self, kind: str = "invoice") -> tuple[Row, ...]:
        """Give the rows of a kind (invoice, order), oldest first, whatever lookups show."""
        return self._rows.select(kind)

    def rows_by_key(self, kind: str = "invoice") -> Counter[str]:
        """Count the rows under each external reference."""
        return Counter(row.key for row in self.rows(kind))

    async def _answer(self, request: Request) -> Response:
        habits = self.habits
        if habits.database_off:
            return HTMLResponse(DATABASE_PAGE, status_code=202)
        if habits.module_off:
            return HTMLResponse(MODULE_TEXT)
        if request.method == "GET":
            return _page(request)
        try:
            return answer_response(await self._call(habits, request))
        except SoapFaultError as fault:
            return fault_response(fault)
        except CrashError:
            return Response(status_code=500)

    async def _call(self, habits: RpcHabits, request: Request) -> Element:
        message = read_message(await request.body())
        run = RPC_OPERATIONS.get(message.operation)
        if run is None:
            raise SoapFaultError("Client", f"Operation '{message.operation}' is not defined in the WSDL")
        await asyncio.sleep(habits.work_seconds)
        try:
            check_credentials(habits, message.call)
            check_numbers(message.call)
            desk = RpcDesk(rows=self._rows, habits=habits, now=self._clock())
            parts = [_result("OK", ""), *run(desk, message.call)]
        except RpcError as error:
            parts = [_result(error.code, "" if habits.empty_labels else error.label)]
        return answer(message.operation, self._namespace, parts)


def _page(request: Request) -> Response:
    if request.url.query.lower() != "wsdl":
        return HTMLResponse("<html><body><h1>SandboxRpcErp</h1></body></html>")
    address = str(request.url.replace(query=""))
    text = RPC_WSDL.read_text(encoding="utf-8").replace(WRITTEN_ADDRESS, address)
    return Response(text, media_type=XML)


def _result(code: str, label: str) -> Part:
    return struct("result", "result", [part("result_code", code), part("result_label", label)])
