"""Backfills in the ledger: windows under leases of their own, and work that nobody else takes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain
from typing import Any

import pytest

from connector.errors import ConfigError, LeaseLostError
from connector.ledger.backfill import Backfill, BackfillState, HeldWindow, Part
from connector.ledger.backfill_windows import WindowStore
from connector.ledger.backfills import BackfillStore
from connector.ledger.database import Database, open_database
from connector.ledger.delivery import LIVE, Checkpoint, OnChange, State, Unreadable
from connector.ledger.keeping import forget
from connector.ledger.operations import By
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=3)
YEAR = timedelta(days=365)
BY = By(actor="maya", reason="month-end close")
DONE = None  # the rest of a window that is listed


@pytest.fixture
def backfills(any_database: Database, clock: HandClock) -> BackfillStore:
    return BackfillStore(any_database, clock=clock)


@pytest.fixture
def windows(any_database: Database, clock: HandClock) -> WindowStore:
    return WindowStore(any_database, clock=clock)


def wanted(**parts: Any) -> Backfill:
    values: dict[str, Any] = {
        "id": 0,
        "pipeline": "invoices",
        "created_from": NOON - 2 * YEAR,
        "created_to": NOON - YEAR,
        "state": BackfillState.RUNNING,
        "total": 4,
        "most": None,
        "only_missing": False,
        "began_at": NOON,
        "changed_at": NOON,
        "actor": "maya",
    }
    return Backfill(**{**values, **parts})


def parts(number: int = 2) -> list[Part]:
    length = YEAR / number
    return [
        Part(
            type="invoice",
            status="APPROVED",
            created_from=NOON - 2 * YEAR + place * length,
            created_to=NOON - 2 * YEAR + (place + 1) * length,
            total=2,
        )
        for place in range(number)
    ]


def begin(backfills: BackfillStore, store: Store, number: int = 2, **values: Any) -> Backfill:
    known = backfills.begin(wanted(**values))
    assert known is not None
    held = store.hold("planning", owner="one", length=LEASE)
    assert held is not None
    backfills.add_windows(known, parts(number), held)
    known = backfills.planned(known, held)
    store.release(held)
    return known


def claim(windows: WindowStore, known: Backfill, owner: str = "one") -> HeldWindow:
    held = windows.claim(known.id, owner=owner, length=LEASE)
    assert held is not None
    return held


def bring(windows: WindowStore, known: Backfill, *documents: str) -> None:
    windows.store_stretch(claim(windows, known), [make_found(each) for each in documents], rest=DONE)


def test_windows_are_given_one_after_the_other_oldest_first(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    known = begin(backfills, store)

    first, second = claim(windows, known, "one"), claim(windows, known, "two")

    assert (first.part, second.part) == tuple(parts())
    assert windows.claim(known.id, owner="three", length=LEASE) is None


def test_a_window_whose_lease_ended_goes_on_where_it_was_and_its_former_owner_stores_nothing(
    backfills: BackfillStore, windows: WindowStore, store: Store, clock: HandClock
) -> None:
    known = begin(backfills, store, 1)
    late = claim(windows, known)
    half = NOON - 1.5 * YEAR
    late, _ = windows.store_stretch(late, [make_found("a")], rest=(half, known.created_to))
    clock.advance(LEASE * 2)

    ours = claim(windows, known)  # the same owner: only the epoch tells them apart

    assert (ours.rest_from, ours.rest_to, ours.found) == (half, known.created_to, 1)
    with pytest.raises(LeaseLostError):
        windows.store_stretch(late, [make_found("b")], rest=DONE)
    with pytest.raises(LeaseLostError):
        windows.extend(late, LEASE)
    assert [each.document_id for each in store.find()] == ["a"]
    windows.store_stretch(ours, [make_found("b")], rest=DONE)
    assert windows.claim(known.id, owner="two", length=LEASE) is None


def test_processes_claiming_at_once_never_hold_the_same_window(any_empty_url: str, clock: HandClock) -> None:
    databases = [open_database(any_empty_url) for _ in range(4)]
    databases[0].upgrade()
    known = begin(BackfillStore(databases[0], clock=clock), Store(databases[0], clock=clock), 60)

    def work(database: Database) -> list[int]:
        windows = WindowStore(database, clock=clock)
        claimed: list[int] = []
        while held := windows.claim(known.id, owner="worker", length=LEASE):
            claimed.append(held.id)
        return claimed

    with ThreadPoolExecutor(4) as threads:
        claimed = list(chain.from_iterable(threads.map(work, databases)))
    for database in databases:
        database.close()

    assert len(claimed) == 60
    assert len(set(claimed)) == 60


def test_what_a_backfill_brought_is_its_own_work_and_the_checkpoint_stays(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    checkpoint = Checkpoint(pipeline="invoices", listed_until=NOON, moved_at=NOON, open_since=NOON)
    store.record_listing("invoices", [make_found("live")], checkpoint)
    known = begin(backfills, store, 1)

    bring(windows, known, "old")

    live = store.claim("invoices", State.PENDING, limit=10, owner="service", lease=LEASE)
    ours = store.claim("invoices", State.PENDING, limit=9, owner="us", lease=LEASE, backfill_id=known.id)
    assert [each.delivery.document_id for each in live] == ["live"]
    assert [each.delivery.document_id for each in ours] == ["old"]
    assert store.checkpoint("invoices") == checkpoint
    assert store.counts(backfills=False) == {"invoices": {State.PENDING: 1}}


def test_dead_letters_of_a_backfill_halt_nothing(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    known = begin(backfills, store, 1)
    bring(windows, known, "a", "b")
    claims = store.claim("invoices", State.PENDING, limit=9, owner="us", lease=LEASE, backfill_id=known.id)

    with store.outcomes() as outcomes:
        for each in claims:
            outcomes.dead(each, make_failure(), halt_after=2)

    assert store.halts() == ()
    assert backfills.tally(known).failures == {"RejectedError": 2}


def test_what_a_person_replays_is_not_the_backfills_any_more(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    known = begin(backfills, store, 1)
    bring(windows, known, "a")
    [dying] = store.claim("invoices", State.PENDING, limit=9, owner="us", lease=LEASE, backfill_id=known.id)
    with store.outcomes() as outcomes:
        outcomes.dead(dying, make_failure())

    store.replay(dying.delivery.id, "maya", "repaired")

    assert len(store.claim("invoices", State.PENDING, limit=9, owner="service", lease=LEASE)) == 1


def test_an_edit_that_the_pipeline_finds_becomes_its_own_work(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    known = begin(backfills, store, 1)
    bring(windows, known, "a")

    store.record_listing("invoices", [make_found("a", digest="edited")], None)

    [row] = store.find()
    assert (row.revision, row.backfill_id) == (2, LIVE)


def test_a_backfill_takes_nothing_that_the_pipeline_has_under_way(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    store.record_listing("invoices", [make_found("a")], None)
    known = begin(backfills, store, 1)

    windows.store_stretch(claim(windows, known), [make_found("a", digest="edited")], rest=DONE)

    [row] = store.find()
    assert (row.revision, row.backfill_id) == (2, LIVE)


def deliver_all(store: Store, backfill_id: int = LIVE) -> None:
    for state in (State.PENDING, State.DELIVERED):
        claims = store.claim("invoices", state, limit=9, owner="us", lease=LEASE, backfill_id=backfill_id)
        with store.outcomes() as outcomes:
            for each in claims:
                if state is State.PENDING:
                    outcomes.delivered(each, make_receipt())
                else:
                    outcomes.completed(each)


def test_what_was_delivered_years_ago_is_known_also_after_its_retention(
    backfills: BackfillStore, windows: WindowStore, store: Store, any_database: Database, clock: HandClock
) -> None:
    first = begin(backfills, store, 1)
    bring(windows, first, "a", "b")
    deliver_all(store, first.id)
    assert backfills.finish(first.id)
    clock.advance(2 * YEAR)
    assert forget(any_database, clock()) == 2

    second = begin(backfills, store, 1)
    bring(windows, second, "a", "b")

    assert backfills.tally(second).new == 0
    assert store.counts() == {"invoices": {State.COMPLETED: 2}}


@pytest.mark.parametrize(("only_missing", "revision"), [(False, 2), (True, 1)])
def test_only_missing_leaves_edits_of_what_is_known_alone(
    backfills: BackfillStore, windows: WindowStore, store: Store, *, only_missing: bool, revision: int
) -> None:
    store.record_listing("invoices", [make_found("a")], None)
    deliver_all(store)
    known = begin(backfills, store, 1, only_missing=only_missing)

    found = [make_found("a", digest="edited"), make_found("b")]
    windows.store_stretch(claim(windows, known), found, rest=DONE, on_change=OnChange.UPDATE)

    rows = {each.document_id: each for each in store.find()}
    assert rows["a"].revision == revision
    assert rows["b"].backfill_id == known.id


def test_a_limit_takes_the_first_new_ones_and_forgets_the_other_windows(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    store.record_listing("invoices", [make_found("known")], None)
    known = begin(backfills, store, 3, most=3)

    bring(windows, known, "known", "a", "b")
    bring(windows, known, "c", "d")

    assert {each.document_id for each in store.find()} == {"known", "a", "b", "c"}
    tally = backfills.tally(known)
    assert (tally.windows, tally.listed, tally.new) == (2, 2, 3)


def test_a_backfill_that_is_not_planned_gives_no_window_and_is_not_finished(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    known = backfills.begin(wanted())
    assert known is not None
    held = store.hold("planning", owner="one", length=LEASE)
    assert held is not None
    first, second = parts()

    backfills.add_windows(known, [first], held)

    assert windows.claim(known.id, owner="one", length=LEASE) is None
    assert not backfills.finish(known.id)
    assert backfills.planned_until(known, "invoice", "APPROVED") == second.created_from
    store.release(held)
    with pytest.raises(LeaseLostError):
        backfills.add_windows(known, [second], held)


def test_a_second_backfill_that_shares_a_part_of_the_range_is_not_stored(
    backfills: BackfillStore, store: Store
) -> None:
    known = begin(backfills, store)

    assert backfills.begin(wanted(created_from=NOON - 1.5 * YEAR, created_to=NOON)) is None
    assert backfills.begin(wanted(created_from=known.created_to, created_to=NOON)) is not None
    assert backfills.begin(wanted(pipeline="orders")) is not None


def test_it_is_finished_only_when_every_window_is_listed_and_nothing_is_open(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    known = begin(backfills, store, 2)
    bring(windows, known, "a")
    deliver_all(store, known.id)
    assert not backfills.finish(known.id)
    bring(windows, known, "b")
    assert not backfills.finish(known.id)

    deliver_all(store, known.id)

    assert backfills.finish(known.id)
    assert [each.state for each in backfills.all()] == [BackfillState.FINISHED]
    with pytest.raises(ConfigError, match="is finished"):
        backfills.change(known.id, BackfillState.PAUSED, BY)


def test_cancel_forgets_what_nobody_touched_and_leaves_what_was_begun_to_the_pipeline(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    known = begin(backfills, store, 2)
    bring(windows, known, "done", "sent", "begun", "untouched")
    done, sent, _ = store.claim(
        "invoices", State.PENDING, limit=3, owner="us", lease=LEASE, backfill_id=known.id
    )
    with store.outcomes() as outcomes:
        outcomes.delivered(done, make_receipt())
        outcomes.doubt(sent)

    assert backfills.cancel(known.id, BY) == 1

    rows = {each.document_id: each for each in store.find()}
    assert rows.keys() == {"done", "sent", "begun"}
    assert {each.backfill_id for each in rows.values()} == {LIVE}
    assert windows.claim(known.id, owner="us", length=LEASE) is None
    assert [each.act for each in store.operations.acts(5)] == ["backfill cancelled"]


def test_a_paused_backfill_gives_no_window(
    backfills: BackfillStore, windows: WindowStore, store: Store
) -> None:
    known = begin(backfills, store)
    backfills.change(known.id, BackfillState.PAUSED, BY)

    assert windows.claim(known.id, owner="one", length=LEASE) is None

    backfills.change(known.id, BackfillState.RUNNING, BY)
    assert windows.claim(known.id, owner="one", length=LEASE) is not None


def test_an_unreadable_document_of_a_backfill_holds_no_sweep_back(
    backfills: BackfillStore, windows: WindowStore, store: Store, clock: HandClock
) -> None:
    known = begin(backfills, store, 1)
    old = Unreadable(mark="odd", reason="no fields", created_on=NOON - 1.5 * YEAR)
    windows.store_stretch(claim(windows, known), [], rest=DONE, unreadable=[old])
    checkpoint = Checkpoint(pipeline="invoices", listed_until=NOON, moved_at=NOON, open_since=NOON)

    store.record_listing("invoices", [], checkpoint)

    assert store.checkpoint("invoices") == checkpoint
    assert [note.unreadable.mark for note in store.unreadable()] == ["odd"]
    backfills.finish(known.id)
    clock.advance(LEASE)
    bring(windows, begin(backfills, store, 1))
    assert store.unreadable() == ()
