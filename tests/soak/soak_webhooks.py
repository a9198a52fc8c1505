"""Ten thousand forged calls. Collected only when it is named: `make soak` does."""

import pytest

from tests.scenario import test_web
from tests.scenario.conftest import World, world

__all__ = ["world"]  # a fixture


def test_ten_thousand_forged_calls_are_refused_while_deliveries_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_web, "FORGED", 10_000)
    test_web.test_strangers_large_bodies_and_slow_clients_are_refused_while_deliveries_go_on(world)
