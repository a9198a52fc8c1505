"""When a side is left alone, for how long, and what ends it."""

from datetime import datetime, timedelta

import pytest

from connector.errors import (
    AccessRefusedError,
    BusyError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    RemoteAnswer,
    ThrottledError,
    UnavailableError,
)
from connector.ledger.breaker import Breaker, BreakerStore
from connector.ledger.database import Database
from connector.pipeline.breaker import (
    CONNECTION_PAUSES,
    CREDENTIAL_PAUSES,
    DOCFLO,
    LOST_IN_A_ROW,
    PROBE,
    Admission,
    Breakers,
    listing_of,
    opened,
    opens,
)
from tests.factories import NOON, HandClock, make_receipt

AWAY = UnavailableError("no connection")
REFUSED = AccessRefusedError("wrong key")


def pauses(error: ConnectorError, tries: int, jitter: float = 1) -> list[timedelta]:
    breaker: Breaker | None = None
    now, found = NOON, []
    for _ in range(tries):
        breaker = opened(breaker, DOCFLO, error, now=now, jitter=jitter)
        found.append(breaker.next_try - now)
        now = breaker.next_try
    return found


def test_the_pause_after_a_lost_connection_grows_from_seconds_to_minutes() -> None:
    grown = pauses(AWAY, 12)

    assert grown[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert grown[-1] == CONNECTION_PAUSES[1] == max(grown)


def test_the_pause_after_refused_credentials_is_longer() -> None:
    grown = pauses(REFUSED, 12)

    assert grown[0] == timedelta(minutes=1)
    assert grown[-1] == CREDENTIAL_PAUSES[1] == max(grown)


def test_jitter_shortens_a_pause_by_half_at_most() -> None:
    assert pauses(AWAY, 1, jitter=0) == [timedelta(seconds=2.5)]


def test_failures_of_requests_under_way_do_not_lengthen_the_pause() -> None:
    first = opened(None, DOCFLO, AWAY, now=NOON, jitter=1)

    assert opened(first, DOCFLO, AWAY, now=NOON + timedelta(seconds=1), jitter=1) == first


def test_throttling_waits_as_long_as_was_asked() -> None:
    until = NOON + timedelta(minutes=17)

    assert opened(None, DOCFLO, ThrottledError("slow", until=until), now=NOON, jitter=0).next_try == until


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AWAY, True),
        (REFUSED, True),
        (ThrottledError("x", until=NOON), True),
        (UnavailableError("x", remote=RemoteAnswer(status=503)), True),
        (UnavailableError("x", remote=RemoteAnswer(status=500)), False),
        (OutcomeUnknownError("x"), False),
        (RejectedError("x"), False),
        (ConfigError("x"), False),
        (make_receipt(), False),
    ],
)
def test_only_what_concerns_the_whole_side_opens(error: object, expected: bool) -> None:  # noqa: FBT001 a table of cases
    assert opens(error) is expected


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def replicas(any_database: Database, clock: HandClock) -> list[Breakers]:
    return [Breakers(BreakerStore(any_database), clock=clock, jitter=lambda: 1.0) for _ in range(2)]


def lose_connections(breakers: Breakers) -> datetime | None:
    """Fail as often as it takes to open the breaker; give what the last failure was told."""
    for _ in range(LOST_IN_A_ROW - 1):
        assert breakers.report(DOCFLO, [AWAY]) is None
    return breakers.report(DOCFLO, [AWAY])


def test_a_side_that_works_admits_everything(replicas: list[Breakers]) -> None:
    assert replicas[0].admits(DOCFLO) is Admission.ALL


def test_an_open_breaker_admits_nothing_in_any_replica_and_then_one_in_one(
    replicas: list[Breakers], clock: HandClock
) -> None:
    lose_connections(replicas[0])

    assert [each.admits(DOCFLO) for each in replicas] == [Admission.NONE, Admission.NONE]
    assert replicas[0].admits("target crm") is Admission.ALL
    clock.advance(timedelta(seconds=5))
    assert [each.admits(DOCFLO) for each in replicas] == [Admission.ONE, Admission.NONE]


def test_a_side_that_was_well_is_left_alone_at_once_here_and_within_a_second_elsewhere(
    replicas: list[Breakers], clock: HandClock
) -> None:
    assert [each.admits(DOCFLO) for each in replicas] == [Admission.ALL, Admission.ALL]

    replicas[0].report(DOCFLO, [REFUSED])

    assert replicas[0].admits(DOCFLO) is Admission.NONE
    clock.advance(timedelta(seconds=1))
    assert replicas[1].admits(DOCFLO) is Admission.NONE


