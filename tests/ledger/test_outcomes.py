"""Every arrow, and every arrow that there is not."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from connector.errors import LeaseLostError, PermanentError
from connector.ledger.database import Database
from connector.ledger.delivery import Claim, Delivery, State
from connector.ledger.outcomes import Outcomes
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=15)
LATER = NOON + timedelta(hours=1)

ACTS: dict[str, Callable[[Outcomes, Claim], object]] = {
    "doubt": Outcomes.doubt,
    "delivered": lambda outcomes, claim: outcomes.delivered(claim, make_receipt()),
    "absent": Outcomes.absent,
    "completed": Outcomes.completed,
    "skipped": lambda outcomes, claim: outcomes.skipped(claim, "amount is zero"),
    "dead": lambda outcomes, claim: outcomes.dead(claim, make_failure()),
    "retry": lambda outcomes, claim: outcomes.retry(claim, make_failure(), LATER),
    "wait": lambda outcomes, claim: outcomes.wait(claim, LATER),
}
ALLOWED = {
    (State.PENDING, "doubt"): State.IN_DOUBT,
    (State.PENDING, "delivered"): State.DELIVERED,
    (State.PENDING, "skipped"): State.SKIPPED,
    (State.PENDING, "dead"): State.DEAD,
    (State.IN_DOUBT, "delivered"): State.DELIVERED,
    (State.IN_DOUBT, "absent"): State.PENDING,
    (State.IN_DOUBT, "dead"): State.DEAD,
    (State.DELIVERED, "completed"): State.COMPLETED,
    (State.DELIVERED, "dead"): State.DEAD,
    (State.PENDING, "retry"): State.PENDING,
    (State.IN_DOUBT, "retry"): State.IN_DOUBT,
    (State.DELIVERED, "retry"): State.DELIVERED,
    (State.PENDING, "wait"): State.PENDING,
    (State.IN_DOUBT, "wait"): State.IN_DOUBT,
    (State.DELIVERED, "wait"): State.DELIVERED,
}
OPEN = (State.PENDING, State.IN_DOUBT, State.DELIVERED)
REFUSED = [(state, name) for state in OPEN for name in ACTS if (state, name) not in ALLOWED]


def claim_one(store: Store, state: State) -> Claim:
    (claim,) = store.claim("invoices", state, limit=10, owner="worker", lease=LEASE)
    return claim


def claim_in(store: Store, state: State, document_id: str = "document") -> Claim:
    """Bring a new document into `state` and claim it there."""
    store.record_listing("invoices", [make_found(document_id)], None)
    claim = claim_one(store, State.PENDING)
    if state is State.IN_DOUBT:
        with store.outcomes() as outcomes:
            return outcomes.doubt(claim)
    if state is State.DELIVERED:
        with store.outcomes() as outcomes:
            outcomes.delivered(claim, make_receipt())
        return claim_one(store, State.DELIVERED)
    return claim


def now_of(store: Store, claim: Claim) -> Delivery:
    delivery = store.get(claim.delivery.id)
    assert delivery is not None
    return delivery


@pytest.mark.parametrize(("state", "name"), ALLOWED)
def test_arrow_leads_where_it_says_and_tells_the_story(store: Store, state: State, name: str) -> None:
    claim = claim_in(store, state)

    with store.outcomes() as outcomes:
        ACTS[name](outcomes, claim)

    assert now_of(store, claim).state is ALLOWED[state, name]
    told = store.events(claim.delivery.id)[-1]
    assert (told.event, told.from_state, told.to_state) == (name, state, ALLOWED[state, name])
    assert (told.at, told.attempt, told.actor) == (NOON, 1, "worker")


@pytest.mark.parametrize(("state", "name"), REFUSED)
def test_arrow_that_there_is_not_is_refused_and_changes_nothing(
    store: Store, state: State, name: str
) -> None:
    claim = claim_in(store, state)
    before = (now_of(store, claim), store.events(claim.delivery.id))

    with pytest.raises(ValueError, match="there is no arrow from"), store.outcomes() as outcomes:
        ACTS[name](outcomes, claim)

    assert (now_of(store, claim), store.events(claim.delivery.id)) == before


@pytest.mark.parametrize(("state", "name"), ALLOWED)
def test_outcome_of_a_lost_lease_changes_nothing(
    store: Store, clock: HandClock, state: State, name: str
) -> None:
    lost = claim_in(store, state)
    clock.advance(LEASE)
    claim_one(store, state)
    before = (now_of(store, lost), store.events(lost.delivery.id))

    with pytest.raises(LeaseLostError, match="no longer holds it"), store.outcomes() as outcomes:
        ACTS[name](outcomes, lost)

    assert (now_of(store, lost), store.events(lost.delivery.id)) == before


@pytest.mark.parametrize("stranger", [{"owner": "another"}, {"epoch": 2}, {"epoch": 0}])
def test_outcome_needs_owner_and_epoch_of_the_lease(store: Store, stranger: dict[str, Any]) -> None:
    claim = claim_in(store, State.PENDING)
    forged = structs.replace(claim, **stranger)

    with pytest.raises(LeaseLostError), store.outcomes() as outcomes:
        outcomes.delivered(forged, make_receipt())

    assert now_of(store, claim).state is State.PENDING


@pytest.mark.parametrize("name", ["delivered", "skipped", "dead", "retry", "wait"])
def test_outcome_is_recorded_once(store: Store, name: str) -> None:
    claim = claim_in(store, State.PENDING)
    with store.outcomes() as outcomes:
        ACTS[name](outcomes, claim)

    with pytest.raises(LeaseLostError), store.outcomes() as outcomes:
        ACTS[name](outcomes, claim)


def test_doubt_keeps_the_lease_and_its_claim_goes_on(store: Store) -> None:
    claim = claim_in(store, State.PENDING)

    with store.outcomes() as outcomes:
        doubted = outcomes.doubt(claim)

    assert doubted.delivery.state is State.IN_DOUBT
    assert (doubted.owner, doubted.epoch, doubted.until) == (claim.owner, claim.epoch, claim.until)
    assert store.claim("invoices", State.IN_DOUBT, limit=1, owner="another", lease=LEASE) == ()
    with store.outcomes() as outcomes:
        outcomes.delivered(doubted, make_receipt())
    assert now_of(store, claim).state is State.DELIVERED


def test_crash_after_doubt_leaves_it_in_doubt_for_the_next_worker(store: Store, clock: HandClock) -> None:
    claim = claim_in(store, State.IN_DOUBT)
    clock.advance(LEASE)

    assert store.claim("invoices", State.PENDING, limit=1, owner="next", lease=LEASE) == ()
    assert claim_one(store, State.IN_DOUBT).epoch == claim.epoch + 1


def test_delivered_keeps_the_receipt_and_is_due_for_write_back(store: Store) -> None:
    claim = claim_in(store, State.PENDING)
    with store.outcomes() as outcomes:
        outcomes.delivered(claim, make_receipt(id="a01", url=None))

    delivery = now_of(store, claim)
    assert (delivery.receipt_id, delivery.receipt_url, delivery.due_at) == ("a01", None, NOON)
    assert delivery.written_back_at is None


def test_completed_is_final_and_says_when(store: Store, clock: HandClock) -> None:
    claim = claim_in(store, State.DELIVERED)
    clock.advance(timedelta(seconds=5))
    with store.outcomes() as outcomes:
        outcomes.completed(claim)

    delivery = now_of(store, claim)
    assert delivery.written_back_at == delivery.changed_at == clock.now
    assert delivery.due_at is None
    assert delivery.receipt_id == "a01"
    assert store.next_due(["invoices"]) is None


@pytest.mark.parametrize("state", OPEN)
def test_dead_remembers_where_and_why(store: Store, state: State) -> None:
    claim = claim_in(store, state)
    with store.outcomes() as outcomes:
        outcomes.dead(claim, make_failure())

    delivery = now_of(store, claim)
    assert (delivery.died_in, delivery.failure, delivery.due_at) == (state, make_failure(), None)
    assert store.events(delivery.id)[-1].detail == "RejectedError [PERIOD]: the period is closed"


def test_retries_count_and_success_starts_anew(store: Store, clock: HandClock) -> None:
    claim = claim_in(store, State.PENDING)
    for attempt in (1, 2):
        with store.outcomes() as outcomes:
            outcomes.retry(claim, make_failure(), clock.now)
        assert (now_of(store, claim).attempts, now_of(store, claim).failure) == (attempt, make_failure())
        claim = claim_one(store, State.PENDING)

    with store.outcomes() as outcomes:
        outcomes.delivered(claim, make_receipt())

    assert (now_of(store, claim).attempts, now_of(store, claim).failure) == (0, None)
    assert [event.attempt for event in store.events(claim.delivery.id)] == [0, 1, 2, 3]


def test_waiting_does_not_count(store: Store) -> None:
    claim = claim_in(store, State.PENDING)
    throttled = make_failure(error_class="ThrottledError")
    with store.outcomes() as outcomes:
        outcomes.wait(claim, LATER, throttled)

    delivery = now_of(store, claim)
    assert (delivery.attempts, delivery.due_at, delivery.failure) == (0, LATER, throttled)


def test_waiting_for_the_same_reason_is_told_once(store: Store) -> None:
    refused = make_failure(error_class="AccessRefusedError")
    claim = claim_in(store, State.PENDING)
    for _ in range(3):
        with store.outcomes() as outcomes:
            outcomes.wait(claim, NOON, refused)
        claim = claim_one(store, State.PENDING)

    assert [event.event for event in store.events(claim.delivery.id)] == ["found", "wait"]


def test_waiting_without_a_reason_keeps_the_last_failure(store: Store) -> None:
    claim = claim_in(store, State.PENDING)
    with store.outcomes() as outcomes:
        outcomes.retry(claim, make_failure(), NOON)
    claim = claim_one(store, State.PENDING)
    with store.outcomes() as outcomes:
        outcomes.wait(claim, LATER)

    assert now_of(store, claim).failure == make_failure()


def test_target_that_never_answers_comes_to_an_end(store: Store, clock: HandClock) -> None:
    claim = claim_in(store, State.PENDING)
    for attempt in (1, 2, 3):
        with store.outcomes() as outcomes:
            doubted = outcomes.doubt(claim)
        with store.outcomes() as outcomes:
            outcomes.retry(doubted, make_failure(error_class="OutcomeUnknownError"), clock.now)
        in_doubt = claim_one(store, State.IN_DOUBT)
        with store.outcomes() as outcomes:
            outcomes.absent(in_doubt)
        claim = claim_one(store, State.PENDING)
        assert claim.delivery.attempts == attempt


def test_request_that_came_to_nothing_is_pending_again_and_what_follows_is_recorded(store: Store) -> None:
    doubted = claim_in(store, State.IN_DOUBT)
    with store.outcomes() as outcomes:
        outcomes.dead(outcomes.undoubt(doubted), make_failure())

    delivery = now_of(store, doubted)
    assert (delivery.state, delivery.died_in, delivery.attempts) == (State.DEAD, State.PENDING, 1)
    assert delivery.doubted_at is None


def test_lost_lease_caught_in_the_block_leaves_the_others_recorded(store: Store) -> None:
    store.record_listing("invoices", [make_found(name) for name in "abc"], None)
    first, second, third = store.claim("invoices", State.PENDING, limit=3, owner="worker", lease=LEASE)

    with store.outcomes() as outcomes:
        outcomes.delivered(first, make_receipt())
        with pytest.raises(LeaseLostError):
            outcomes.delivered(structs.replace(second, epoch=9), make_receipt())
        outcomes.delivered(third, make_receipt())

    assert store.counts() == {"invoices": {State.DELIVERED: 2, State.PENDING: 1}}


def test_lost_lease_that_leaves_the_block_keeps_what_came_before(store: Store) -> None:
    store.record_listing("invoices", [make_found(name) for name in "ab"], None)
    first, second = store.claim("invoices", State.PENDING, limit=2, owner="worker", lease=LEASE)

    def record() -> None:
        with store.outcomes() as outcomes:
            outcomes.delivered(first, make_receipt())
            outcomes.delivered(structs.replace(second, epoch=9), make_receipt())

    with pytest.raises(LeaseLostError):
        record()

    assert now_of(store, first).state is State.DELIVERED
    assert store.events(first.delivery.id)[-1].event == "delivered"


def test_any_other_error_takes_the_whole_block_back(store: Store) -> None:
    claim = claim_in(store, State.PENDING)

    def record() -> None:
        with store.outcomes() as outcomes:
            outcomes.delivered(claim, make_receipt())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        record()

    assert now_of(store, claim).state is State.PENDING
    assert [event.event for event in store.events(claim.delivery.id)] == ["found"]


@pytest.mark.parametrize("state", OPEN)
def test_replay_returns_to_the_state_it_died_in(store: Store, clock: HandClock, state: State) -> None:
    claim = claim_in(store, state)
    with store.outcomes() as outcomes:
        outcomes.dead(claim, make_failure())
    clock.advance(timedelta(days=2))

    replayed = store.replay(claim.delivery.id, "ada", "the period is open again")

    assert replayed == now_of(store, claim)
    assert (replayed.state, replayed.died_in) == (state, None)
    assert (replayed.attempts, replayed.due_at) == (0, clock.now)
    told = store.events(claim.delivery.id)[-1]
    assert (told.event, told.from_state, told.to_state) == ("replay", State.DEAD, state)
    assert (told.actor, told.detail) == ("ada", "the period is open again")
    assert claim_one(store, state).epoch == claim.epoch + 1


@pytest.mark.parametrize("state", OPEN)
def test_replay_of_an_open_delivery_is_refused(store: Store, state: State) -> None:
    claim = claim_in(store, state)

    with pytest.raises(PermanentError, match=f"delivery {claim.delivery.id} is {state.value}: only dead"):
        store.replay(claim.delivery.id, "ada", "impatient")


@pytest.mark.parametrize("name", ["completed", "skipped"])
def test_replay_of_a_final_delivery_is_refused(store: Store, name: str) -> None:
    claim = claim_in(store, State.DELIVERED if name == "completed" else State.PENDING)
    with store.outcomes() as outcomes:
        ACTS[name](outcomes, claim)

    with pytest.raises(PermanentError, match=f"is {name}: only dead deliveries"):
        store.replay(claim.delivery.id, "ada", "again")
    assert now_of(store, claim).state == name


def test_replay_of_an_unknown_delivery_is_refused(store: Store) -> None:
    with pytest.raises(PermanentError, match="there is no delivery 404"):
        store.replay(404, "ada", "typed wrongly")


def test_outcome_of_a_claim_from_before_a_replay_is_refused(store: Store) -> None:
    claim = claim_in(store, State.PENDING)
    with store.outcomes() as outcomes:
        outcomes.dead(claim, make_failure())
    store.replay(claim.delivery.id, "ada", "again")

    with pytest.raises(LeaseLostError), store.outcomes() as outcomes:
        outcomes.delivered(claim, make_receipt())


def test_transaction_inside_another_is_refused_instead_of_waiting_for_itself(
    database: Database, clock: HandClock
) -> None:
    store = Store(database, clock=clock)

    with pytest.raises(RuntimeError, match="inside another"), store.outcomes():
        store.record_listing("invoices", [make_found()], None)
