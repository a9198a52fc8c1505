"""Pauses, wake-ups and alarms, on both databases and between replicas."""

import threading
from dataclasses import replace
from datetime import timedelta

from connector.ledger.alarms import AlarmStore
from connector.ledger.database import Database
from connector.ledger.delivery import State
from connector.ledger.figures import read_figures
from connector.ledger.harvest import HarvestStore
from connector.ledger.operations import By
from connector.ledger.pauses import PauseStore
from connector.ledger.replicas import HeldToken, Replica, ReplicaStore, written
from connector.ledger.store import Store
from connector.ledger.wakeups import WakeupStore
from tests.factories import NOON, HandClock, make_found

MINUTE = timedelta(minutes=1)
BY = By(actor="ana", reason="month end", chosen="pipeline=p")


def test_nothing_of_a_paused_pipeline_is_claimed(any_database: Database) -> None:
    store, pauses = Store(any_database, clock=HandClock()), PauseStore(any_database)
    store.record_listing("p", [make_found()], None)

    first, again = pauses.pause("p", BY, NOON), pauses.pause("p", BY, NOON)
    held = store.claim("p", State.PENDING, limit=9, owner="o", lease=MINUTE)
    is_due = any(store.due("p", most=1).values())
    pauses.resume("p", BY, NOON)

    assert (first, again) == (True, False)
    assert (held, is_due) == ((), False)
    assert len(store.claim("p", State.PENDING, limit=9, owner="o", lease=MINUTE)) == 1


def test_a_document_that_is_named_twice_is_taken_once(any_database: Database) -> None:
    wakeups = WakeupStore(any_database)
    wakeups.add("d", NOON)
    wakeups.add("d", NOON)

    taken = [wakeups.take(NOON, until=NOON + MINUTE, limit=5) for _ in range(2)]

    assert [len(each) for each in taken] == [1, 0]


def test_a_call_that_comes_while_its_document_is_fetched_is_not_lost(any_database: Database) -> None:
    wakeups = WakeupStore(any_database)
    wakeups.add("d", NOON)
    [taken] = wakeups.take(NOON, until=NOON + MINUTE, limit=5)
    wakeups.add("d", NOON + MINUTE / 2)

    wakeups.done(taken)

    assert len(wakeups.take(NOON + MINUTE, until=NOON + 2 * MINUTE, limit=5)) == 1


def test_what_a_killed_replica_had_taken_comes_back(any_database: Database) -> None:
    wakeups = WakeupStore(any_database)
    wakeups.add("d", NOON)
    wakeups.take(NOON, until=NOON + MINUTE, limit=5)

    assert len(wakeups.take(NOON + MINUTE, until=NOON + 2 * MINUTE, limit=5)) == 1


def test_of_many_replicas_one_tells_each_change_once(any_database: Database) -> None:
    active = {("halted", "p"): "ten in a row"}

    def look() -> None:
        store = AlarmStore(any_database)
        for _ in range(3):
            store.settle(active, ["ops"], NOON)

    replicas = [threading.Thread(target=look) for _ in range(6)]
    for each in replicas:
        each.start()
    for each in replicas:
        each.join()
    store = AlarmStore(any_database)
    raised = store.take(NOON, until=NOON + MINUTE, limit=99)
    for each_news in raised:
        store.told(each_news, NOON)
    store.settle({}, ["ops"], NOON + MINUTE)
    ended = store.take(NOON + MINUTE, until=NOON + 2 * MINUTE, limit=99)

    assert [(news.event, news.kind, news.subject) for news in raised] == [("raised", "halted", "p")]
    assert [(news.event, news.ended_at) for news in ended] == [("recovered", NOON + MINUTE)]


def test_news_that_failed_are_told_later_and_no_sooner(any_database: Database) -> None:
    store = AlarmStore(any_database)
    store.settle({("halted", "p"): "x"}, ["ops"], NOON)
    [news] = store.take(NOON, until=NOON + MINUTE, limit=9)

    store.failed(news, "it answered 500", NOON + 5 * MINUTE)

    assert store.take(NOON + 4 * MINUTE, until=NOON + 9 * MINUTE, limit=9) == ()
    assert [each.attempts for each in store.take(NOON + 5 * MINUTE, until=NOON + 9 * MINUTE, limit=9)] == [2]


def test_the_figures_tell_what_is_stored(any_database: Database) -> None:
    clock = HandClock()
    Store(any_database, clock=clock).record_listing("p", [make_found("a"), make_found("b")], None)
    HarvestStore(any_database).note("p", 2, NOON)
    HarvestStore(any_database).note("p", 0, NOON)

    figures = read_figures(any_database)

    assert figures.counts == {("p", State.PENDING): 2}
    assert figures.undelivered_since == {"p": NOON}
    assert (figures.harvests["p"].listings, figures.harvests["p"].empty) == (1, 1)


def test_a_process_shows_what_it_knows_of_its_tokens(any_database: Database) -> None:
    told = HeldToken(target="crm", name="access token", issued_at=NOON, ends_at=NOON + MINUTE)
    store = ReplicaStore(any_database)
    mine = Replica(name="a", version="1", started_at=NOON, seen_at=NOON, config_read_at=NOON)

    store.show(replace(mine, tokens=written([told])))
    store.show(replace(mine, name="of an older version"))

    assert [each.held for each in store.all()] == [(told,), ()]
