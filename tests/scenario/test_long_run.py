"""Hours of simulated time with one side after another away; `make soak` plays a whole day."""

import tracemalloc

import pytest

from tests.postgres import PostgresServer
from tests.scenario.conftest import GOOD, World
from tests.scenario.test_survival import created_headers
from tests.soak.day import play


@pytest.mark.xdist_group("postgresql")
def test_after_each_outage_the_backlog_drains_and_no_thread_is_lost(
    world: World, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracemalloc.start()
    try:
        day = play(world, postgres_server, 3, monkeypatch)
    finally:
        tracemalloc.stop()

    assert day.outages >= 2
    assert day.silent == ()
    assert len(world.running.salesforce.rows("Invoice__c")) == GOOD + 18
    assert set(created_headers(world).values()) == {1}
