"""A target without idempotency: creating twice makes two rows. It finds by key, and survives us."""

import json
import os
import signal
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connector.adapters.base import Finding, Idempotency, Outcome
from connector.adapters.salesforce.settings import SalesforceSettings
from connector.cli.crash_matrix import Held
from connector.errors import OutcomeUnknownError, UnavailableError
from connector.record import Receipt, Record, RecordShape
from connector.sandbox.faults import Fault, FaultMiddleware, Faults, route_names
from connector.sandbox.journal import Journal


class RowsTarget:
    """The server. `kill_at`: the n-th creation ends the process that asked for it, before it is answered."""

    def __init__(self, *, kill_at: int | None = None) -> None:
        self.faults = Faults()
        self.faults.add(Fault(operation="create", kind="drop_after"))
        self._kill_at = kill_at
        self._lock = threading.Lock()
        self._rows: list[tuple[str, str]] = []  # key, content
        routes = [
            Route("/rows", self._create, methods=["POST"], name="create"),
            Route("/rows", self._find, methods=["GET"], name="find"),
        ]
        self.app = FaultMiddleware(
            Starlette(routes=routes),
            faults=self.faults,
            journal=Journal(),
            operation_of=route_names(routes),
        )

    def section(self, url: str) -> Mapping[str, Any]:
        # Settings that carry an address; the process under test makes a `RowsAdapter` of them.
        secret = "${file:secrets/salesforce-consumer-secret}"
        common = {"adapter": "salesforce", "login_url": url, "batch_size": 3}
        return {**common, "consumer_key": secret, "consumer_secret": secret}

    def held(self) -> Mapping[str, Held]:
        with self._lock:
            return {f"row-{n}": Held(key=key, content=text) for n, (key, text) in enumerate(self._rows)}

    async def _create(self, request: Request) -> Response:
        body = await request.json()
        with self._lock:
            self._rows.append((body["key"], json.dumps(body["record"], sort_keys=True)))
            number = len(self._rows)
        if number == self._kill_at:
            os.kill(int(request.headers["x-pid"]), signal.SIGKILL)
        return JSONResponse({"id": f"row-{number - 1}"})

    async def _find(self, request: Request) -> Response:
        key = request.query_params["key"]
        return JSONResponse([row for row, held in self.held().items() if held.key == key])


class RowsAdapter:
    """Delivers one record after the other. What it says of its idempotency is told by the test."""

    def __init__(self, settings: SalesforceSettings, idempotency: Idempotency) -> None:
        self.idempotency = idempotency
        self.batch_size = settings.batch_size
        self._http = httpx.Client(
            base_url=settings.login_address, headers={"x-pid": str(os.getpid())}, timeout=10
        )

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        return [self._create(record) for record in records]

    def lookup(self, records: Sequence[Record]) -> Sequence[Receipt | None]:
        return [self._find(record) for record in records]

    def check(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        raise NotImplementedError

    def close(self) -> None:
        self._http.close()

    def _create(self, record: Record) -> Outcome:
        written = {
            "key": record.key,
            "record": {
                "fields": {name: str(value) for name, value in record.fields.items()},
                "lines": [{name: str(value) for name, value in line.fields.items()} for line in record.lines],
            },
        }
        try:
            answer = self._http.post("/rows", json=written)
        except httpx.ConnectError as error:
            return UnavailableError(str(error))
        except httpx.TransportError as error:
            return OutcomeUnknownError(str(error))
        return Receipt(id=answer.raise_for_status().json()["id"], created=True)

    def _find(self, record: Record) -> Receipt | None:
        try:
            found = self._http.get("/rows", params={"key": record.key}).raise_for_status().json()
        except httpx.TransportError as error:
            raise UnavailableError(str(error)) from error
        return Receipt(id=found[0], created=False) if found else None
