"""Reading the ledger: lists, counts and what is due."""

from datetime import timedelta

import pytest

from connector.ledger.delivery import State
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=15)


@pytest.fixture
def filled(store: Store) -> Store:
    """Invoices a (delivered), b (dead), c (pending); order d (pending)."""
    store.record_listing("invoices", [make_found(name) for name in "abc"], None)
    store.record_listing("orders", [make_found("d")], None)
    first, second = store.claim("invoices", State.PENDING, limit=2, owner="worker", lease=LEASE)
    with store.outcomes() as outcomes:
        outcomes.delivered(first, make_receipt())
        outcomes.dead(second, make_failure(error_class="MappingError"))
    return store


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({}, "dcba"),
        ({"pipeline": "invoices"}, "cba"),
        ({"states": [State.PENDING]}, "dc"),
        ({"states": {State.DEAD, State.DELIVERED}}, "ba"),
        ({"states": []}, ""),
        ({"pipeline": "invoices", "states": [State.PENDING]}, "c"),
        ({"document_id": "a"}, "a"),
        ({"document_id": "nowhere"}, ""),
        ({"failure_class": "MappingError"}, "b"),
        ({"limit": 2}, "dc"),
        ({"limit": 2, "offset": 1}, "cb"),
    ],
)
def test_find_gives_what_fits_every_condition_newest_first(
    filled: Store, conditions: dict[str, object], expected: str
) -> None:
    found = filled.find(**conditions)  # type: ignore[arg-type] # a table of conditions

    assert "".join(delivery.document_id for delivery in found) == expected


def test_lists_leave_the_snapshots_out(filled: Store) -> None:
    assert {delivery.snapshot for delivery in filled.find()} == {b""}


def test_unknown_delivery_is_none_and_has_no_story(store: Store) -> None:
    assert store.get(404) is None
    assert store.events(404) == ()


def test_counts_are_by_pipeline_and_state(filled: Store) -> None:
    assert filled.counts() == {
        "invoices": {State.DEAD: 1, State.DELIVERED: 1, State.PENDING: 1},
        "orders": {State.PENDING: 1},
    }


def test_due_now_is_seen_per_pipeline(filled: Store) -> None:
    assert any(filled.due("orders", most=1).values())
    assert filled.next_due(["orders"]) == NOON
    assert not any(filled.due("receipts", most=1).values())
    assert filled.next_due(["receipts"]) is None


def test_what_a_claim_would_find_is_counted_in_each_open_state(filled: Store) -> None:
    nothing = {State.DELIVERED: 0, State.IN_DOUBT: 0, State.PENDING: 0}

    assert filled.due("invoices", most=9) == {**nothing, State.DELIVERED: 1, State.PENDING: 1}
    assert filled.due("receipts", most=9) == nothing
    assert filled.due("invoices", most=9, backfill_id=1) == nothing
    filled.claim("invoices", State.PENDING, limit=9, owner="worker", lease=LEASE)
    assert filled.due("invoices", most=9) == {**nothing, State.DELIVERED: 1}


def test_no_more_is_counted_than_somebody_wants_to_know(store: Store) -> None:
    store.record_listing("invoices", [make_found(str(number)) for number in range(5)], None)

    assert store.due("invoices", most=3)[State.PENDING] == 3


def test_what_is_put_off_is_due_later(store: Store, clock: HandClock) -> None:
    store.record_listing("invoices", [make_found("a"), make_found("b")], None)
    later, sooner = store.claim("invoices", State.PENDING, limit=2, owner="worker", lease=LEASE)
    with store.outcomes() as outcomes:
        outcomes.retry(later, make_failure(), NOON + timedelta(hours=2))
        outcomes.retry(sooner, make_failure(), NOON + timedelta(hours=1))

    assert not any(store.due("invoices", most=1).values())
    assert store.next_due(["invoices"]) == NOON + timedelta(hours=1)
    clock.advance(timedelta(hours=1))
    assert any(store.due("invoices", most=1).values())


def test_what_somebody_is_busy_with_is_due_when_the_lease_ends(store: Store, clock: HandClock) -> None:
    store.record_listing("invoices", [make_found()], None)
    store.claim("invoices", State.PENDING, limit=1, owner="worker", lease=LEASE)

    assert not any(store.due("invoices", most=1).values())
    assert store.next_due(["invoices"]) == NOON + LEASE
    clock.advance(LEASE)
    assert any(store.due("invoices", most=1).values())


def test_nothing_is_due_among_final_deliveries(store: Store) -> None:
    store.record_listing("invoices", [make_found()], None)
    (claim,) = store.claim("invoices", State.PENDING, limit=1, owner="worker", lease=LEASE)
    with store.outcomes() as outcomes:
        outcomes.skipped(claim, "not wanted")

    assert not any(store.due("invoices", most=1).values())
    assert store.next_due(["invoices"]) is None
