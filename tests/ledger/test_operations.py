"""Acts of people: only on what they apply to, each with a row of its own. And runs of dead letters."""

from datetime import timedelta

import pytest

from connector.errors import PermanentError
from connector.ledger.delivery import Claim, Errand, State
from connector.ledger.operations import By, Replay
from connector.ledger.selection import Selection, total
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=15)
ADA = By(actor="ada", reason="looked into it", chosen="ids=1")


def claim_all(store: Store, state: State = State.PENDING) -> tuple[Claim, ...]:
    return store.claim("invoices", state, limit=100, owner="worker", lease=LEASE)


def fill(store: Store, count: int) -> tuple[Claim, ...]:
    store.record_listing("invoices", [make_found(f"d{number:03}") for number in range(count)], None)
    return claim_all(store)


def die(
    store: Store, claims: tuple[Claim, ...], error_class: str = "RejectedError", halt_after: int = 3
) -> None:
    with store.outcomes() as outcomes:
        for claim in claims:
            outcomes.dead(claim, make_failure(error_class=error_class), halt_after=halt_after)


def state_of(store: Store, claim: Claim) -> State:
    delivery = store.get(claim.delivery.id)
    assert delivery is not None
    return delivery.state


def test_a_run_of_one_class_halts_the_pipeline_and_nothing_of_it_is_claimed(store: Store) -> None:
    claims = fill(store, 5)

    die(store, claims[:3])
    with store.outcomes() as outcomes:
        for claim in claims[3:]:
            outcomes.wait(claim, NOON)

    [halt] = store.halts()
    assert (halt.pipeline, halt.errand, halt.error_class, halt.length) == (
        "invoices",
        Errand.DELIVERY,
        "RejectedError",
        3,
    )
    assert claim_all(store) == ()
    assert not any(store.due("invoices", most=1).values())


def test_a_run_is_counted_over_the_batches_of_all_replicas(store: Store) -> None:
    claims = fill(store, 3)

    for claim in claims:
        assert store.halts() == ()
        die(store, (claim,))

    assert len(store.halts()) == 1


@pytest.mark.parametrize("halt_after", [0, 4])
def test_fewer_than_asked_and_never_do_not_halt(store: Store, halt_after: int) -> None:
    die(store, fill(store, 3), halt_after=halt_after)

    assert store.halts() == ()


def test_another_class_begins_another_run(store: Store) -> None:
    claims = fill(store, 4)

    die(store, claims[:2], "MappingError")
    die(store, claims[2:], "RejectedError")

    assert store.halts() == ()


def test_a_success_in_between_ends_the_run(store: Store) -> None:
    claims = fill(store, 5)

    die(store, claims[:2])
    with store.outcomes() as outcomes:
        outcomes.delivered(claims[2], make_receipt())
    die(store, claims[3:])

    assert store.halts() == ()


def test_a_success_that_was_under_way_lifts_no_halt(store: Store) -> None:
    claims = fill(store, 4)
    die(store, claims[:3])

    with store.outcomes() as outcomes:
        outcomes.delivered(claims[3], make_receipt())

    assert len(store.halts()) == 1


def test_resume_lifts_the_halt_counts_anew_and_is_on_record(store: Store) -> None:
    claims = fill(store, 5)
    die(store, claims[:3])

    lifted = store.operations.resume("invoices", ADA)
    die(store, claims[3:])

    assert len(lifted) == 1
    assert store.halts() == ()
    [act] = store.operations.acts(10)
    assert (act.act, act.actor, act.count, act.reason) == ("resume", "ada", 1, "looked into it")


def test_another_pipeline_is_not_halted(store: Store) -> None:
    die(store, fill(store, 3))
    store.record_listing("receipts", [make_found()], None)

    assert len(store.claim("receipts", State.PENDING, limit=1, owner="worker", lease=LEASE)) == 1


def test_dismissed_stays_dismissed_when_its_document_changes(store: Store) -> None:
    [claim] = fill(store, 1)
    die(store, (claim,))

    done = store.operations.dismiss([claim.delivery.id], ADA)
    store.record_listing("invoices", [make_found("d000", digest="edited")], None)

    assert done == (claim.delivery.id,)
    assert state_of(store, claim) is State.DISMISSED


