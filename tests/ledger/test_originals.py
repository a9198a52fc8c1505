"""Original files in the ledger: wanted with the delivery, one turn at a time, and never in its way."""

from datetime import timedelta

import pytest

from connector.errors import LeaseLostError
from connector.ledger.database import Database
from connector.ledger.delivery import State
from connector.ledger.figures import read_figures
from connector.ledger.operations import By
from connector.ledger.original import OriginalState, OriginalTurn
from connector.ledger.pauses import PauseStore
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=15)
SETTLE = timedelta(seconds=30)
BY = By(actor="dana", reason="the limit was raised", chosen="ids=1")


def deliver(store: Store, *documents: str, receipt: str = "a01", wants_original: bool = True) -> None:
    store.record_listing("invoices", [make_found(name) for name in documents], None)
    claims = store.claim("invoices", State.PENDING, limit=9, owner="w", lease=LEASE)
    with store.outcomes() as outcomes:
        for claim in claims:
            outcomes.delivered(claim, make_receipt(id=receipt), wants_original=wants_original)


def claim(store: Store, owner: str = "w") -> OriginalTurn:
    turn = store.originals.claim("invoices", owner=owner, lease=LEASE)
    assert turn is not None
    return turn


def test_an_original_is_wanted_with_the_delivery_and_ours_until_the_lease_ends(
    store: Store, clock: HandClock
) -> None:
    deliver(store, "d")

    turn = claim(store)

    assert (turn.delivery.document_id, turn.original.receipt_id) == ("d", "a01")
    assert turn.original.state is OriginalState.WANTED
    assert store.originals.claim("invoices", owner="another", lease=LEASE) is None
    clock.advance(LEASE)
    assert claim(store, "another").epoch == turn.epoch + 1


def test_without_the_wish_there_is_none(store: Store) -> None:
    deliver(store, "d", wants_original=False)

    assert not store.originals.is_due("invoices")
    assert store.originals.of(1) is None


def test_a_doubt_is_not_looked_into_before_the_lease_and_the_wait_are_over(
    store: Store, clock: HandClock
) -> None:
    deliver(store, "d")
    store.originals.doubt(claim(store), "f1", lease=LEASE, settle=SETTLE)

    clock.advance(LEASE + SETTLE - timedelta(microseconds=1))
    assert not store.originals.is_due("invoices")
    clock.advance(timedelta(microseconds=1))
    turn = claim(store)

    assert (turn.original.state, turn.original.fingerprint) == (OriginalState.IN_DOUBT, "f1")


def test_a_turn_that_another_took_over_neither_sends_nor_records(store: Store, clock: HandClock) -> None:
    deliver(store, "d")
    late = claim(store)
    clock.advance(LEASE)
    claim(store, "another")

    with pytest.raises(LeaseLostError):
        store.originals.doubt(late, "f1", lease=LEASE, settle=SETTLE)
    with pytest.raises(LeaseLostError):
        store.originals.ended(late, OriginalState.ATTACHED, target_id="068")

    known = store.originals.of(1)
    assert known is not None
    assert known.state is OriginalState.WANTED


def test_an_end_is_told_in_the_story_and_leaves_the_delivery_alone(store: Store) -> None:
    deliver(store, "d")
    before = store.get(1)

    store.originals.ended(claim(store), OriginalState.ATTACHED, target_id="068", requests="GET /x -> 200")

    assert store.get(1) == before
    told = store.events(1)[-1]
    assert (told.event, told.detail, told.requests) == ("original_attached", "068", "GET /x -> 200")
    assert told.from_state is told.to_state is State.DELIVERED
    assert not store.originals.is_due("invoices")


def test_a_failure_counts_and_a_wait_does_not(store: Store, clock: HandClock) -> None:
    deliver(store, "d")
    store.originals.retry(claim(store), make_failure(), NOON + SETTLE, None)
    clock.advance(SETTLE)
    store.originals.wait(claim(store), make_failure(reason="later"), NOON + LEASE)
    clock.advance(LEASE)

    turn = claim(store)

    assert turn.original.attempts == 1
    assert [event.event for event in store.events(1)][-2:] == ["original_retry", "original_wait"]


def test_the_same_record_wants_its_original_once_and_another_record_anew(store: Store) -> None:
    deliver(store, "d")
    store.originals.ended(claim(store), OriginalState.ATTACHED, target_id="068")

    store.record_listing("invoices", [make_found("d", digest="digest 2")], None)
    deliver(store, receipt="a01")
    is_wanted_again = store.originals.is_due("invoices")
    store.record_listing("invoices", [make_found("d", digest="digest 3")], None)
    deliver(store, receipt="a02")

    assert not is_wanted_again
    assert claim(store).original.receipt_id == "a02"


def test_of_a_paused_pipeline_nothing_is_given(store: Store, any_database: Database) -> None:
    deliver(store, "d")

    PauseStore(any_database).pause("invoices", BY, NOON)

    assert not store.originals.is_due("invoices")
    assert store.originals.claim("invoices", owner="w", lease=LEASE) is None
    assert store.originals.next_due(["invoices"]) is None


def test_a_person_lets_what_was_given_up_or_never_wanted_be_tried(store: Store) -> None:
    deliver(store, "given up")
    store.originals.died(claim(store), make_failure(), None)
    deliver(store, "never wanted", wants_original=False)
    deliver(store, "attached")
    store.originals.ended(claim(store), OriginalState.ATTACHED, target_id="068")
    store.record_listing("invoices", [make_found("not delivered")], None)

    done = store.originals.attach([1, 2, 3, 4], BY)

    assert done == (1, 2)
    assert {claim(store).delivery.id, claim(store).delivery.id} == {1, 2}
    [act] = store.operations.acts(9)
    assert (act.act, act.actor, act.count) == ("attach", "dana", 2)
    assert store.events(2)[-1].event == "attach"


def test_the_figures_count_originals_and_the_oldest_still_to_come(
    store: Store, any_database: Database, clock: HandClock
) -> None:
    deliver(store, "dead")
    store.originals.died(claim(store), make_failure(), None)
    clock.advance(LEASE)
    deliver(store, "waiting")

    figures = read_figures(any_database)

    assert figures.originals == {"invoices": {OriginalState.DEAD: 1, OriginalState.WANTED: 1}}
    assert figures.originals_since == {"invoices": NOON + LEASE}
    assert store.originals.died_since(["invoices"], NOON) == (1,)
    assert store.originals.died_since(["invoices"], NOON + LEASE) == ()
