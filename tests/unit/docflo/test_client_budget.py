"""The client asks its budget before each request, in its lane, and tells what came of it."""

from datetime import datetime, timedelta

import httpx
import pytest

from connector.docflo.budget import Lane
from connector.docflo.client import DocfloClient
from connector.docflo.ratelimit import RateLimit
from connector.docflo.settings import DocfloSettings
from connector.errors import AccessRefusedError, ThrottledError, UnavailableError
from tests.factories import NOON, HandClock


class Notes:
    """A budget that writes down what it is asked and told."""

    def __init__(self, refusing: Lane | None = None) -> None:
        self.taken: list[Lane] = []
        self.said: list[RateLimit | None] = []
        self.until: list[datetime] = []
        self._refusing = refusing

    def take(self, lane: Lane) -> None:
        if lane is self._refusing:
            raise ThrottledError("nothing left", until=NOON)
        self.taken.append(lane)

    def afford(self, lane: Lane, least: int) -> int | None:
        return least if lane is not self._refusing else 0

    def answered(self, said: RateLimit | None) -> None:
        self.said.append(said)

    def refused(self, until: datetime) -> None:
        self.until.append(until)


def client(budget: Notes, answer: httpx.Response | Exception) -> DocfloClient:
    def respond(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return answer

    settings = DocfloSettings.model_validate(
        {"base_url": "https://docflo.example", "tenant_id": "acme", "api_key": "${env:DOCFLO_API_KEY}"}
    )
    return DocfloClient(settings, clock=HandClock(), budget=budget, transport=httpx.MockTransport(respond))


LEFT = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "7"}


def test_each_view_takes_from_its_lane_and_counts_together() -> None:
    notes = Notes()
    docflo = client(notes, httpx.Response(200, headers=LEFT))

    docflo.update_status("d1", "CONFIRMED")
    docflo.lane(Lane.SWEEP).update_status("d1", "CONFIRMED")

    assert notes.taken == [Lane.WRITE_BACK, Lane.SWEEP]
    assert notes.said == [RateLimit(limit=1000, remaining=7)] * 2
    assert docflo.requests == {"update_status": 2}


def test_nothing_is_sent_when_the_lane_has_nothing_left() -> None:
    docflo = client(Notes(refusing=Lane.TAIL), AssertionError("it was sent"))

    with pytest.raises(ThrottledError):
        docflo.lane(Lane.TAIL).update_status("d1", "CONFIRMED")

    assert docflo.requests.total() == 0


def test_a_refusal_is_told_with_its_time() -> None:
    notes = Notes()
    docflo = client(notes, httpx.Response(429, headers={**LEFT, "Retry-After": "90"}))

    with pytest.raises(ThrottledError):
        docflo.update_status("d1", "CONFIRMED")

    assert notes.until == [NOON + timedelta(seconds=90)]
    assert len(notes.said) == 1


def test_a_request_without_an_answer_has_come_to_its_end_too() -> None:
    notes = Notes()

    with pytest.raises(UnavailableError):
        client(notes, httpx.ConnectError("no")).update_status("d1", "CONFIRMED")

    assert notes.said == [None]


def test_the_limit_of_a_key_that_is_not_known_is_not_ours() -> None:
    notes = Notes()

    with pytest.raises(AccessRefusedError):
        client(notes, httpx.Response(401, headers=LEFT)).update_status("d1", "CONFIRMED")

    assert notes.said == [None]
