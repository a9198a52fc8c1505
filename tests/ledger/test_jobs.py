"""Jobs that targets do by themselves, and claims that are held while they last."""

from datetime import timedelta

import pytest

from connector.errors import LeaseLostError
from connector.ledger.delivery import State
from connector.ledger.jobs import OpenJob
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_found, make_receipt

LEASE = timedelta(minutes=15)


def job(job_id: str, target: str = "crm", minute: int = 0) -> OpenJob:
    return OpenJob(
        target=target,
        job_id=job_id,
        opened_at=NOON + timedelta(minutes=minute),
        record_keys=frozenset({f"t:p:{job_id}", "מס-17"}),
    )


def test_an_open_job_is_known_to_its_target_until_it_has_ended(store: Store) -> None:
    store.jobs.opened(job("b", minute=1))
    store.jobs.opened(job("a", minute=2))
    store.jobs.opened(job("b", target="other"))

    assert store.jobs.of("crm") == (job("b", minute=1), job("a", minute=2))
    store.jobs.ended("crm", "b")
    assert [each.job_id for each in store.jobs.of("crm")] == ["a"]
    assert [each.job_id for each in store.jobs.of("other")] == ["b"]


def test_a_claim_that_is_held_on_to_outlives_its_lease(store: Store, clock: HandClock) -> None:
    store.record_listing("invoices", [make_found(f"d{at}") for at in range(3)], None)
    claims = store.claim("invoices", State.PENDING, limit=10, owner="loader", lease=LEASE)

    clock.advance(LEASE - timedelta(minutes=1))
    assert store.hold_on(claims, LEASE) == 3
    clock.advance(timedelta(minutes=2))

    assert store.claim("invoices", State.PENDING, limit=10, owner="thief", lease=LEASE) == ()
    with store.outcomes() as outcomes:
        outcomes.delivered(claims[0], make_receipt())


def test_what_was_taken_over_is_left_to_whoever_took_it(store: Store, clock: HandClock) -> None:
    store.record_listing("invoices", [make_found()], None)
    [ours] = store.claim("invoices", State.PENDING, limit=10, owner="loader", lease=LEASE)
    clock.advance(LEASE)
    [theirs] = store.claim("invoices", State.PENDING, limit=10, owner="other", lease=LEASE)

    assert store.hold_on([ours], timedelta(days=1)) == 0
    with pytest.raises(LeaseLostError), store.outcomes() as outcomes:
        outcomes.delivered(ours, make_receipt())
    clock.advance(LEASE)
    assert len(store.claim("invoices", State.PENDING, limit=10, owner="third", lease=LEASE)) == 1
    assert theirs.owner == "other"


def test_what_is_due_is_counted_up_to_what_matters(store: Store, clock: HandClock) -> None:
    store.record_listing("invoices", [make_found(f"d{at}") for at in range(5)], None)
    store.record_listing("orders", [make_found("d9")], None)

    assert store.due("invoices", most=3)[State.PENDING] == 3
    assert store.due("invoices", most=10)[State.PENDING] == 5
    store.claim("invoices", State.PENDING, limit=2, owner="worker", lease=LEASE)
    assert store.due("invoices", most=10)[State.PENDING] == 3
    clock.advance(LEASE)
    assert store.due("invoices", most=10)[State.PENDING] == 5


def test_a_lease_is_held_until_it_ends_or_is_given_back(store: Store, clock: HandClock) -> None:
    assert not store.is_held("load crm")
    held = store.hold("load crm", owner="one", length=LEASE)
    assert held is not None
    assert store.is_held("load crm")
    store.release(held)
    assert not store.is_held("load crm")
    store.hold("load crm", owner="two", length=LEASE)
    clock.advance(LEASE)
    assert not store.is_held("load crm")
