"""The budget's row: shared by threads and processes, never granted twice."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from datetime import timedelta

import pytest

from connector.clock import utc_now
from connector.docflo.budget import Lane, Plan, Window
from connector.docflo.ratelimit import RateLimit
from connector.docflo.shared_budget import SharedBudget
from connector.errors import ThrottledError
from connector.ledger.budget import BudgetStore
from connector.ledger.database import Database, open_database
from connector.ledger.tables import budget
from tests.factories import NOON, HandClock

LIMIT = 700
SPENDER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from connector.clock import utc_now
from connector.docflo.budget import Lane, Plan, Window
from connector.docflo.shared_budget import SharedBudget
from connector.errors import ThrottledError
from connector.ledger.budget import BudgetStore
from connector.ledger.database import open_database

database = open_database(sys.argv[1])
store = BudgetStore(database, "key", Window())
budget = SharedBudget(store, plan=Plan(requests_per_hour=int(sys.argv[2])), clock=utc_now)

def spend(_):
    taken = 0
    while True:
        try:
            budget.take(Lane.WRITE_BACK)
        except ThrottledError:
            return taken
        budget.answered(None)
        taken += 1

with ThreadPoolExecutor(8) as threads:
    print(sum(threads.map(spend, range(8))))
"""


@pytest.fixture
def store(any_database: Database) -> BudgetStore[Window]:
    return BudgetStore(any_database, "key", Window())


@pytest.fixture
def url(any_empty_url: str) -> str:
    database = open_database(any_empty_url)
    database.upgrade()
    database.close()
    return any_empty_url


def test_the_columns_are_the_fields_of_the_window() -> None:
    assert {column.name for column in budget.c} == {"key", *(field.name for field in fields(Window))}


def test_a_row_that_is_not_there_is_an_empty_window(store: BudgetStore[Window]) -> None:
    assert store.read() == Window()


def test_a_window_is_read_as_it_was_stored(store: BudgetStore[Window]) -> None:
    window = Window(
        number=3,
        began_at=NOON,
        reset_at=NOON,
        allowed=10**17,
        used=2,
        granted=1,
        unanswered=1,
        closed_until=NOON,
    )

    assert store.change(lambda _: window) == window
    assert store.read() == window


def test_keys_have_budgets_of_their_own(any_database: Database, store: BudgetStore[Window]) -> None:
    store.change(lambda _: Window(used=5))

    assert BudgetStore(any_database, "another", Window()).read() == Window()


def test_a_step_that_fails_changes_nothing(store: BudgetStore[Window]) -> None:
    def fail(_: Window) -> Window:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.change(fail)

    assert store.read() == Window()


def test_a_refusal_reaches_another_replica_within_a_second(any_database: Database) -> None:
    clock = HandClock()
    replicas = [
        SharedBudget(BudgetStore(any_database, "key", Window()), plan=Plan(), clock=clock) for _ in range(2)
    ]
    for replica in replicas:
        replica.take(Lane.TAIL)
        replica.answered(RateLimit(limit=1000, remaining=900))

    replicas[0].refused(NOON.replace(minute=7))
    clock.advance(timedelta(seconds=1))

    with pytest.raises(ThrottledError) as error:
        replicas[1].take(Lane.TAIL)
    assert error.value.until == NOON.replace(minute=7)


def test_eight_threads_spend_the_limit_and_no_more(any_database: Database) -> None:
    plan = Plan(requests_per_hour=LIMIT)
    shared = SharedBudget(BudgetStore(any_database, "key", Window()), plan=plan, clock=utc_now)

    def spend(_: int) -> int:
        taken = 0
        try:
            while True:
                shared.take(Lane.WRITE_BACK)
                taken += 1
        except ThrottledError:
            return taken

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(spend, range(8))) == LIMIT


def test_two_processes_of_eight_threads_spend_the_limit_and_no_more(url: str) -> None:
    arguments = [sys.executable, "-c", SPENDER, url, str(LIMIT)]
    processes = [
        subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)  # noqa: S603 our own program
        for _ in range(2)
    ]

    spent = [int(process.communicate(timeout=60)[0]) for process in processes]

    assert sum(spent) == LIMIT
