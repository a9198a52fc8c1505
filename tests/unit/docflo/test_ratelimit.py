from datetime import UTC, datetime, timedelta

import pytest

from connector.docflo.ratelimit import RateLimit, read_rate_limit
from tests.factories import NOON

RESET = datetime(2026, 3, 2, 12, 30, tzinfo=UTC)


def read(reset: str) -> datetime | None:
    limit = read_rate_limit({"x-ratelimit-reset": reset}, NOON)
    return limit.reset_at if limit is not None else None


def test_the_documented_headers_are_read() -> None:
    headers = {
        "x-ratelimit-limit": "1000",
        "x-ratelimit-remaining": "998",
        "x-ratelimit-reset": str(int(RESET.timestamp())),
    }

    assert read_rate_limit(headers, NOON) == RateLimit(limit=1000, remaining=998, reset_at=RESET)


def test_an_answer_without_the_headers_tells_nothing() -> None:
    assert read_rate_limit({"content-type": "application/json"}, NOON) is None


@pytest.mark.parametrize("value", ["", "many", "-1", "1e3", "٣", "12, 12", "9" * 5000])
def test_what_is_not_a_number_is_as_good_as_missing(value: str) -> None:
    headers = {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": value, "x-ratelimit-reset": value}

    assert read_rate_limit(headers, NOON) == RateLimit(limit=1000, remaining=None, reset_at=None)


def test_a_reset_may_be_in_milliseconds() -> None:
    assert read(str(int(RESET.timestamp() * 1000))) == RESET


def test_a_small_reset_is_a_time_from_now() -> None:
    assert read("1800") == NOON + timedelta(minutes=30)


def test_a_reset_beyond_all_calendars_is_unknown() -> None:
    assert read("9" * 18) is None


@pytest.mark.parametrize(("remaining", "may_send"), [(None, True), (1, True), (0, False)])
def test_a_limit_is_true_while_we_may_send(remaining: int | None, *, may_send: bool) -> None:
    assert bool(RateLimit(remaining=remaining)) is may_send


def test_a_reset_is_measured_on_the_clock_of_the_server() -> None:
    their_now = NOON - timedelta(minutes=10)
    headers = {
        "date": their_now.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        "x-ratelimit-reset": str(int((their_now + timedelta(minutes=30)).timestamp())),
    }

    limit = read_rate_limit(headers, NOON)

    assert limit is not None
    assert limit.reset_at == NOON + timedelta(minutes=30)
