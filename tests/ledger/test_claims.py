"""Claiming what is due: never twice, never early, never lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain

import pytest

from connector.errors import LeaseLostError
from connector.ledger.database import Database, open_database
from connector.ledger.delivery import Claim, State
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=15)


def fill(store: Store, size: int) -> None:
    store.record_listing("invoices", [make_found(f"document-{number:04}") for number in range(size)], None)


def claim(
    store: Store, limit: int = 10, owner: str = "worker", pipeline: str = "invoices"
) -> tuple[Claim, ...]:
    return store.claim(pipeline, State.PENDING, limit=limit, owner=owner, lease=LEASE)


def test_claim_is_ours_until_its_lease_ends(store: Store) -> None:
    fill(store, 1)

    (ours,) = claim(store)

    assert (ours.owner, ours.epoch, ours.until) == ("worker", 1, NOON + LEASE)
    assert ours.delivery.snapshot == make_found().snapshot
    assert claim(store, owner="another") == ()


def test_claims_come_oldest_due_first_and_no_more_than_asked(store: Store, clock: HandClock) -> None:
    fill(store, 3)
    first, second, third = claim(store)
    with store.outcomes() as outcomes:
        outcomes.wait(first, NOON + timedelta(minutes=3))
        outcomes.wait(second, NOON + timedelta(minutes=1))
        outcomes.wait(third, NOON + timedelta(minutes=2))
    clock.advance(timedelta(hours=1))

    claimed = claim(store, limit=2)

    assert [each.delivery.id for each in claimed] == [second.delivery.id, third.delivery.id]


def test_delivery_is_claimed_at_its_due_time_and_not_before(store: Store, clock: HandClock) -> None:
    fill(store, 1)
    (ours,) = claim(store)
    with store.outcomes() as outcomes:
        outcomes.retry(ours, make_failure(), NOON + timedelta(seconds=10))

    clock.advance(timedelta(seconds=10, microseconds=-1))
    assert claim(store) == ()
    clock.advance(timedelta(microseconds=1))
    assert len(claim(store)) == 1


def test_claims_keep_to_their_pipeline_and_state(store: Store) -> None:
    fill(store, 1)

    assert claim(store, pipeline="orders") == ()
    assert store.claim("invoices", State.DELIVERED, limit=10, owner="worker", lease=LEASE) == ()


def test_claim_of_nothing_is_empty(store: Store) -> None:
    fill(store, 1)

    assert claim(store, limit=0) == ()
    assert len(claim(store)) == 1


def test_crash_after_a_claim_gives_the_delivery_to_the_next_worker(store: Store, clock: HandClock) -> None:
    fill(store, 1)
    (crashed,) = claim(store, owner="crashed")

    clock.advance(LEASE - timedelta(microseconds=1))
    assert claim(store) == ()
    clock.advance(timedelta(microseconds=1))
    (ours,) = claim(store)

    assert (ours.delivery.id, ours.epoch) == (crashed.delivery.id, crashed.epoch + 1)
    takeover = store.events(ours.delivery.id)[-1]
    assert (takeover.event, takeover.actor) == ("takeover", "worker")
    assert takeover.detail is not None
    assert "crashed" in takeover.detail


def test_outcome_after_a_takeover_is_refused_and_the_new_owner_is_undisturbed(
    store: Store, clock: HandClock
) -> None:
    fill(store, 1)
    (late,) = claim(store)
    clock.advance(LEASE)
    (ours,) = claim(store)  # the same owner name: only the epoch tells them apart

    with pytest.raises(LeaseLostError), store.outcomes() as outcomes:
        outcomes.delivered(late, make_receipt(id="late"))
    with store.outcomes() as outcomes:
        outcomes.delivered(ours, make_receipt(id="ours"))

    delivery = store.get(ours.delivery.id)
    assert delivery is not None
    assert (delivery.state, delivery.receipt_id) == (State.DELIVERED, "ours")


def test_outcome_after_the_lease_ended_counts_while_nobody_took_over(store: Store, clock: HandClock) -> None:
    fill(store, 1)
    (ours,) = claim(store)
    clock.advance(LEASE * 2)

    with store.outcomes() as outcomes:
        outcomes.delivered(ours, make_receipt())

    assert store.counts() == {"invoices": {State.DELIVERED: 1}}


def test_threads_claiming_at_once_never_claim_the_same_delivery(
    any_database: Database, clock: HandClock
) -> None:
    size = 400
    fill(Store(any_database, clock=clock), size)

    def work(name: str) -> list[int]:
        store = Store(any_database, clock=clock)
        claimed: list[int] = []
        while batch := claim(store, limit=5, owner=name):
            claimed += [each.delivery.id for each in batch]
            with store.outcomes() as outcomes:
                for each in batch:
                    outcomes.delivered(each, make_receipt(id=name))
        return claimed

    with ThreadPoolExecutor(8) as threads:
        claimed = list(chain.from_iterable(threads.map(work, [f"worker {number}" for number in range(8)])))

    assert len(claimed) == size
    assert len(set(claimed)) == size
    assert Store(any_database, clock=clock).counts() == {"invoices": {State.DELIVERED: size}}


def test_processes_claiming_at_once_never_claim_the_same_delivery(
    any_empty_url: str, clock: HandClock
) -> None:
    # Each thread opens the database by itself, as processes do, so that no lock of ours comes between them.
    databases = [open_database(any_empty_url) for _ in range(4)]
    databases[0].upgrade()
    fill(Store(databases[0], clock=clock), 200)

    def work(database: Database) -> list[int]:
        store = Store(database, clock=clock)
        claimed: list[int] = []
        while batch := claim(store, limit=1):
            claimed += [each.delivery.id for each in batch]
        return claimed

    with ThreadPoolExecutor(4) as threads:
        claimed = list(chain.from_iterable(threads.map(work, databases)))
    for database in databases:
        database.close()

    assert len(claimed) == 200
    assert len(set(claimed)) == 200


def test_listings_at_once_store_each_document_once(any_database: Database, clock: HandClock) -> None:
    found = [make_found(f"document-{number}") for number in range(300)]

    def work(turn: int) -> int:
        order = found if turn % 2 else found[::-1]
        return Store(any_database, clock=clock).record_listing("invoices", order, None).new

    with ThreadPoolExecutor(4) as threads:
        new = list(threads.map(work, range(4)))

    assert sorted(new) == [0, 0, 0, 300]
    assert Store(any_database, clock=clock).counts() == {"invoices": {State.PENDING: 300}}
