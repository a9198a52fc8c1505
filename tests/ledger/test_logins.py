"""Sessions, logins under way and tries, on both databases and between replicas."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from connector.ledger.database import Database
from connector.ledger.logins import Errand, ErrandStore, Session, SessionStore, TryStore
from tests.factories import NOON

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
SESSION = Session(person="ana", role="viewer", stamp="s", began_at=NOON, seen_at=NOON)


@pytest.fixture
def sessions(any_database: Database) -> SessionStore:
    return SessionStore(any_database, idle=30 * MINUTE, lasts=2 * HOUR)


def test_a_session_is_found_by_its_secret_alone_until_it_ends(sessions: SessionStore) -> None:
    sessions.begin("secret", SESSION)

    assert sessions.find("secret", NOON) == SESSION
    assert sessions.find("another", NOON) is None
    sessions.end("secret")
    assert sessions.find("secret", NOON) is None


def test_a_session_lasts_while_it_is_used_and_no_longer_than_its_time(sessions: SessionStore) -> None:
    sessions.begin("secret", SESSION)

    used = [sessions.find("secret", NOON + minutes * MINUTE) for minutes in (29, 58, 87, 116, 119)]

    assert None not in used
    assert sessions.find("secret", NOON + 2 * HOUR) is None


def test_what_renews_itself_does_not_keep_a_session(sessions: SessionStore) -> None:
    sessions.begin("secret", SESSION)

    sessions.find("secret", NOON + 29 * MINUTE, is_alive=False)

    assert sessions.find("secret", NOON + 30 * MINUTE) is None


def test_the_database_does_not_hold_what_a_browser_shows(
    sessions: SessionStore, any_database: Database
) -> None:
    sessions.begin("secret", SESSION)

    with any_database.read() as connection:
        row = connection.exec_driver_sql("SELECT * FROM console_session").one()
    assert "secret" not in map(str, row)


def test_a_login_under_way_is_taken_once_and_in_time(any_database: Database) -> None:
    errands = ErrandStore(any_database)
    errand = Errand(nonce="n", verifier="v", next_path="/", began_at=NOON)
    errands.begin("a", errand)
    errands.begin("b", errand)

    assert errands.take("a", NOON + 9 * MINUTE) == errand
    assert errands.take("a", NOON + 9 * MINUTE) is None
    assert errands.take("b", NOON + 10 * MINUTE) is None


def test_tries_at_the_same_time_share_no_place(any_database: Database) -> None:
    tries = TryStore(any_database, window=15 * MINUTE)
    told: Counter[bool] = Counter()

    def attempt() -> None:
        for _ in range(5):
            told[tries.count({"name": 7, "address": 100}, NOON) is None] += 1

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert told == {True: 7, False: 13}


def test_a_window_that_has_passed_counts_no_more(any_database: Database) -> None:
    tries = TryStore(any_database, window=15 * MINUTE)
    tries.count({"name": 1}, NOON)

    assert tries.count({"name": 1}, NOON + 14 * MINUTE) == NOON + 15 * MINUTE
    assert tries.count({"name": 1}, NOON + 15 * MINUTE) is None


def test_a_good_try_is_not_held_against_anybody(any_database: Database) -> None:
    tries = TryStore(any_database, window=15 * MINUTE)
    for _ in range(5):
        assert tries.count({"name": 1}, NOON) is None
        tries.take_back(["name", "unknown"])