def test_a_probe_that_nobody_could_make_is_passed_on(replicas: list[Breakers], clock: HandClock) -> None:
    lose_connections(replicas[0])
    clock.advance(timedelta(seconds=5))
    replicas[0].admits(DOCFLO)

    replicas[0].resign(DOCFLO)

    assert replicas[1].admits(DOCFLO) is Admission.ONE


def test_a_prober_that_died_is_replaced(replicas: list[Breakers], clock: HandClock) -> None:
    lose_connections(replicas[0])
    clock.advance(timedelta(seconds=5))
    replicas[0].admits(DOCFLO)

    clock.advance(PROBE)

    assert replicas[1].admits(DOCFLO) is Admission.ONE


def test_success_closes_the_breaker_for_everybody(replicas: list[Breakers], clock: HandClock) -> None:
    lose_connections(replicas[0])
    clock.advance(timedelta(seconds=5))

    replicas[1].report(DOCFLO, [make_receipt()])

    assert replicas[0].admits(DOCFLO) is Admission.ALL


def test_a_document_that_is_rejected_shows_that_the_side_works(
    replicas: list[Breakers], clock: HandClock
) -> None:
    replicas[0].report(DOCFLO, [REFUSED])
    clock.advance(timedelta(minutes=1))

    replicas[0].report(DOCFLO, [RejectedError("no")])

    assert replicas[0].open() == ()


def test_an_answer_that_was_under_way_does_not_close_it(replicas: list[Breakers]) -> None:
    lose_connections(replicas[0])

    replicas[0].report(DOCFLO, [make_receipt()])

    assert len(replicas[0].open()) == 1


def test_the_failure_that_opens_is_a_try_and_those_after_it_are_not(
    replicas: list[Breakers], clock: HandClock
) -> None:
    assert lose_connections(replicas[0]) is None
    clock.advance(timedelta(seconds=5))

    assert replicas[1].report(DOCFLO, [AWAY]) == clock.now + timedelta(seconds=10)


def test_a_batch_of_which_some_went_through_opens_nothing(replicas: list[Breakers]) -> None:
    replicas[0].report(DOCFLO, [make_receipt(), AWAY])

    assert replicas[0].open() == ()


def test_a_person_who_asks_is_served_at_once_but_not_against_a_wish_to_wait(
    replicas: list[Breakers], clock: HandClock
) -> None:
    replicas[0].report("target crm", [REFUSED])
    replicas[0].report(DOCFLO, [ThrottledError("slow", until=clock.now + timedelta(hours=1))])

    replicas[0].try_now()

    assert replicas[0].admits("target crm") is Admission.ONE
    assert replicas[0].admits(DOCFLO) is Admission.NONE


def test_a_listing_is_not_begun_while_docflo_is_left_alone(replicas: list[Breakers]) -> None:
    with pytest.raises(AccessRefusedError), listing_of(replicas[0]):
        raise REFUSED

    with pytest.raises(ThrottledError, match="wrong key") as error, listing_of(replicas[1]):
        pytest.fail("it was begun")
    assert error.value.until == NOON + timedelta(minutes=1)


def test_a_listing_whose_lane_is_spent_does_not_hold_up_write_backs(replicas: list[Breakers]) -> None:
    with pytest.raises(ThrottledError), listing_of(replicas[0]):
        raise ThrottledError("nothing left for tail", until=NOON + timedelta(hours=1))

    assert replicas[0].admits(DOCFLO) is Admission.ALL


def test_a_record_that_is_busy_says_nothing_of_its_side() -> None:
    assert not opens(BusyError("a document of the same parent is under way", until=NOON))


def test_who_was_asked_to_wait_goes_on_whole_when_the_time_has_come(
    replicas: list[Breakers], clock: HandClock
) -> None:
    replicas[0].report(DOCFLO, [ThrottledError("slow", until=clock.now + timedelta(minutes=1))])
    clock.advance(timedelta(minutes=1))

    assert [replica.admits(DOCFLO) for replica in replicas] == [Admission.ALL] * len(replicas)


def test_connections_that_are_lost_between_answers_open_nothing(replicas: list[Breakers]) -> None:
    for _ in range(LOST_IN_A_ROW):
        for _ in range(LOST_IN_A_ROW - 1):
            replicas[0].report(DOCFLO, [AWAY])
        replicas[0].report(DOCFLO, [make_receipt()])

    assert replicas[0].open() == ()
