"""A store on each kind of database, and a clock that the test moves."""

import pytest

from connector.ledger.database import Database
from connector.ledger.store import Store
from tests.factories import HandClock


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store(any_database: Database, clock: HandClock) -> Store:
    return Store(any_database, clock=clock)
