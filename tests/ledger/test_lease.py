"""One holder at a time, and what a former holder brings is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest

from connector.errors import LeaseLostError, PermanentError
from connector.ledger.delivery import Checkpoint, OnChange, State
from connector.ledger.lease import Lease
from connector.ledger.listing import Listed
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_found, make_receipt

LENGTH = timedelta(minutes=3)


def hold(store: Store, owner: str = "one") -> Lease | None:
    return store.hold("discovery invoices", owner=owner, length=LENGTH)


def held(store: Store, owner: str = "one") -> Lease:
    lease = hold(store, owner)
    assert lease is not None
    return lease


def test_a_lease_has_one_holder_until_it_is_given_back(store: Store) -> None:
    first = held(store)

    assert hold(store, "two") is None
    assert store.hold("discovery orders", owner="two", length=LENGTH) is not None
    store.release(first)
    assert held(store, "two").epoch == first.epoch + 1


def test_a_lease_that_ended_is_taken_over_and_its_former_holder_refused(
    store: Store, clock: HandClock
) -> None:
    former = held(store)
    clock.advance(LENGTH)
    taken = held(store, "two")

    with pytest.raises(LeaseLostError):
        store.extend(former, LENGTH)
    with pytest.raises(LeaseLostError):
        store.record_listing("invoices", [make_found()], None, held=former)
    store.release(former)
    assert hold(store, "three") is None
    assert store.counts() == {}
    assert store.record_listing("invoices", [make_found()], None, held=taken) == Listed(new=1)


def test_the_same_owner_that_lost_it_and_took_it_again_is_not_confused(
    store: Store, clock: HandClock
) -> None:
    former = held(store)
    clock.advance(LENGTH)
    held(store)

    with pytest.raises(LeaseLostError):
        store.record_listing("invoices", [make_found()], None, held=former)


def test_a_lease_that_ended_counts_until_somebody_takes_it(store: Store, clock: HandClock) -> None:
    late = held(store)
    clock.advance(LENGTH * 2)

    assert store.record_listing("invoices", [make_found()], None, held=late) == Listed(new=1)


def test_a_lease_that_is_extended_is_not_taken(store: Store, clock: HandClock) -> None:
    lease = held(store)
    clock.advance(LENGTH / 2)
    lease = store.extend(lease, LENGTH)
    clock.advance(LENGTH / 2)

    assert hold(store, "two") is None
    assert lease.until == clock.now + LENGTH / 2


def test_a_checkpoint_that_is_set_takes_the_lease_away(store: Store) -> None:
    lister = held(store)

    store.set_checkpoint("invoices", NOON - timedelta(days=9), actor="ada", reason="again")

    with pytest.raises(LeaseLostError):
        store.record_listing(
            "invoices", [], Checkpoint(pipeline="invoices", listed_until=NOON, moved_at=NOON), held=lister
        )
    point = store.checkpoint("invoices")
    assert point is not None
    assert (point.listed_until, point.event, point.actor) == (NOON - timedelta(days=9), "set", "ada")


def test_a_checkpoint_that_is_set_back_takes_the_mark_along_and_undo_restores_both(store: Store) -> None:
    listed = Checkpoint(
        pipeline="invoices", listed_until=NOON, moved_at=NOON, open_since=NOON - timedelta(days=30)
    )
    store.record_listing("invoices", [], listed)

    back = store.set_checkpoint("invoices", NOON - timedelta(days=90), actor="ada", reason="again")
    undone = store.undo_checkpoint("invoices", actor="ada")

    assert back.open_since == NOON - timedelta(days=90)
    assert (undone.listed_until, undone.open_since) == (listed.listed_until, listed.open_since)
    with pytest.raises(PermanentError, match="nobody set"):
        store.undo_checkpoint("invoices", actor="ada")


def test_a_checkpoint_is_not_set_to_the_future_nor_without_a_reason(store: Store) -> None:
    with pytest.raises(PermanentError, match="future"):
        store.set_checkpoint("invoices", NOON + timedelta(seconds=1), actor="ada", reason="again")
    with pytest.raises(PermanentError, match="reason"):
        store.set_checkpoint("invoices", NOON, actor="ada", reason=" ")

    assert store.checkpoint("invoices") is None


def deliver_one(store: Store) -> None:
    store.record_listing("invoices", [make_found()], None)
    for state in (State.PENDING, State.DELIVERED):
        (claim,) = store.claim("invoices", state, limit=1, owner="worker", lease=LENGTH)
        with store.outcomes() as outcomes:
            outcomes.delivered(claim, make_receipt()) if state is State.PENDING else outcomes.completed(claim)


def edit(store: Store, digest: str, on_change: OnChange, *, is_ready: bool = False) -> Listed:
    found = make_found(digest=digest, snapshot=digest.encode(), is_ready=is_ready)
    return store.record_listing("invoices", [found], None, on_change=on_change)


def test_an_edit_that_is_held_waits_with_the_last_content_until_it_is_replayed(store: Store) -> None:
    deliver_one(store)

    assert edit(store, "2", OnChange.HOLD) == Listed(held=1)
    assert edit(store, "2", OnChange.HOLD) == Listed(unchanged=1)
    assert edit(store, "3", OnChange.HOLD) == Listed(held=1)

    replayed = store.replay(store.find()[0].id, "ada", "checked")
    assert (replayed.state, replayed.snapshot, replayed.revision) == (State.PENDING, b"3", 3)


def test_an_edit_that_is_ignored_is_counted_once_and_keeps_what_the_target_has(store: Store) -> None:
    deliver_one(store)

    assert edit(store, "2", OnChange.IGNORE) == Listed(ignored=1)
    assert edit(store, "2", OnChange.IGNORE) == Listed(unchanged=1)

    delivery = store.get(store.find()[0].id)
    assert delivery is not None
    assert (delivery.state, delivery.snapshot) == (State.COMPLETED, b'{"id": "snapshot 1"}')


def test_an_edit_is_held_only_after_the_write_back(store: Store) -> None:
    store.record_listing("invoices", [make_found()], None)
    (claim,) = store.claim("invoices", State.PENDING, limit=1, owner="worker", lease=LENGTH)
    with store.outcomes() as outcomes:
        outcomes.delivered(claim, make_receipt())

    assert edit(store, "2", OnChange.HOLD) == Listed(busy=1)


def test_a_document_that_is_not_ready_is_neither_new_nor_a_revision_of_what_waits(store: Store) -> None:
    assert edit(store, "1", OnChange.UPDATE) == Listed()
    store.record_listing("invoices", [make_found()], None)

    assert edit(store, "2", OnChange.UPDATE) == Listed(unchanged=1)
    assert store.find()[0].revision == 1


def test_the_history_forgets_old_listings_and_keeps_what_an_undo_needs(
    store: Store, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.ledger.listing.KEPT_HISTORY", 3)

    def listed() -> Checkpoint:
        clock.advance(timedelta(minutes=1))
        checkpoint = Checkpoint(pipeline="invoices", listed_until=clock.now, moved_at=clock.now)
        store.record_listing("invoices", [], checkpoint)
        return checkpoint

    before = [listed(), listed(), listed()][-1]
    store.set_checkpoint("invoices", NOON, actor="ada", reason="again")
    store.record_listing("orders", [], replace(before, pipeline="orders"))
    newest = [listed() for _ in range(6)][-3:]

    kept = [point.listed_until for point in store.checkpoint_history("invoices", 100)]
    assert kept == [*(point.listed_until for point in reversed(newest)), NOON, before.listed_until]
    assert len(store.checkpoint_history("orders", 100)) == 1
    assert store.undo_checkpoint("invoices", actor="ada").listed_until == before.listed_until
