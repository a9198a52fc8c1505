from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    MappingError,
    OutcomeUnknownError,
    Problem,
    RejectedError,
    RemoteAnswer,
    TemporaryError,
    ThrottledError,
    UnavailableError,
    UnexpectedResponseError,
)
from connector.pipeline.failure import (
    MAX_ATTEMPTS,
    RETRY_BASE,
    RETRY_CAP,
    DeadLetter,
    Retry,
    Wait,
    concerns_all,
    decide,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("error", [RejectedError("no"), MappingError("no"), UnexpectedResponseError("no")])
def test_permanent_errors_are_dead_letters_at_once(error: ConnectorError) -> None:
    assert isinstance(decide(error, attempts=0, now=NOW, jitter=1), DeadLetter)


@pytest.mark.parametrize("error", [UnavailableError("x"), OutcomeUnknownError("x"), TemporaryError("x")])
def test_temporary_errors_are_retried_until_the_attempts_are_used_up(error: ConnectorError) -> None:
    assert isinstance(decide(error, attempts=MAX_ATTEMPTS - 2, now=NOW, jitter=1), Retry)
    assert isinstance(decide(error, attempts=MAX_ATTEMPTS - 1, now=NOW, jitter=1), DeadLetter)


def test_the_pause_doubles_up_to_its_cap() -> None:
    pauses = []
    for attempts in range(MAX_ATTEMPTS - 1):
        decision = decide(UnavailableError("x"), attempts=attempts, now=NOW, jitter=1)
        assert isinstance(decision, Retry)
        pauses.append(decision.due_at - NOW)
    assert pauses[:3] == [RETRY_BASE, RETRY_BASE * 2, RETRY_BASE * 4]
    assert max(pauses) == RETRY_CAP


def test_jitter_spreads_retries_but_never_to_the_same_instant() -> None:
    decision = decide(UnavailableError("x"), attempts=3, now=NOW, jitter=0)
    assert isinstance(decision, Retry)
    assert decision.due_at == NOW + timedelta(seconds=1)


def test_throttling_waits_until_told_and_counts_no_attempt() -> None:
    until = NOW + timedelta(minutes=17)
    decision = decide(ThrottledError("slow down", until=until), attempts=MAX_ATTEMPTS, now=NOW, jitter=1)
    assert isinstance(decision, Wait)
    assert decision.due_at == until


def test_a_reset_in_the_past_does_not_make_a_loop() -> None:
    error = ThrottledError("slow down", until=NOW - timedelta(minutes=1))
    decision = decide(error, attempts=0, now=NOW, jitter=1)
    assert isinstance(decision, Wait)
    assert decision.due_at > NOW


@pytest.mark.parametrize("error", [AccessRefusedError("no"), ConfigError("no such field")])
def test_what_a_person_must_repair_waits_however_long_it_takes(error: ConnectorError) -> None:
    assert isinstance(decide(error, attempts=MAX_ATTEMPTS, now=NOW, jitter=1), Wait)


def test_a_bug_is_retried_and_its_text_stays_out_of_the_ledger() -> None:
    decision = decide(KeyError("Secret Vendor Ltd"), attempts=0, now=NOW, jitter=1)
    assert isinstance(decision, Retry)
    assert "Secret Vendor" not in decision.failure.reason


def test_every_problem_of_a_mapping_error_is_in_the_reason() -> None:
    problems = [Problem(place="a.yaml:1:1", message="one"), Problem(place="a.yaml:2:1", message="two")]
    decision = decide(MappingError("two problems", problems=problems), attempts=0, now=NOW, jitter=1)
    assert decision.failure.reason == "a.yaml:1:1: one; a.yaml:2:1: two"


def test_the_remote_code_is_kept() -> None:
    error = RejectedError("no", remote=RemoteAnswer(status=400, code="STRING_TOO_LONG"))
    assert decide(error, attempts=0, now=NOW, jitter=1).failure.code == "STRING_TOO_LONG"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ThrottledError("x", until=NOW), True),
        (AccessRefusedError("x"), True),
        (ConfigError("x"), True),
        (UnavailableError("x"), True),
        (RejectedError("x"), False),
        (OutcomeUnknownError("x"), False),
    ],
)
def test_errors_that_every_request_would_meet_are_told_apart(error: ConnectorError, expected: bool) -> None:  # noqa: FBT001 a table of cases
    assert concerns_all(error) is expected
