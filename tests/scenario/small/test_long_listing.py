"""A listing larger than the budget of an hour is finished over several, and repeats nothing it has proven."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from connector.clock import utc_now
from connector.errors import ThrottledError, UnavailableError
from connector.pipeline.discover import Listing, discover, sweep
from connector.sandbox.faults import Fault
from connector.wiring import Connector
from tests.factories import HandClock
from tests.scenario.conftest import Cli, World
from tests.scenario.small.world import NAME, a_small_world, connected, invoices

MANY = 60
PAGE = 8  # five new documents a page: twelve pages


@contextmanager
def limited(folder: Path, limit: int, clock: HandClock) -> Iterator[World]:
    with a_small_world(folder, approved=MANY, page_size=PAGE, rate_limit=limit, clock=clock) as world:
        world.edit("  api_key:", f"  requests_per_hour: {limit}\n  api_key:")
        yield world


def list_hour_by_hour(world: World, clock: HandClock, listing: Listing = discover) -> list[int]:
    """List in a new process each hour until the listing is whole; give what the ledger held each time."""
    held = []
    for _ in range(15):
        with connected(world, clock) as connector:
            until = _list(connector, listing)
            held.append(sum(connector.store.counts().get(NAME, {}).values()))
        if until is None:
            return held
        clock.now = until + timedelta(seconds=1)
    pytest.fail("the listing never ends")


def _list(connector: Connector, listing: Listing) -> datetime | None:
    try:
        listing(connector.pipelines[0], connector.work())
    except ThrottledError as error:
        return error.until
    return None


def lists(world: World) -> int:
    return world.running.docflo.journal.count()["list"]


def refusals(world: World) -> list[int]:
    return [each.status for each in world.running.docflo.journal.requests if each.status == 429]


@pytest.mark.parametrize(
    "ignored", [set(), {"sortBy", "sortOrder"}, {"skip"}], ids=["good server", "newest first", "no skip"]
)
def test_a_first_listing_larger_than_an_hour_is_whole_after_a_few(tmp_path: Path, ignored: set[str]) -> None:
    clock = HandClock(now=utc_now())
    with limited(tmp_path, 8, clock) as world:
        world.running.docflo.list_so(ignored=ignored)

        held = list_hour_by_hour(world, clock)

        assert held[-1] == MANY
        assert 1 < len(held) < 10
        assert held[:-1] == sorted(set(held[:-1]))  # further in every hour
        assert refusals(world) == []


def test_nothing_that_was_proven_is_listed_again(tmp_path: Path) -> None:
    clock = HandClock(now=utc_now())
    with limited(tmp_path, 8, clock) as world:
        list_hour_by_hour(world, clock)
        hours = lists(world)
    with limited(tmp_path, 1000, clock) as world:
        list_hour_by_hour(world, clock)

        # One proof an hour, and a page that was not full.
        assert hours <= lists(world) * 2


def test_an_interrupted_listing_is_told_and_goes_on_with_sync(tmp_path: Path, cli: Cli) -> None:
    clock = HandClock(now=utc_now())
    with limited(tmp_path, 16, clock) as world, connected(world, clock) as connector:
        until = _list(connector, sweep)
        status = cli("status", "--config", world.config, "-o", "json").json["pipelines"][NAME]
        words = cli("status", "--config", world.config).out
        assert until is not None

        assert status["listed_until"] is None
        assert status["pending"] > 0
        assert [each["kind"] for each in status["listing"]] == ["swept"]
        assert status["listing"][0]["rest_from"] is not None
        assert "under way" in words
        clock.now = until
        list_hour_by_hour(world, clock, sweep)
        assert cli("status", "--config", world.config, "-o", "json").json["pipelines"][NAME]["listing"] == []


def test_a_listing_that_cannot_be_afforded_sends_nothing(tmp_path: Path) -> None:
    clock = HandClock(now=utc_now())
    with limited(tmp_path, 8, clock) as world, connected(world, clock) as connector:
        _list(connector, discover)
        sent = lists(world)

        assert _list(connector, discover) is not None
        assert lists(world) == sent


def test_a_process_that_is_killed_between_two_stretches_loses_only_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.pipeline.gather.STRETCH", 4)
    clock = HandClock(now=utc_now())
    with limited(tmp_path, 1000, clock) as world, connected(world, clock) as connector:
        world.running.docflo.faults.add(Fault(operation="list", kind="drop_before", after=9, times=1))
        with pytest.raises(UnavailableError):
            discover(connector.pipelines[0], connector.work())
        held = sum(connector.store.counts()[NAME].values())

        assert 0 < held < MANY
        discover(connector.pipelines[0], connector.work())
        assert sum(connector.store.counts()[NAME].values()) == MANY
        assert connector.store.progress(NAME) == {}


def test_deliveries_begin_while_a_long_listing_is_under_way(tmp_path: Path) -> None:
    clock = HandClock(now=utc_now())
    held: list[int] = []
    with limited(tmp_path, 1000, clock) as world, connected(world, clock) as connector:
        store = connector.store
        work = replace(connector.work(), wake=lambda: held.append(sum(store.counts()[NAME].values())))

        discover(connector.pipelines[0], work)

        # Five pages of which each repeats three documents, less the one behind the border.
        assert held == [27, MANY]
        assert lists(world) <= 2 + MANY / (PAGE - 3) + 2  # ends and proofs of two stretches


def test_a_first_sweep_looks_for_no_edits_of_what_was_never_delivered(tmp_path: Path) -> None:
    clock = HandClock(now=utc_now())
    with limited(tmp_path, 1000, clock) as world, connected(world, clock) as connector:

        def done() -> int:
            asked = [each.query.get("status") for each in world.running.docflo.journal.requests]
            return asked.count("CONFIRMED")

        _list(connector, sweep)
        first = done()
        _list(connector, sweep)

        assert (first, done()) == (0, 1)


def test_documents_that_are_approved_or_created_while_a_listing_waits_for_its_budget_arrive(
    tmp_path: Path,
) -> None:
    clock = HandClock(now=utc_now())
    with limited(tmp_path, 16, clock) as world:
        with connected(world, clock) as connector:
            until = _list(connector, sweep)
        assert until is not None
        docflo = world.running.docflo
        late = sorted(
            document.id
            for document in docflo.documents.values()
            if docflo.status(document.id) == "REQUIRES_VALIDATION"
        )
        for document_id in late:
            docflo.put_status(document_id, "APPROVED")
        new = replace(invoices(1, seed="new")[0], id="new", created_on=clock.now)
        docflo.add(new)
        clock.now = until
        list_hour_by_hour(world, clock, sweep)

        held = list_hour_by_hour(world, clock, discover)

        assert held[-1] == MANY + len(late) + 1


def test_a_checkpoint_that_is_set_meanwhile_begins_anew(tmp_path: Path) -> None:
    clock = HandClock(now=utc_now())
    with limited(tmp_path, 8, clock) as world, connected(world, clock) as connector:
        _list(connector, discover)
        assert "listed" in connector.store.progress(NAME)

        connector.store.set_checkpoint(NAME, clock.now - timedelta(days=20), actor="ada", reason="again")

        assert connector.store.progress(NAME) == {}
