"""What an ERP can take: calls in a time, pauses after refusals, lengths of text, sizes of answers."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from connector.adapters.soap.load import load_profile
from connector.errors import ConfigError, OutcomeUnknownError, RejectedError, ThrottledError
from connector.record import Receipt
from tests.factories import HandClock, make_record
from tests.soap.tiny import PROFILE, XML, Request, Response, TinyErp, adapter, record, serving

LIMITS = "limits: {max_body_bytes: 100000}"


def limited(limits: str) -> str:
    """Give the tiny profile with other limits."""
    assert LIMITS in PROFILE
    return PROFILE.replace(LIMITS, f"limits: {{{limits}}}")


def busy(headers: Mapping[str, str] | None = None) -> Callable[[Request], Response | None]:
    """Refuse every create because of a limit."""
    return lambda request: Response(429, b"", headers or {}) if request.operation == "Create" else None


def until(soap: object, key: str) -> timedelta:
    """Give how long a delivery is told to wait."""
    with pytest.raises(ThrottledError) as caught:
        soap.deliver([record(key)])  # type: ignore[attr-defined]
    return caught.value.until - HandClock().now


def test_a_rate_makes_a_record_wait_before_its_first_call_and_not_in_the_middle(tmp_path: Path) -> None:
    erp, clock = TinyErp(), HandClock()
    with serving(erp.answer) as address:
        profile = limited("rate: {calls: 3, seconds: 60}")  # a record takes two: it is looked for, and made
        soap = adapter(tmp_path, address, profile=profile, clock=clock)
        first = soap.deliver([record("k1")])
        clock.advance(timedelta(seconds=20))

        waits = until(soap, "k2")
        calls = len(erp.requests)
        clock.advance(timedelta(seconds=40))
        second = soap.deliver([record("k2")])
        soap.close()

    assert [first, second] == [[Receipt(id="1", created=True)], [Receipt(id="2", created=True)]]
    assert waits == timedelta(seconds=60)
    assert calls == 2


def test_pauses_grow_while_the_erp_refuses_and_begin_anew_when_it_does_not(tmp_path: Path) -> None:
    erp, clock = TinyErp(), HandClock()
    profile = limited("throttle_backoff: [5, 60]")
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=profile, clock=clock)
        erp.guard = busy()

        grown = [until(soap, "k1") for _ in range(3)]
        erp.guard = lambda _request: None
        soap.deliver([record("k1")])
        erp.guard = busy()
        anew = until(soap, "k2")
        soap.close()

    assert [*grown, anew] == [timedelta(seconds=each) for each in (5, 60, 60, 5)]


def test_a_pause_that_the_erp_names_counts(tmp_path: Path) -> None:
    erp, clock = TinyErp(), HandClock()
    erp.guard = lambda request: (
        Response(429, b"", {"Retry-After": "7"}) if request.operation == "Create" else None
    )
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=limited("throttle_backoff: [5]"), clock=clock)

        assert until(soap, "k1") == timedelta(seconds=7)

        soap.close()


def test_a_rate_that_no_record_fits_is_a_mistake_in_the_profile(tmp_path: Path) -> None:
    path = tmp_path / "profile.yaml"
    path.write_text(limited("rate: {calls: 1, seconds: 60}"), encoding="utf-8")

    with pytest.raises(ConfigError) as caught:
        load_profile(path)

    [problem] = caught.value.problems
    assert "one record takes up to 2 calls" in str(problem)


@pytest.mark.parametrize("max_length", ["reject", "truncate"])
def test_text_that_is_too_long_is_refused_or_cut_as_the_profile_says(tmp_path: Path, max_length: str) -> None:
    erp = TinyErp()
    profile = PROFILE.replace("binding: {", f"binding: {{max_length: {max_length}, ")
    long = make_record("k1", fields={"Number__c": "x" * 30, "Total": record().fields["Total"]})
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, profile=profile)
        [outcome] = soap.deliver([long])
        soap.close()

    if max_length == "reject":
        assert isinstance(outcome, RejectedError)
        assert "note (record.Number__c): is 30 characters long, at most 20 are taken" in outcome.message
    else:
        assert outcome == Receipt(id="1", created=True)
        assert erp.requests[-1].text("note") == "x" * 20


def test_a_reply_of_fifty_megabytes_is_not_read_to_its_end_and_leaves_a_doubt(tmp_path: Path) -> None:
    erp = TinyErp()
    huge = Response(200, b"<x>" + b" " * (50 * 1024 * 1024), XML)

    def create(request: object) -> Response | None:
        if getattr(request, "operation", "") != "Create":
            return None
        erp.rows.append(("k1", "12.50"))
        return huge

    erp.guard = create
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address)
        with pytest.raises(OutcomeUnknownError, match="longer than 100,000 bytes"):
            soap.deliver([record()])
        erp.guard = lambda _request: None

        assert soap.lookup([record()]) == [Receipt(id="1", created=False)]

        soap.close()


READ = """read:
  operation: Find
  body: {key: "${record_id}"}
  found: //t:row
  not_found: //t:FindResponse[not(t:row)]
record_url: https://erp.example/${record_id}
"""


def test_a_record_is_asked_for_by_the_id_that_a_person_names(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.rows.append(("4711", "1.00"))
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, READ)

        assert soap.find(record(), "4711") == Receipt(id="4711", url="https://erp.example/4711")
        assert soap.find(record(), "4712") is None

        soap.close()


def test_a_profile_that_cannot_read_by_id_takes_a_persons_word(tmp_path: Path) -> None:
    erp = TinyErp()
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address)

        assert soap.find(record(), "4711") == Receipt(id="4711")

        soap.close()
    assert erp.requests == []
