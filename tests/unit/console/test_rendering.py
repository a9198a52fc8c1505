"""What templates make of values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from connector.console.pages.rendering import digits, in_words, of, plainly, worker
from connector.errors import MappingError


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Decimal("1234567.50"), "1 234 567.50"),
        (Decimal(-1000), "-1 000"),
        (Decimal("0.10"), "0.10"),
        (Decimal("1E+3"), "1 000"),
        (999, "999"),
        (200_000, "200 000"),
    ],
)
def test_amounts_keep_every_digit_they_have(value: Decimal | int, shown: str) -> None:
    assert digits(value).replace("\N{NARROW NO-BREAK SPACE}", " ") == shown


def test_what_is_counted_is_one_or_many() -> None:
    assert [of(count, "document") for count in (0, 1, 2)] == ["0 documents", "1 document", "2 documents"]


def test_an_error_class_is_said_in_words_and_an_unknown_one_is_not() -> None:
    assert plainly(MappingError.__name__) == "not fitting the mapping"
    assert plainly("NoSuchError") == ""


def test_a_worker_is_told_by_its_process_and_a_person_by_their_name() -> None:
    told = worker("host-1:4711:140435794852736:b0c88ce2")

    assert ">the service, process 4711 on host-1<" in told
    assert worker("<b>ana</b>") == "<bdi>&lt;b&gt;ana&lt;/b&gt;</bdi>"


def test_a_time_is_told_by_its_distance() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    assert in_words(now, now - timedelta(seconds=59)) == "59 s ago"
    assert in_words(now, now - timedelta(hours=30)) == "30 h ago"
    assert in_words(now, now + timedelta(minutes=5)) == "in 5 min"
