"""A small world for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenario.conftest import World
from tests.scenario.small.world import a_small_world


@pytest.fixture
def small_world(tmp_path: Path) -> Iterator[World]:
    with a_small_world(tmp_path) as world:
        yield world
