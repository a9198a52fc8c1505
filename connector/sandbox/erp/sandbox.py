"""The strict ERP as a test or the demo holds it: an application to serve, its journal, faults and rows."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

from lxml.builder import ElementMaker
from lxml.etree import _Element as Element
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from connector.sandbox.erp import service_files
from connector.sandbox.erp.business import BusinessError
from connector.sandbox.erp.habits import Habits
from connector.sandbox.erp.login import SECURITY, SESSION, Guard
from connector.sandbox.erp.operations import OPERATIONS, Desk, refused
from connector.sandbox.erp.rows import Row, Rows
from connector.sandbox.erp.soap import (
    ENVELOPE,
    XML,
    Message,
    SoapFaultError,
    answer_response,
    fault_response,
    read_message,
)
from connector.sandbox.faults import FaultMiddleware, Faults
from connector.sandbox.journal import Journal

PATH = "/erp/soap"
NUMBERS = {"invoice": "VI-{:06d}", "order": "PO-{:06d}", "receipt": "GR-{:06d}"}
RETRY_AFTER_SECONDS = 1
UNDERSTOOD = frozenset({SESSION, SECURITY})


def _utc_now() -> datetime:
    return datetime.now(UTC)


def soap_operation(scope: Scope) -> str:
    """Name a request by its SOAPAction, or "wsdl" when it asks for a file: for the journal and for faults."""
    if scope["method"] == "GET":
        return "wsdl"
    headers = dict(scope["headers"])
    action = str(headers.get(b"soapaction", b"").decode("latin-1").strip('"'))
    return action.rpartition("/")[2].rpartition("#")[2] or "unknown"


class ErpSandbox:
    """An ERP at `PATH` of `SandboxServer(sandbox.app)`: document/literal, typed, not idempotent.

    `GET /erp/soap?wsdl` gives its WSDL, which imports `?xsd=common.xsd` and others. `habits` says how it
    behaves and can be replaced while it serves.
    """

    def __init__(self, habits: Habits | None = None, *, clock: Callable[[], datetime] = _utc_now) -> None:
        self.habits = habits or Habits()
        self.journal = Journal()
        self.faults = Faults()
        self._clock = clock
        self._guard = Guard(clock)
        self._rows = Rows(self.journal, NUMBERS)
        self._busy = 0
        self.app = FaultMiddleware(
            Starlette(routes=[Route(PATH, self._answer, methods=["GET", "POST"])]),
            faults=self.faults,
            journal=self.journal,
            operation_of=soap_operation,
        )

    def behave(self, **changes: Any) -> None:  # noqa: ANN401 fields of `Habits`
        """Change some habits from now on."""
        self.habits = replace(self.habits, **changes)

    def rows(self, kind: str = "invoice") -> tuple[Row, ...]:
        """Give the rows of a kind (invoice, order, receipt), oldest first, whatever lookups show."""
        return self._rows.select(kind)

    def rows_by_key(self, kind: str = "invoice") -> Counter[str]:
        """Count the rows under each reference."""
        return Counter(row.key for row in self.rows(kind))

    def post(self, row: Row) -> None:
        """Post an open invoice, as a clerk would."""
        self._rows.post(row)

    def add(self, row: Row) -> None:
        """Enter one more row, as a clerk would."""
        self._rows.put(row)

    def remove(self, row: Row) -> None:
        """Delete a row, as a clerk would."""
        self._rows.drop(row)

    def end_sessions(self) -> None:
        """Forget all sessions: the next call with one is refused."""
        self._guard.end_sessions()

    async def _answer(self, request: Request) -> Response:
        if request.method == "GET":
            return _file(request)
        try:
            return answer_response(await self._call(request))
        except SoapFaultError as fault:
            return fault_response(fault)

    async def _call(self, request: Request) -> Element:
        habits = self.habits
        if not request.headers.get("content-type", "").startswith("text/xml"):
            raise SoapFaultError("Client", "The content type must be text/xml", status=415)
        message = read_message(await request.body())
        if message.operation != "Login":
            self._guard.check(habits, request.headers.get("authorization", ""), message.headers)
        _check_understood(message)
        service_files.check_call(message.call)
        if habits.concurrency is not None and self._busy >= habits.concurrency:
            raise _erp_fault(
                "Server.Busy", "TOO_MANY_REQUESTS", "Too many calls at once", RETRY_AFTER_SECONDS
            )
        if habits.database_off:
            raise _erp_fault("Server", "DATABASE_OFF", "The database does not answer")
        return await self._work(habits, message)

    async def _work(self, habits: Habits, message: Message) -> Element:
        self._busy += 1
        try:
            await asyncio.sleep(habits.work_seconds)
        finally:
            self._busy -= 1
        desk = Desk(rows=self._rows, habits=habits, guard=self._guard, now=self._clock())
        try:
            return OPERATIONS[message.operation](desk, message.call)
        except BusinessError as error:
            return refused(message.call, error)


def _file(request: Request) -> Response:
    address = str(request.url.replace(query=""))
    asked = {name.lower(): values[0] for name, values in parse_qs(request.url.query, True).items()}  # noqa: FBT003 "?wsdl" has no value
    if "wsdl" in asked:
        return Response(service_files.wsdl(address), media_type=XML)
    found = service_files.schema(asked.get("xsd", ""), address)
    if found is None:
        return PlainTextResponse("Ask for ?wsdl, or POST a SOAP envelope", status_code=404)
    return Response(found, media_type=XML)


def _check_understood(message: Message) -> None:
    for block in message.headers:
        if block.get(f"{{{ENVELOPE}}}mustUnderstand") == "1" and block.tag not in UNDERSTOOD:
            raise SoapFaultError("MustUnderstand", f"The header {block.tag} is not understood")


def _erp_fault(fault_code: str, code: str, message: str, retry_after: int | None = None) -> SoapFaultError:
    make = ElementMaker(namespace=service_files.COMMON, nsmap={"c": service_files.COMMON})
    parts = [make.code(code)]
    parts += [make.retryAfterSeconds(str(retry_after))] if retry_after is not None else []
    return SoapFaultError(fault_code, message, detail=make.ErpFault(*parts))
