"""The total deadline of a call, over real sockets: silence is not what it waits for."""

import time
from collections.abc import Iterator

import pytest

from connector.adapters.soap.wire import Limits, NoAnswer, Wire
from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.proxy.server import FaultProxy
from connector.sandbox.proxy.spelling import read_fault
from connector.sandbox.server import SandboxServer


@pytest.fixture
def proxy() -> Iterator[FaultProxy]:
    with SandboxServer(ErpSandbox().app) as server, FaultProxy(server.url) as proxy:
        yield proxy


@pytest.mark.parametrize("kind", ["slow-headers", "slow-body"])
def test_an_answer_that_drips_is_cut_at_the_deadline(proxy: FaultProxy, kind: str) -> None:
    proxy.plan.add(read_fault(f"{kind}:seconds=0.05"))
    wire = Wire(Limits(connect=5, read=5, deadline=0.3, max_body_bytes=10_000_000))
    begun = time.monotonic()

    answer = wire.get(f"{proxy.url}{PATH}?wsdl")  # hundreds of seconds long at this pace

    assert isinstance(answer, NoAnswer)
    assert "within 0.3 seconds" in answer.reason
    assert time.monotonic() - begun < 60
