"""One org, served over a real socket, and a client that is logged in."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.server import SandboxServer
from tests.sandbox.salesforce.org import MakeOrg, Org, SteppedClock


class Switch:
    """Whatever application is plugged in: starting a server for each test would take most of their time."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Switch, str]]:
    """Serve a switch for all tests of this process."""
    switch = Switch()
    with SandboxServer(switch) as server:
        yield switch, server.url


@pytest.fixture
def make_org(served: tuple[Switch, str]) -> Iterator[MakeOrg]:
    """Make an org with settings of its own, logged in as the sample client. One at a time."""
    switch, url = served
    with ExitStack() as stack:

        def make(**settings: Any) -> Org:
            clock = SteppedClock()
            sandbox = SalesforceSandbox(clock=clock, **settings)
            switch.app = sandbox.app
            org = Org(sandbox, url, clock)
            stack.callback(org.client.close)
            org.log_in()
            sandbox.journal.forget()
            return org

        yield make


@pytest.fixture
def org(make_org: MakeOrg) -> Org:
    return make_org()
