"""Storing what a listing found, together with the checkpoint."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from connector.ledger.database import Database
from connector.ledger.delivery import Checkpoint, Claim, Delivery, Headline, State
from connector.ledger.listing import Listed
from connector.ledger.store import Store
from connector.ledger.tables import delivery as delivery_table
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=15)


def claim_one(store: Store, state: State = State.PENDING) -> Claim:
    (claim,) = store.claim("invoices", state, limit=10, owner="worker", lease=LEASE)
    return claim


def only(store: Store) -> Delivery:
    (row,) = store.find()
    found = store.get(row.id)
    assert found is not None
    return found


def list_one(store: Store, digest: str = "digest 1", **parts: Any) -> Listed:
    return store.record_listing("invoices", [make_found(digest=digest, **parts)], None)


def test_new_document_is_pending_and_due_at_once(store: Store) -> None:
    assert list_one(store) == Listed(new=1)

    delivery = only(store)
    assert (delivery.state, delivery.revision, delivery.attempts) == (State.PENDING, 1, 0)
    assert delivery.due_at == delivery.found_at == delivery.changed_at == NOON
    assert delivery.snapshot == b'{"id": "snapshot 1"}'
    assert [event.event for event in store.events(delivery.id)] == ["found"]


def test_same_document_in_two_pipelines_has_two_deliveries(store: Store) -> None:
    list_one(store)
    store.record_listing("orders", [make_found()], None)

    assert store.counts() == {"invoices": {State.PENDING: 1}, "orders": {State.PENDING: 1}}


def test_document_listed_again_changes_nothing(store: Store, clock: HandClock) -> None:
    list_one(store)
    before = only(store)
    clock.advance(timedelta(hours=1))

    assert list_one(store, snapshot=b"spelt otherwise") == Listed(unchanged=1)
    assert only(store) == before
    assert len(store.events(before.id)) == 1


def test_document_found_twice_in_one_listing_counts_once(store: Store) -> None:
    listed = store.record_listing("invoices", [make_found(), make_found(digest="digest 2")], None)

    assert listed == Listed(new=1)
    assert only(store).digest == "digest 2"


@pytest.mark.parametrize("size", [0, 1, 200, 1001])
def test_listing_of_any_size_is_stored_whole(store: Store, size: int) -> None:
    found = [make_found(f"document-{number}") for number in range(size)]

    assert store.record_listing("invoices", found, None) == Listed(new=size)
    assert store.record_listing("invoices", found, None) == Listed(unchanged=size)
    assert [row.document_id for row in store.find(limit=size + 1)] == [
        each.document_id for each in reversed(found)
    ]


def test_edit_of_waiting_document_is_a_new_revision_due_now(store: Store, clock: HandClock) -> None:
    list_one(store)
    claim = claim_one(store)
    with store.outcomes() as outcomes:
        outcomes.retry(claim, make_failure(), NOON + timedelta(days=1))
    clock.advance(timedelta(hours=1))

    assert list_one(store, "digest 2", snapshot=b"2", headline=Headline(number="7")) == Listed(changed=1)

    delivery = only(store)
    assert (delivery.revision, delivery.attempts, delivery.failure) == (2, 0, None)
    assert (delivery.digest, delivery.snapshot, delivery.headline.number) == ("digest 2", b"2", "7")
    assert delivery.due_at == clock.now
    assert delivery.found_at == NOON


def test_edit_revives_a_document_that_died_before_it_was_sent(store: Store) -> None:
    list_one(store)
    claim = claim_one(store)
    with store.outcomes() as outcomes:
        outcomes.dead(claim, make_failure())

    assert list_one(store, "digest 2") == Listed(changed=1)

    delivery = only(store)
    assert (delivery.state, delivery.died_in, delivery.failure) == (State.PENDING, None, None)
    assert [event.event for event in store.events(delivery.id)] == ["found", "dead", "changed"]


def test_edit_revives_a_skipped_document(store: Store) -> None:
    list_one(store)
    claim = claim_one(store)
    with store.outcomes() as outcomes:
        outcomes.skipped(claim, "amount is zero")

    assert list_one(store, "digest 2") == Listed(changed=1)
    assert only(store).state is State.PENDING


@pytest.mark.parametrize("last", ["delivered", "completed", "died in delivered"])
def test_edit_after_delivery_is_a_new_revision(store: Store, last: str) -> None:
    list_one(store)
    claim = claim_one(store)
    with store.outcomes() as outcomes:
        outcomes.delivered(claim, make_receipt())
    if last != "delivered":
        claim = claim_one(store, State.DELIVERED)
        with store.outcomes() as outcomes:
            outcomes.completed(claim) if last == "completed" else outcomes.dead(claim, make_failure())

    assert list_one(store, "digest 2") == Listed(changed_after_delivery=1)

    delivery = only(store)
    assert (delivery.state, delivery.revision, delivery.failure) == (State.PENDING, 2, None)
    assert delivery.receipt_id == "a01"


def test_edit_of_a_leased_document_is_left_for_a_later_listing(store: Store, clock: HandClock) -> None:
    list_one(store)
    claim = claim_one(store)

    assert list_one(store, "digest 2") == Listed(busy=1)
    with store.outcomes() as outcomes:
        outcomes.wait(claim, clock.now)
    assert list_one(store, "digest 2") == Listed(changed=1)


def test_edit_after_a_lease_ended_refuses_the_former_owner(store: Store, clock: HandClock) -> None:
    list_one(store)
    claim_one(store)
    clock.advance(LEASE)

    assert list_one(store, "digest 2") == Listed(changed=1)
    claim = claim_one(store)
    assert (claim.epoch, claim.delivery.digest) == (3, "digest 2")


@pytest.mark.parametrize("is_dead", [False, True])
def test_edit_of_a_document_in_doubt_waits_until_the_doubt_is_resolved(store: Store, is_dead: bool) -> None:  # noqa: FBT001 the two cases
    list_one(store)
    claim = claim_one(store)
    with store.outcomes() as outcomes:
        doubted = outcomes.doubt(claim)
    with store.outcomes() as outcomes:
        outcomes.dead(doubted, make_failure()) if is_dead else outcomes.wait(doubted, NOON)
    before = only(store)

    assert list_one(store, "digest 2") == Listed(busy=1)
    assert only(store) == before


def test_rows_and_checkpoint_are_stored_together(store: Store) -> None:
    listed_until = datetime(2026, 3, 2, 11, 59, 59, 999999, tzinfo=UTC)
    checkpoint = Checkpoint(pipeline="invoices", listed_until=listed_until, moved_at=NOON)

    store.record_listing("invoices", [make_found()], checkpoint)

    assert store.checkpoint("invoices") == checkpoint
    assert store.checkpoint_history("invoices", 10) == (checkpoint,)
    assert store.checkpoint("orders") is None


def test_checkpoint_moves_and_keeps_its_history(store: Store) -> None:
    steps = [
        Checkpoint(pipeline="invoices", listed_until=NOON + timedelta(hours=n), moved_at=NOON)
        for n in range(3)
    ]
    for step in steps:
        store.record_listing("invoices", [], step)

    assert store.checkpoint("invoices") == steps[2]
    assert store.checkpoint_history("invoices", 2) == (steps[2], steps[1])


def test_listing_that_fails_in_the_middle_stores_neither_rows_nor_checkpoint(store: Store) -> None:
    found = [make_found(f"document-{number}") for number in range(300)]
    broken = make_found("broken", digest=None)

    with pytest.raises(IntegrityError):
        store.record_listing(
            "invoices", [*found, broken], Checkpoint(pipeline="invoices", listed_until=NOON, moved_at=NOON)
        )

    assert store.counts() == {}
    assert store.checkpoint("invoices") is None
    assert store.checkpoint_history("invoices", 10) == ()


def test_checkpoint_that_fails_takes_the_rows_back(store: Store) -> None:
    naive = Checkpoint(pipeline="invoices", listed_until=datetime(2026, 3, 2), moved_at=NOON)  # noqa: DTZ001 the mistake

    with pytest.raises(Exception, match="naive datetime"):
        store.record_listing("invoices", [make_found()], naive)

    assert store.counts() == {}


@pytest.mark.parametrize(
    ("digits", "stored"),
    [
        ("12345678901234.123456", "12345678901234.123456"),
        ("12.50", "12.50"),
        ("0.00", "0.00"),
        ("-7", "-7"),
        ("1E+5", "100000"),
        ("0.000000000000000001", "0.000000000000000001"),
        ("1E-999999", "1E-999999"),
        ("1E+999999", "1E+999999"),
    ],
)
def test_amount_keeps_every_digit(store: Store, any_database: Database, digits: str, stored: str) -> None:
    list_one(store, headline=Headline(amount=Decimal(digits), currency="EUR", date=date(2026, 2, 28)))

    with any_database.read() as connection:
        assert connection.exec_driver_sql("SELECT amount FROM delivery").scalar_one() == stored
    headline = only(store).headline
    assert headline.amount == Decimal(digits)
    assert (headline.currency, headline.date) == ("EUR", date(2026, 2, 28))


def test_times_come_back_aware_in_utc_whatever_zone_they_came_in(store: Store) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    list_one(store, created_on=datetime(2026, 3, 1, 4, 0, 0, 1, tzinfo=east))

    created_on = only(store).created_on
    assert created_on == datetime(2026, 2, 28, 22, 30, 0, 1, tzinfo=UTC)
    assert created_on is not None
    assert created_on.tzinfo is UTC


@pytest.mark.parametrize("odd", ["a\0b", "a\ud800b"])
def test_text_that_no_database_stores_does_not_stop_a_listing(store: Store, odd: str) -> None:
    list_one(store, headline=Headline(party=odd, number="שלום €"))

    assert only(store).headline == Headline(party="a\N{REPLACEMENT CHARACTER}b", number="שלום €")


def test_any_bytes_are_a_snapshot(store: Store) -> None:
    every_byte = bytes(range(256))
    list_one(store, snapshot=every_byte)

    assert only(store).snapshot == every_byte


def test_second_delivery_of_a_document_is_refused_by_the_database(
    any_database: Database, store: Store
) -> None:
    list_one(store)

    columns = [column for column in delivery_table.c if column.key != "id"]
    copy = insert(delivery_table).from_select(columns, select(*columns))

    with pytest.raises(IntegrityError), any_database.write() as connection:
        connection.execute(copy)
