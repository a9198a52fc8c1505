"""Sandboxes on a socket for the tests of this folder."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.sandbox.docflo import DocfloSandbox
from connector.sandbox.server import SandboxServer
from tests.sandbox.docflo.reach import HEADERS, Docflo, Serve, SetClock


class Stage:
    """Serves whichever application is on it: starting and stopping a server takes longer than most tests."""

    def __init__(self) -> None:
        self.app: ASGIApp = Response("nothing is served", 500)
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    stage = Stage()
    with SandboxServer(stage) as server:
        stage.url = server.url
        yield stage


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def serve(stage: Stage, clock: SetClock) -> Iterator[Serve]:
    """Serve one sandbox without documents; keyword options are the sandbox's own."""
    with httpx.Client(base_url=stage.url, headers=HEADERS, timeout=10) as client:

        def start(**options: object) -> Docflo:
            chosen: dict[str, Any] = {"clock": clock, "documents": (), **options}
            sandbox = DocfloSandbox(**chosen)
            stage.app = sandbox.app
            return Docflo(sandbox=sandbox, client=client)

        yield start
