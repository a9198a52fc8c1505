"""Who may send how much: never more than Docflo allows, and write-backs never starve."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.docflo.budget import (
    HOUR,
    RESERVES,
    Lane,
    Plan,
    Reading,
    Window,
    available,
    closed,
    corrected,
    current,
    grant,
    settled,
)
from connector.docflo.ratelimit import LONGEST_PAUSE, RateLimit
from connector.docflo.shared_budget import SharedBudget
from connector.errors import ThrottledError, UnavailableError
from tests.factories import NOON, HandClock

RESET = NOON + timedelta(minutes=40)
PLAN = Plan()


class MemoryWindow:
    """One stored window, as the ledger keeps it."""

    def __init__(self, window: Window | None = None) -> None:
        self.window = window or Window()
        self.writes = 0
        self.is_away = False

    def read(self) -> Window:
        return self.window

    def change(self, step: Callable[[Window], Window]) -> Window:
        if self.is_away:
            raise UnavailableError("the ledger is away")
        self.writes += 1
        self.window = step(self.window)
        return self.window


def said(
    remaining: int | None = None, limit: int | None = 1000, reset_at: datetime | None = RESET
) -> RateLimit:
    return RateLimit(limit=limit, remaining=remaining, reset_at=reset_at)


def read_at(remaining: int, *, at: datetime = NOON, reset_at: datetime | None = RESET) -> Reading:
    return Reading(said=said(remaining, reset_at=reset_at), at=at)


def spend(budget: SharedBudget, lane: Lane, most: int) -> int:
    """Take until refused, at most `most` times; give how often it was granted."""
    for taken in range(most):
        try:
            budget.take(lane)
        except ThrottledError:
            return taken
        budget.answered(None)
    return most


def test_without_any_limit_everything_may_be_sent() -> None:
    budget = SharedBudget(MemoryWindow(), plan=PLAN, clock=HandClock())

    assert spend(budget, Lane.BACKFILL, 5000) == 5000


def test_what_nobody_limits_costs_about_a_write_a_second() -> None:
    store, clock = MemoryWindow(), HandClock()
    budget = SharedBudget(store, plan=PLAN, clock=clock)
    spend(budget, Lane.TAIL, 500)
    before = store.writes

    for _ in range(10):
        spend(budget, Lane.TAIL, 200)
        clock.advance(timedelta(seconds=1))

    assert before <= 10
    assert store.writes - before <= 20


def test_a_lane_that_nobody_limits_and_that_sends_little_keeps_little() -> None:
    store, clock = MemoryWindow(), HandClock()
    budget = SharedBudget(store, plan=PLAN, clock=clock)

    for _ in range(20):
        spend(budget, Lane.SWEEP, 1)
        clock.advance(timedelta(minutes=1))

    assert store.window.granted == 20


def test_a_configured_limit_counts_until_an_answer_tells_another() -> None:
    clock = HandClock()
    budget = SharedBudget(MemoryWindow(), plan=Plan(requests_per_hour=30), clock=clock)

    assert spend(budget, Lane.WRITE_BACK, 100) == 30
    clock.advance(HOUR)
    budget.take(Lane.WRITE_BACK)
    budget.answered(said(49, limit=50, reset_at=clock.now + HOUR))
    assert spend(budget, Lane.WRITE_BACK, 100) == 49


@pytest.mark.parametrize(
    ("lane", "share"),
    [(Lane.WRITE_BACK, 1000), (Lane.BY_HAND, 950), (Lane.TAIL, 900), (Lane.SWEEP, 800), (Lane.BACKFILL, 700)],
)
def test_each_lane_leaves_its_reserve_to_those_above(lane: Lane, share: int) -> None:
    assert available(Window(allowed=1000), lane, PLAN) == share


def test_a_share_leaves_the_rest_to_others_and_their_use_does_not_eat_it() -> None:
    half = Plan(share=50)

    assert available(Window(allowed=1000), Lane.WRITE_BACK, half) == 500
    assert available(Window(allowed=1000, used=400), Lane.WRITE_BACK, half) == 500
    assert available(Window(allowed=1000, used=900, granted=100), Lane.WRITE_BACK, half) == 100


def test_the_refusal_names_the_reset_and_the_next_window_is_whole() -> None:
    clock = HandClock()
    store = MemoryWindow(Window(allowed=10, reset_at=RESET, began_at=NOON))
    budget = SharedBudget(store, plan=PLAN, clock=clock)
    assert spend(budget, Lane.WRITE_BACK, 100) == 10

    with pytest.raises(ThrottledError) as refused:
        budget.take(Lane.WRITE_BACK)

    assert refused.value.until == RESET
    clock.now = RESET
    assert spend(budget, Lane.WRITE_BACK, 100) == 10


def test_requests_of_others_count() -> None:
    window = corrected(Window(allowed=1000, began_at=NOON), read_at(300), NOON)

    assert available(window, Lane.WRITE_BACK, PLAN) == 300


def test_what_docflo_has_not_seen_yet_comes_on_top_of_what_it_counted() -> None:
    window, granted = grant(Window(allowed=1000), Lane.TAIL, PLAN, 10, NOON)

    told = corrected(settled(window, 0, answered=1, unspent=0), read_at(500), NOON)

    assert granted == 10
    assert told.used == 500 + 9


def test_answers_may_be_read_in_any_order() -> None:
    window = Window(allowed=1000, began_at=NOON)
    later, earlier = read_at(900), read_at(950)

    assert corrected(corrected(window, later, NOON), earlier, NOON).used == 100


def test_an_answer_about_an_earlier_window_is_not_believed() -> None:
    window = current(Window(allowed=1000, used=990, began_at=NOON, reset_at=RESET), RESET)
    begun, _ = grant(window, Lane.TAIL, PLAN, 10, RESET)

    assert corrected(begun, read_at(10, at=NOON + timedelta(minutes=39)), RESET) == begun


def test_a_window_that_began_anew_early_is_believed() -> None:
    window = Window(allowed=1000, used=990, granted=990, began_at=NOON, reset_at=RESET)

    told = corrected(window, read_at(999, reset_at=RESET + HOUR), NOON)

    assert (told.used, told.reset_at) == (1, RESET + HOUR)


def test_a_reset_in_the_past_leaves_the_count() -> None:
    told = corrected(Window(began_at=NOON), read_at(0, reset_at=NOON - timedelta(minutes=10)), NOON)

    assert available(told, Lane.WRITE_BACK, PLAN) == 0
    assert told.ends_at == NOON + HOUR


def test_what_is_reported_after_its_window_ended_spends_nothing_of_the_next() -> None:
    clock, store = HandClock(), MemoryWindow()
    budget = SharedBudget(store, plan=PLAN, clock=clock)
    for remaining in (500, 10):  # the second is kept for the next report, which comes in the next window
        budget.take(Lane.TAIL)
        budget.answered(said(remaining))
    clock.now = RESET + timedelta(seconds=1)

    budget.take(Lane.TAIL)

    assert (store.window.used, store.window.ends_at) == (10, clock.now + HOUR)


def test_an_answer_that_crosses_the_border_spends_nothing_of_the_next_window() -> None:
    now = RESET + timedelta(seconds=1)
    window = Window(number=1, allowed=1000, used=10, granted=10, unanswered=10, began_at=RESET)

    assert corrected(window, read_at(0, at=now), now) == window


def test_a_window_that_began_just_before_docflo_began_anew_ends_with_docflos() -> None:
    began, now = RESET - timedelta(seconds=1), RESET + timedelta(seconds=1)
    window = Window(number=1, allowed=10, used=10, granted=10, unanswered=0, began_at=began)

    told = corrected(window, read_at(0, at=began), now)

    assert told == Window(number=2, allowed=1000)


def test_an_absurd_reset_closes_nothing_for_ever() -> None:
    told = corrected(Window(began_at=NOON), read_at(0, reset_at=NOON + timedelta(days=400)), NOON)

    assert told.ends_at == NOON + LONGEST_PAUSE


def test_a_limit_of_zero_is_no_limit() -> None:
    told = corrected(Window(), Reading(said=said(None, limit=0), at=NOON), NOON)

    assert available(told, Lane.BACKFILL, PLAN) is None


def test_after_one_refusal_nobody_sends_before_the_time_it_named() -> None:
    clock = HandClock()
    store = MemoryWindow(Window(allowed=1000))
    refused, other = (SharedBudget(store, plan=PLAN, clock=clock) for _ in range(2))
    spend(other, Lane.TAIL, 3)  # has some of its block left

    refused.take(Lane.WRITE_BACK)
    refused.answered(None)
    refused.refused(NOON + timedelta(minutes=5))

    for lane in Lane:
        with pytest.raises(ThrottledError) as error:
            other.take(lane)
        assert error.value.until == NOON + timedelta(minutes=5)
    clock.advance(timedelta(minutes=5))
    other.take(Lane.TAIL)


def test_a_refusal_is_heeded_and_told_later_when_the_ledger_is_away() -> None:
    clock = HandClock()
    store = MemoryWindow(Window(allowed=1000))
    budget = SharedBudget(store, plan=PLAN, clock=clock)
    budget.take(Lane.TAIL)
    store.is_away = True

    budget.answered(said(0))
    budget.refused(NOON + timedelta(minutes=5))

    with pytest.raises(ThrottledError):
        budget.take(Lane.TAIL)
    store.is_away = False
    budget.release()
    assert store.window.closed_until == NOON + timedelta(minutes=5)
    assert store.window.used >= 1000


def test_a_shorter_refusal_does_not_open_what_a_longer_one_closed() -> None:
    window = closed(closed(Window(), RESET), NOON)

    assert window.closed_until == RESET


def test_what_was_reserved_and_not_sent_is_given_back() -> None:
    store = MemoryWindow(Window(allowed=1000))
    budget = SharedBudget(store, plan=PLAN, clock=HandClock())
    spend(budget, Lane.TAIL, 3)
    assert store.window.used == 10

    budget.release()

    assert (store.window.used, store.window.granted, store.window.unanswered) == (3, 3, 0)


def test_a_block_of_an_earlier_window_is_neither_spent_nor_given_back() -> None:
    clock = HandClock()
    store = MemoryWindow(Window(allowed=1000, began_at=NOON))
    budget = SharedBudget(store, plan=PLAN, clock=clock)
    spend(budget, Lane.TAIL, 1)

    clock.advance(HOUR)
    budget.take(Lane.WRITE_BACK)
    budget.release()

    assert (store.window.number, store.window.used) == (1, 1)


@given(
    limit=st.integers(1, 3000),
    share=st.integers(1, 100),
    asked=st.lists(st.tuples(st.sampled_from(Lane), st.integers(1, 400)), max_size=40),
)
def test_a_window_never_grants_more_than_its_limit_and_keeps_the_reserve_of_each_lane(
    limit: int, share: int, asked: list[tuple[Lane, int]]
) -> None:
    plan = Plan(requests_per_hour=limit, share=share)
    window, granted = Window(), dict.fromkeys(Lane, 0)
    ours = limit * share // 100
    for lane, wanted in asked:
        window, given_ = grant(window, lane, plan, wanted, NOON)
        granted[lane] += given_
    _, rest = grant(window, Lane.WRITE_BACK, plan, limit, NOON)

    assert sum(granted.values()) <= ours
    # Whatever the lower lanes did, what is reserved for write-backs is still there for them.
    reserve = -(-ours * RESERVES[Lane.BY_HAND] // 100)
    assert granted[Lane.WRITE_BACK] + rest >= reserve
    assert sum(granted.values()) + rest == ours


class Docflo:
    """Counts what reaches it in fixed windows, and refuses what is too much."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self.reset_at = NOON + HOUR
        self.refusals = 0

    def answer(self, now: datetime) -> RateLimit:
        if now >= self.reset_at:
            self.used, self.reset_at = 0, now + HOUR
        self.used += 1
        self.refusals += self.used > self.limit
        return said(max(0, self.limit - self.used), limit=self.limit, reset_at=self.reset_at)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),  # the replica
        st.sampled_from(Lane),
        st.integers(1, 60),  # requests
        st.sampled_from([timedelta(0), timedelta(minutes=1), timedelta(minutes=20)]),
        st.sampled_from(["", "crash", "release"]),
    ),
    max_size=60,
)


@given(limit=st.sampled_from([1, 7, 40, 1000]), steps=STEPS)
def test_replicas_that_crash_and_return_are_never_refused_by_docflo(
    limit: int, steps: list[tuple[int, Lane, int, timedelta, str]]
) -> None:
    clock, store, docflo = HandClock(), MemoryWindow(), Docflo(limit)
    replicas = [SharedBudget(store, plan=PLAN, clock=clock) for _ in range(3)]
    times_to_come_back: list[timedelta] = []
    for number, lane, requests, pause, end in steps:
        for _ in range(requests):
            try:
                replicas[number].take(lane)
            except ThrottledError as error:
                times_to_come_back.append(error.until - clock.now)
                break
            replicas[number].answered(docflo.answer(clock.now))
        if end == "release":
            replicas[number].release()
        if end == "crash":
            replicas[number] = SharedBudget(store, plan=PLAN, clock=clock)
        clock.advance(pause)

    assert docflo.refusals == 0
    assert all(timedelta() < wait <= HOUR for wait in times_to_come_back)
