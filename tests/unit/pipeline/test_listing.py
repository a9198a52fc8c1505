"""A window is read whole, whatever the server ignores and however the list moves; else it is an error."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest

from connector.docflo.outgoing import DocumentQuery
from connector.docflo.wire import DocumentPage, UnreadableRow
from connector.document import Document
from connector.errors import RejectedError, RemoteAnswer, UnexpectedResponseError
from connector.pipeline.listing import Quirk, Window, read_window
from tests.factories import NOON, make_document

QUERY = DocumentQuery(type="invoice", status="APPROVED", created_from=NOON - timedelta(days=365))


@dataclass
class Server:
    """A listing with bad habits."""

    rows: list[Document]
    page_size: int = 100
    cap: int = 1000
    ignored: frozenset[str] = frozenset()
    refuses_sort: bool = False
    last_skip: int | None = None  # skips beyond are clamped to it
    whole_days: bool = False
    open_ends: bool = False  # createdFrom and createdTo leave out the instant itself
    order: Callable[[list[Document]], list[Document]] = field(default=lambda rows: rows)
    before: Callable[["Server", int], None] = field(default=lambda _server, _number: None)
    queries: list[DocumentQuery] = field(default_factory=list)

    def list_documents(self, query: DocumentQuery) -> DocumentPage:
        self.queries.append(query)
        self.before(self, len(self.queries))
        if query.sort_by and self.refuses_sort:
            raise RejectedError("no", remote=RemoteAnswer(status=400))
        rows = self.order([row for row in self.rows if self._fits(row, query)])
        if query.sort_by and "sortBy" not in self.ignored:
            rows = sorted(rows, key=lambda row: row.created_on or NOON)
        skip = 0 if "skip" in self.ignored else query.skip or 0
        skip = skip if self.last_skip is None else min(skip, self.last_skip)
        top = min(query.top or self.page_size, self.cap)
        return DocumentPage(documents=tuple(rows[skip : skip + top]), total=None)

    def _fits(self, row: Document, query: DocumentQuery) -> bool:
        start, end = self._time(query.created_from), self._time(query.created_to)
        created = row.created_on or NOON
        edge = timedelta(microseconds=1) if self.open_ends else timedelta(0)
        return (
            (query.status in {None, row.status} or "status" in self.ignored)
            and (start is None or "createdFrom" in self.ignored or created - edge >= start)
            and (end is None or "createdTo" in self.ignored or created + edge <= end)
        )

    def _time(self, time: datetime | None) -> datetime | None:
        return time.replace(hour=0, minute=0) if time and self.whole_days else time


def rows(number: int, *, apart: timedelta = timedelta(minutes=7)) -> list[Document]:
    return [
        make_document(f"d{place:05}", created_on=NOON - timedelta(days=90) + apart * place)
        for place in range(number)
    ]


def read(server: Server) -> Window:
    return read_window(QUERY, server)


def ids(documents: Sequence[Document]) -> list[str]:
    return sorted(document.id for document in documents)


@pytest.mark.parametrize(
    ("number", "requests"), [(0, 1), (1, 2), (2, 2), (3, 2), (4, 2), (99, 2), (100, 2), (197, 3), (200, 4)]
)
def test_a_good_server_is_asked_once_a_page_and_once_for_the_end(number: int, requests: int) -> None:
    server = Server(rows(number))

    window = read(server)

    assert ids(window.documents) == ids(server.rows)
    assert window.quirks == frozenset()
    assert len(server.queries) == requests


@pytest.mark.parametrize("cap", [1, 2, 3, 4, 7, 50])
def test_a_silent_cap_on_top_loses_nothing(cap: int) -> None:
    server = Server(rows(120), cap=cap)

    window = read(server)

    assert ids(window.documents) == ids(server.rows)
    assert window.is_proven


@pytest.mark.parametrize("number", [5, 99, 100, 350, 1000])
@pytest.mark.parametrize("cap", [1000, 40, 6])
def test_an_ignored_skip_is_survived_by_splitting_in_time(number: int, cap: int) -> None:
    server = Server(rows(number), cap=cap, ignored=frozenset({"skip"}))

    window = read(server)

    assert ids(window.documents) == ids(server.rows)
    assert Quirk.SKIP in window.quirks
    assert len(server.queries) < 6 + 8 * number / min(cap, 100)


@pytest.mark.parametrize("number", [350, 1000])
@pytest.mark.parametrize("habit", ["sortBy", "open ends", "days"])
def test_an_ignored_skip_together_with_another_bad_habit_loses_nothing(number: int, habit: str) -> None:
    server = Server(
        rows(number, apart=timedelta(hours=1)),
        ignored=frozenset({"skip", habit}),
        open_ends=habit == "open ends",
        whole_days=habit == "days",
    )
    server.rows.reverse()

    window = read(server)

    assert ids(window.documents) == ids(server.rows)


@pytest.mark.parametrize("cap", [1000, 40])
def test_equal_creation_times_beyond_one_page_with_an_ignored_skip_are_an_error(cap: int) -> None:
    server = Server(rows(300, apart=timedelta(0)), cap=cap, ignored=frozenset({"skip"}))

    with pytest.raises(UnexpectedResponseError, match="no way to the next"):
        read(server)

    assert len(server.queries) < 20


def test_neither_skip_nor_creation_times_honoured_is_an_error_after_few_requests() -> None:
    server = Server(rows(300), ignored=frozenset({"skip", "createdFrom", "createdTo"}))

    with pytest.raises(UnexpectedResponseError):
        read(server)

    assert len(server.queries) < 20


def test_a_few_equal_times_with_an_ignored_skip_are_all_there_is_when_larger_pages_come() -> None:
    others = [make_document(f"o{n}", status="CONFIRMED") for n in range(60)]
    server = Server([*rows(20, apart=timedelta(0)), *others], ignored=frozenset({"skip"}))

    assert len(read(server).documents) == 20


def test_300_documents_with_one_creation_time_are_read() -> None:
    window = read(Server(rows(300, apart=timedelta(0))))

    assert len(window.documents) == 300
    assert window.is_proven


def test_300_documents_with_one_creation_time_in_an_order_that_changes_are_read_and_flagged() -> None:
    chance = random.Random(7)  # noqa: S311 an order, not a secret
    server = Server(rows(300, apart=timedelta(0)), order=lambda found: chance.sample(found, len(found)))

    window = read(server)

    assert len(window.documents) >= 290
    assert not window.is_proven


@pytest.mark.parametrize("last_skip", [100, 150, 200])
def test_a_skip_that_leads_only_so_far_is_survived(last_skip: int) -> None:
    server = Server(rows(1000), last_skip=last_skip)

    assert ids(read(server).documents) == ids(server.rows)


def test_a_refused_sort_is_asked_without() -> None:
    server = Server(rows(150), refuses_sort=True)

    window = read(server)

    assert ids(window.documents) == ids(server.rows)
    assert window.quirks == {Quirk.SORT_REFUSED}
    assert len(server.queries) == 4


def test_an_ignored_sort_is_noticed() -> None:
    server = Server(rows(150)[::-1], ignored=frozenset({"sortBy"}))

    window = read(server)

    assert ids(window.documents) == ids(server.rows)
    assert window.quirks == {Quirk.SORT}


@pytest.mark.parametrize("leaving", [1, 2, 3, 4, 50, 120])
@pytest.mark.parametrize("newest_first", [False, True])
def test_documents_that_leave_while_paging_take_no_other_along(leaving: int, *, newest_first: bool) -> None:
    def before(server: Server, number: int) -> None:
        if number == 2:
            del server.rows[:leaving]

    server = Server(rows(300), ignored=frozenset({"sortBy"}), before=before)
    if newest_first:
        server.rows.reverse()
    staying = ids(server.rows[leaving:])

    window = read(server)

    assert set(staying) <= set(ids(window.documents))
    assert window.is_proven


@pytest.mark.parametrize("arriving", [1, 3, 99, 100, 101])
def test_documents_that_arrive_in_front_while_paging_hide_no_other(arriving: int) -> None:
    def before(server: Server, number: int) -> None:
        if number == 2:
            server.rows[:0] = [make_document(f"n{place}", created_on=NOON) for place in range(arriving)]

    server = Server(rows(300)[::-1], ignored=frozenset({"sortBy"}), before=before)
    expected = ids(server.rows)

    window = read(server)

    assert set(expected) <= set(ids(window.documents))
    assert window.is_proven


def test_a_list_that_moves_with_every_page_is_split_until_it_holds_still() -> None:
    def before(server: Server, _number: int) -> None:
        del server.rows[:5]

    server = Server(rows(2000), before=before)

    window = read(server)

    assert set(ids(server.rows)) <= set(ids(window.documents))


def test_a_list_that_repeats_rows_across_pages_gives_each_once() -> None:
    def twice(found: list[Document]) -> list[Document]:
        return [row for pair in zip(found, found, strict=True) for row in pair]

    server = Server(rows(150), ignored=frozenset({"sortBy"}), order=twice)

    assert ids(read(server).documents) == ids(server.rows)


def test_a_list_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.pipeline.listing.MAX_PAGES", 200)
    numbers = count()

    class Endless(Server):
        def list_documents(self, query: DocumentQuery) -> DocumentPage:
            page = super().list_documents(query)
            start = query.skip or 0
            return DocumentPage(
                documents=tuple(make_document(f"e{start + place}") for place in range(4)),
                total=page.total or next(numbers),
            )

    with pytest.raises(UnexpectedResponseError, match="does not end"):
        read(Endless([]))


def test_filters_that_are_ignored_are_told() -> None:
    old = make_document("old", status="FAILED", created_on=NOON - timedelta(days=500))
    server = Server([old, *rows(5)], ignored=frozenset({"status", "createdFrom"}))

    window = read(server)

    assert window.quirks == {Quirk.STATUS, Quirk.CREATED_FROM}
    assert len(window.documents) == 6


def read_in_stretches(server: Server, most: int, between: Callable[[], None] = lambda: None) -> list[Window]:
    windows: list[Window] = []
    query: DocumentQuery | None = QUERY
    while query is not None:
        window = read_window(query, server, most=most)
        windows.append(window)
        assert window.rest != query
        assert len(windows) < 200
        query = window.rest
        between()
    return windows


def shown(windows: Sequence[Window]) -> list[str]:
    return [document.id for window in windows for document in window.documents]


@pytest.mark.parametrize("number", [0, 3, 100, 350, 1000])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_long_list_is_read_in_stretches_that_repeat_nothing(number: int, *, newest_first: bool) -> None:
    server = Server(rows(number), ignored=frozenset({"sortBy"}))
    if newest_first:
        server.rows.reverse()

    windows = read_in_stretches(server, most=2)

    assert sorted(shown(windows)) == ids(server.rows)
    assert len(windows) == 1 or len(windows) > number / 200
    assert all(window.is_proven for window in windows)


@pytest.mark.parametrize("most", [2, 3, 7])
@pytest.mark.parametrize(
    "habits",
    [
        {"ignored": frozenset({"skip"})},
        {"ignored": frozenset({"skip", "sortBy"})},
        {"ignored": frozenset({"createdFrom"})},
        {"ignored": frozenset({"createdTo"})},
        {"ignored": frozenset({"createdFrom", "createdTo"})},
        {"whole_days": True},
        {"open_ends": True},
        {"cap": 3},
        {"cap": 40},
        {"refuses_sort": True},
        {"last_skip": 150},
    ],
    ids=lambda habits: "+".join(sorted(habits.get("ignored", habits))),
)
def test_stretches_of_a_server_with_bad_habits_lose_nothing(habits: dict[str, Any], most: int) -> None:
    server = Server(rows(400, apart=timedelta(hours=1)), **habits)

    windows = read_in_stretches(server, most=most)

    assert sorted(set(shown(windows))) == ids(server.rows)
    assert all(window.is_proven for window in windows)


def test_equal_creation_times_are_never_cut_apart() -> None:
    server = Server(rows(300, apart=timedelta(0)) + rows(400, apart=timedelta(hours=1))[300:])

    assert sorted(shown(read_in_stretches(server, most=2))) == ids(server.rows)


def test_a_server_that_reads_days_is_cut_between_two_days() -> None:
    server = Server(rows(400, apart=timedelta(minutes=65)), whole_days=True)

    windows = read_in_stretches(server, most=2)

    assert len(windows) > 2
    assert [
        window.rest.created_from.hour for window in windows if window.rest and window.rest.created_from
    ] == ([0] * (len(windows) - 1))


def test_documents_that_leave_between_two_stretches_take_no_other_along() -> None:
    server = Server(rows(600))
    staying = ids(server.rows[100:])

    windows = read_in_stretches(server, most=2, between=lambda: server.rows.__delitem__(slice(0, 20)))

    assert set(ids(server.rows)) <= set(shown(windows))
    assert set(staying) <= set(shown(windows))


def test_documents_without_fields_make_short_stretches() -> None:
    bare = [replace(row, has_fields=False) for row in rows(400)]

    assert len(read_in_stretches(Server(bare), most=20)) >= 4


def test_rows_that_cannot_be_read_have_their_place() -> None:
    class Half(Server):
        def list_documents(self, query: DocumentQuery) -> DocumentPage:
            page = super().list_documents(query)
            bad = [place for place, row in enumerate(page.documents) if row.id.endswith(("7", "8"))]
            return DocumentPage(
                documents=tuple(row for place, row in enumerate(page.documents) if place not in bad),
                total=None,
                unreadable=tuple(
                    (place, make_unreadable(page.documents[place].id, page.documents[place].created_on))
                    for place in bad
                ),
            )

    server = Half(rows(400))
    good = [row.id for row in server.rows if not row.id.endswith(("7", "8"))]

    whole = read(server)
    windows = read_in_stretches(server, most=2)

    assert ids(whole.documents) == sorted(shown(windows)) == good
    assert whole.is_proven
    assert len(whole.unreadable) == len({row.mark for each in windows for row in each.unreadable}) == 80


def make_unreadable(mark: str, created_on: datetime | None) -> UnreadableRow:
    return UnreadableRow(mark=mark, reason="no id", type=None, status=None, created_on=created_on)
