"""A day of simulated time with outages: memory stays flat, no thread is lost, every backlog drains."""

import tracemalloc

import pytest

from tests.postgres import PostgresServer
from tests.scenario.conftest import World, world  # noqa: F401 a fixture
from tests.soak.day import play


@pytest.mark.timeout(3000)
@pytest.mark.xdist_group("postgresql")
def test_a_day(world: World, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811 it
    tracemalloc.start()
    try:
        day = play(world, postgres_server, 24, monkeypatch)
    finally:
        tracemalloc.stop()

    print(day)  # noqa: T201 the figures
    assert day.silent == ()
    assert max(day.memory[-3:]) < 1.2 * max(day.memory[:3])
