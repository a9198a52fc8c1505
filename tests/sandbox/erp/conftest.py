from collections.abc import Iterator

import pytest

from connector.sandbox.erp.sandbox import ErpSandbox
from connector.sandbox.server import SandboxServer
from tests.sandbox.erp.desk import Clock, Desk


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A strict ERP without a login, and a client that reaches it over TCP."""
    clock = Clock()
    erp = ErpSandbox(clock=clock)
    with SandboxServer(erp.app) as server:
        desk = Desk(erp=erp, url=server.url, clock=clock)
        with desk.client:
            yield desk