@pytest.mark.parametrize("died_in", [State.PENDING, State.IN_DOUBT])
def test_replay_takes_a_dismissal_back_to_what_was_known(store: Store, died_in: State) -> None:
    [claim] = fill(store, 1)
    if died_in is State.IN_DOUBT:
        with store.outcomes() as outcomes:
            claim = outcomes.doubt(claim)
    die(store, (claim,))
    store.operations.dismiss([claim.delivery.id], ADA)

    store.operations.replay([claim.delivery.id], ADA, Replay())

    assert state_of(store, claim) is died_in


def test_a_doubt_somebody_is_busy_with_is_not_dismissed(store: Store, clock: HandClock) -> None:
    [claim] = fill(store, 1)
    with store.outcomes() as outcomes:
        outcomes.doubt(claim)

    assert store.operations.dismiss([claim.delivery.id], ADA) == ()
    assert store.operations.acts(10) == ()
    clock.advance(LEASE)
    assert store.operations.dismiss([claim.delivery.id], ADA) == (claim.delivery.id,)


def test_link_makes_it_delivered_and_due_for_write_back(store: Store) -> None:
    [claim] = fill(store, 1)
    die(store, (claim,))

    assert store.operations.link(claim.delivery.id, make_receipt(id="a77"), ADA)

    [linked] = claim_all(store, State.DELIVERED)
    assert (linked.delivery.receipt_id, linked.delivery.failure, linked.delivery.attempts) == ("a77", None, 0)
    told = store.events(claim.delivery.id)[-1]
    assert (told.event, told.actor, told.detail) == ("link", "ada", "looked into it")


def test_replay_as_absent_ends_a_doubt(store: Store, clock: HandClock) -> None:
    [claim] = fill(store, 1)
    with store.outcomes() as outcomes:
        outcomes.doubt(claim)
    clock.advance(LEASE)

    assert store.operations.replay([claim.delivery.id], ADA, Replay()) == ()
    assert store.operations.replay([claim.delivery.id], ADA, Replay(is_absent=True)) == (claim.delivery.id,)
    assert state_of(store, claim) is State.PENDING


def test_replay_of_a_fetched_document_is_a_new_revision_and_forgets_the_record(store: Store) -> None:
    [claim] = fill(store, 1)
    die(store, (claim,))

    found = make_found("d000", digest="edited", snapshot=b'{"id": "new"}')
    store.operations.replay([claim.delivery.id], ADA, Replay(fetched={claim.delivery.id: found}))

    delivery = store.get(claim.delivery.id)
    assert delivery is not None
    assert (delivery.revision, delivery.digest, delivery.snapshot) == (2, "edited", b'{"id": "new"}')
    assert delivery.record is None


def test_replay_of_a_completed_delivery_names_what_the_target_has(store: Store) -> None:
    [claim] = fill(store, 1)
    with store.outcomes() as outcomes:
        outcomes.delivered(claim, make_receipt(id="a01"))
    [claim] = claim_all(store, State.DELIVERED)
    with store.outcomes() as outcomes:
        outcomes.completed(claim)

    with pytest.raises(PermanentError, match="the target has it as a01"):
        store.replay(claim.delivery.id, "ada", "again")


def test_bulk_acts_count_what_they_did(store: Store) -> None:
    claims = fill(store, 3)
    die(store, claims[:2], halt_after=0)

    done = store.operations.dismiss([claim.delivery.id for claim in claims], ADA)

    assert len(done) == 2
    assert store.operations.acts(1)[0].count == 2


def test_selection_takes_what_fits_every_part(store: Store) -> None:
    claims = fill(store, 3)
    die(store, claims[:1], "MappingError")
    die(store, claims[1:2], "RejectedError")

    chosen = store.operations.select(Selection(states=(State.DEAD,), failure_class="MappingError"))

    assert [each.id for each in chosen] == [claims[0].delivery.id]
    assert store.operations.select(Selection(since=NOON + timedelta(seconds=1))) == ()
    assert total(chosen).count == 1


def test_a_vanished_workers_doubt_is_as_old_as_its_lease(store: Store, clock: HandClock) -> None:
    [claim] = fill(store, 1)
    with store.outcomes() as outcomes:
        outcomes.doubt(claim)
    clock.advance(LEASE + timedelta(seconds=5))

    [taken] = claim_all(store, State.IN_DOUBT)

    assert taken.is_takeover
    assert taken.delivery.doubted_at == NOON + LEASE
    stored = store.get(claim.delivery.id)
    assert stored is not None
    assert stored.doubted_at == NOON + LEASE
