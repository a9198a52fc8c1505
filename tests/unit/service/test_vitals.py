"""Signs of life, and calls that take too long."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import structlog

from connector import calls
from connector.calls import alive, under_way
from connector.service.vitals import Vitals


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that `time.monotonic` tells, moved by the test."""
    now = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def vitals() -> Iterator[Vitals]:
    vitals = Vitals(limit=timedelta(minutes=10))
    vitals.expect([threading.current_thread().name])
    yield vitals
    calls.forget()


def test_a_thread_that_gives_signs_of_life_is_not_silent(ticks: list[float], vitals: Vitals) -> None:
    alive()
    ticks[0] += 599

    assert vitals.silent() == ()


def test_a_thread_that_hangs_is_named_with_its_call(ticks: list[float], vitals: Vitals) -> None:
    with under_way("send", pipeline="p", deliveries=(3, 4)):
        ticks[0] += 601
        [silence] = vitals.silent()

    assert silence.seconds == 601
    assert silence.call is not None
    assert (silence.call.what, silence.call.pipeline, silence.call.deliveries) == ("send", "p", (3, 4))


def test_a_thread_that_has_ended_is_silent_at_once(ticks: list[float]) -> None:
    vitals = Vitals(limit=timedelta(minutes=10))
    thread = threading.Thread(target=alive, name="worker-9")
    thread.start()
    thread.join()
    vitals.expect(["worker-9"])

    assert [silence.thread for silence in vitals.silent()] == ["worker-9"]
    assert ticks == [1000.0]


def test_a_slow_call_is_named_once_and_again_when_it_has_doubled(ticks: list[float], vitals: Vitals) -> None:
    told: list[float] = []
    with structlog.testing.capture_logs() as logs, under_way("send", side="target crm", deliveries=(3,)):
        for _ in range(30):
            ticks[0] += 10
            vitals.name_slow_calls()
            told = [line["seconds"] for line in logs]

    assert told == [60, 120, 240]
    assert logs[0]["deliveries"] == [3]
    assert logs[0]["thread"] == threading.current_thread().name


def test_a_pipeline_is_unlisted_until_its_first_listing_ended() -> None:
    vitals = Vitals(limit=timedelta(minutes=10))

    vitals.lists(["a", "b"], [])
    vitals.lists([], ["a"])

    assert vitals.unlisted == {"b"}
