"""A range is cut into windows that leave nothing out, whatever the server ignores, with few requests."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from connector.backfill.counting import Range, count_parts
from connector.document import Document
from connector.ledger.backfill import Part
from tests.factories import NOON, make_document
from tests.unit.pipeline.test_listing import Server, rows

SIZE = 20
OVER = Range(start=NOON - timedelta(days=100), end=NOON)


class _Wants:
    """What the counting needs of a pipeline."""

    name = "invoices"
    types = ("invoice",)
    statuses = ("APPROVED",)


def count(server: Server, over: Range = OVER) -> tuple[Part, ...]:
    wants: Any = _Wants()
    return count_parts(wants, over, server, lambda: None, size=SIZE)


def inside(server: Server, part: Part) -> list[Document]:
    return [
        row
        for row in server.rows
        if row.created_on is not None and part.created_from <= row.created_on < part.created_to
    ]


def assert_they_make_the_range(parts: tuple[Part, ...], over: Range = OVER) -> None:
    assert parts[0].created_from == over.start
    assert parts[-1].created_to == over.end
    assert all(one.created_to == other.created_from for one, other in pairwise(parts))


@pytest.mark.parametrize("number", [0, 1, 19, 20, 21, 39, 40, 41, 130])
@pytest.mark.parametrize("page_size", [7, 100])
def test_each_window_holds_what_it_was_counted_to_hold(number: int, page_size: int) -> None:
    server = Server(rows(number), page_size=page_size)

    parts = count(server)

    assert_they_make_the_range(parts)
    assert [part.total for part in parts] == [len(inside(server, part)) for part in parts]
    assert sum(part.total for part in parts) == number


def test_a_good_server_is_asked_once_a_window_and_a_little_more() -> None:
    server = Server(rows(10 * SIZE))

    count(server)

    assert len(server.queries) <= 10 + 3
    assert max(query.skip or 0 for query in server.queries) <= SIZE
    assert not any(query.include_results for query in server.queries)


BAD_HABITS: dict[str, dict[str, Any]] = {
    "skip ignored": {"ignored": frozenset({"skip"})},
    "sort ignored, newest first": {
        "ignored": frozenset({"sortBy"}),
        "order": lambda found: sorted(found, key=lambda row: row.created_on or NOON, reverse=True),
    },
    "sort refused": {"refuses_sort": True},
    "createdTo ignored": {"ignored": frozenset({"createdTo"})},
    "createdFrom ignored": {"ignored": frozenset({"createdFrom"})},
    "both ignored": {"ignored": frozenset({"createdFrom", "createdTo"})},
    "whole days": {"whole_days": True},
    "skips beyond 10 clamped": {"last_skip": 10},
    "ends left out": {"open_ends": True},
}


@pytest.mark.parametrize("habit", BAD_HABITS)
def test_a_server_with_a_bad_habit_is_counted_all_the_same(habit: str) -> None:
    server = Server(rows(90, apart=timedelta(hours=5)), **BAD_HABITS[habit])

    parts = count(server)

    assert_they_make_the_range(parts)
    assert sum(part.total for part in parts) == 90
    assert [part.total for part in parts] == [len(inside(server, part)) for part in parts]


def test_a_server_that_knows_days_only_is_cut_between_days() -> None:
    server = Server(rows(90, apart=timedelta(hours=5)), whole_days=True)

    parts = count(server)

    assert len(parts) > 1
    assert {part.created_from.time() for part in parts[1:]} == {datetime.min.time()}


def test_many_documents_of_one_creation_time_are_one_window() -> None:
    moment = datetime(2026, 2, 1, 9, 30, tzinfo=UTC)
    same = [make_document(f"s{place:03}", created_on=moment) for place in range(3 * SIZE)]
    server = Server([*rows(30), *same])

    parts = count(server)

    assert_they_make_the_range(parts)
    assert sum(part.total for part in parts) == 30 + 3 * SIZE
    assert max(part.total for part in parts) >= 3 * SIZE
