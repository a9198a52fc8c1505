"""The sandbox's own address, `/sandbox/...`: faults, rows, journal and reset from another process."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import faults
from connector.sandbox.salesforce.errors import ApiError
from connector.sandbox.salesforce.rules import RecordFault

if TYPE_CHECKING:
    from connector.sandbox.salesforce.sandbox import SalesforceSandbox
    from connector.sandbox.salesforce.store import Snapshot

ROOT = "/sandbox/"
FAULTS = {name.lower(): fault for name, fault in vars(faults).items() if isinstance(fault, Fault)}

_encoder = msgspec.json.Encoder(decimal_format="number")


class PlannedFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A named fault, and the requests that it is for."""

    name: str
    nth: int = 1
    times: int | None = 1
    method: str = "*"
    path: str = ""
    key: str = ""
    operation: str = ""


class WithAdmin:
    """The org, and beside it the sandbox's own address. What is asked there is not in the journal."""

    def __init__(self, org: ASGIApp, sandbox: "SalesforceSandbox") -> None:
        self._org = org
        self._admin = _Admin(sandbox).app()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._admin if scope["path"].startswith(ROOT) else self._org
        await app(scope, receive, send)


class _Admin:
    def __init__(self, sandbox: "SalesforceSandbox") -> None:
        self._sandbox = sandbox
        self._snapshots: list[Snapshot] = []

    def app(self) -> Starlette:
        acts: dict[tuple[str, str], Callable[[Request, bytes], object]] = {
            ("GET", "journal"): self._journal,
            ("GET", "rows/{object}"): self._rows,
            ("POST", "faults"): self._plan,
            ("DELETE", "faults"): self._unplan,
            ("POST", "record-faults"): self._plan_for_records,
            ("POST", "reset"): self._reset,
            ("POST", "revoke"): self._revoke,
            ("POST", "snapshots"): self._take_snapshot,
            ("POST", "snapshots/{number:int}"): self._restore,
        }
        return Starlette(
            routes=[
                Route(ROOT + path, _endpoint(act), methods=[method]) for (method, path), act in acts.items()
            ]
        )

    def _journal(self, _request: Request, _body: bytes) -> object:
        """Tell what was asked and done; no headers, so no token."""
        journal = self._sandbox.journal
        requests = [
            {
                "at": entry.at.isoformat(),
                "method": entry.method,
                "path": entry.path,
                "operation": entry.operation,
                "status": entry.status,
            }
            for entry in journal.requests
        ]
        effects = [{"kind": effect.kind, "subject": effect.subject} for effect in journal.effects]
        return {"counts": journal.count(), "requests": requests, "effects": effects}

    def _rows(self, request: Request, _body: bytes) -> object:
        return self._sandbox.rows(request.path_params["object"])

    def _plan(self, _request: Request, body: bytes) -> None:
        wanted = msgspec.json.decode(body, type=PlannedFault)
        if wanted.name.lower() not in FAULTS:
            message = f"unknown fault {wanted.name}; known: {', '.join(sorted(FAULTS))}"
            raise msgspec.ValidationError(message)
        planned = faults.on_match(
            FAULTS[wanted.name.lower()],
            wanted.nth,
            times=wanted.times,
            method=wanted.method,
            path=wanted.path,
            key=wanted.key,
            operation=wanted.operation,
        )
        self._sandbox.faults.add(planned)

    def _plan_for_records(self, _request: Request, body: bytes) -> None:
        self._sandbox.record_faults.add(msgspec.json.decode(body, type=RecordFault))

    def _unplan(self, _request: Request, _body: bytes) -> None:
        self._sandbox.faults.clear()
        self._sandbox.record_faults.clear()

    def _reset(self, _request: Request, _body: bytes) -> None:
        self._sandbox.reset()

    def _revoke(self, _request: Request, _body: bytes) -> None:
        self._sandbox.revoke_tokens()

    def _take_snapshot(self, _request: Request, _body: bytes) -> object:
        self._snapshots.append(self._sandbox.snapshot())
        return {"number": len(self._snapshots)}

    def _restore(self, request: Request, _body: bytes) -> None:
        number = request.path_params["number"]
        if not 1 <= number <= len(self._snapshots):
            raise msgspec.ValidationError(f"no snapshot {number}")
        self._sandbox.restore(self._snapshots[number - 1])


def _endpoint(act: Callable[[Request, bytes], object]) -> Any:  # noqa: ANN401 as Starlette's routes take it
    async def endpoint(request: Request) -> Response:
        try:
            answer = act(request, await request.body())
        except (msgspec.MsgspecError, ApiError) as error:
            return Response(_encoder.encode({"error": str(error)}), 400, media_type="application/json")
        if answer is None:
            return Response(status_code=204)
        return Response(_encoder.encode(answer), media_type="application/json")

    return endpoint
