"""What a Docflo server may do to a listing, over real HTTP: every approved document arrives, once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import pytest

from connector.cli.bar import Bar
from connector.cli.cycle import Cycle, run_cycle
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.ledger.delivery import State
from connector.pipeline.discover import discover, sweep
from connector.sandbox.docflo import SandboxDocument, generate_documents
from connector.wiring import Connector, connect
from tests.factories import HandClock
from tests.scenario.conftest import APPROVED, GOOD, Cli, World

NAME = "invoices-to-crm"


def _cycle(world: World, clock: HandClock | None = None, *, full: bool = False) -> Cycle:
    with connect(open_session(world.config), clock=clock or HandClock(now=utc_now())) as connector:
        return run_cycle(connector, full=full, bar=Bar("test"))


def _approved(world: World) -> set[str]:
    return {
        document.id
        for document in world.running.docflo.documents.values()
        if document.type == "invoice" and world.running.docflo.status(document.id) == "APPROVED"
    }


def _delivered(world: World) -> list[str]:
    return sorted(
        row["Docflo_Id__c"].rpartition(":")[2] for row in world.running.salesforce.rows("Invoice__c")
    )


def _hold(world: World, documents: list[SandboxDocument]) -> list[str]:
    """Let Docflo hold these documents and no others."""
    for document_id in tuple(world.running.docflo.documents):
        world.running.docflo.remove(document_id)
    for document in documents:
        world.running.docflo.add(document)
    return sorted(document.id for document in documents)


def _invoices(number: int, created_on: Callable[[int], datetime]) -> list[SandboxDocument]:
    made = generate_documents(number, seed="discovery", now=utc_now())
    return [replace(document, created_on=created_on(place)) for place, document in enumerate(made)]


@pytest.mark.parametrize(
    "ignored",
    [
        {"skip"},
        {"sortBy", "sortOrder"},
        {"status"},
        {"type"},
        {"createdFrom"},
        {"status", "type", "sortBy", "sortOrder", "createdFrom"},
        {"skip", "sortBy", "sortOrder"},
    ],
    ids=lambda ignored: "+".join(sorted(ignored)),
)
@pytest.mark.parametrize("max_top", [20, 6])
def test_a_server_that_ignores_what_it_is_asked_loses_nothing(
    world: World, ignored: set[str], max_top: int
) -> None:
    world.running.docflo.list_so(ignored=ignored, max_top=max_top)
    approved = _approved(world)

    cycle = _cycle(world)

    assert cycle.errors == []
    assert cycle.discovered[0].matched == len(approved) == APPROVED
    assert len(_delivered(world)) == len(set(_delivered(world))) == GOOD
    assert set(_delivered(world)) <= approved


@pytest.mark.parametrize("ignored", [set(), {"skip"}], ids=["skip", "no skip"])
def test_a_server_that_knows_days_only_loses_nothing(world: World, ignored: set[str]) -> None:
    world.running.docflo.list_so(ignored=ignored, whole_days=True)

    _cycle(world)
    _cycle(world, full=True)

    assert len(_delivered(world)) == GOOD


def test_300_documents_with_one_creation_time_arrive(world: World) -> None:
    moment = utc_now() - timedelta(days=1)
    held = _hold(world, _invoices(300, lambda _: moment))

    _cycle(world)

    assert _delivered(world) == held


def test_300_documents_with_one_creation_time_and_no_skip_stop_loudly(world: World, cli: Cli) -> None:
    moment = utc_now() - timedelta(days=1)
    _hold(world, _invoices(300, lambda _: moment))
    world.running.docflo.list_so(ignored={"skip"})

    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.code == 2
    assert ran.json["errors"][0]["error"] == "UnexpectedResponseError"
    assert cli("checkpoint", "show", "--config", world.config, "-o", "json").json[0]["listed_until"] is None


@pytest.mark.parametrize("ignored", [set(), {"sortBy", "sortOrder"}], ids=["oldest first", "newest first"])
def test_documents_that_arrive_and_leave_while_paging_hide_no_other(world: World, ignored: set[str]) -> None:
    docflo = world.running.docflo
    pages = count()
    leaving = sorted(_approved(world))[::2]
    arriving = generate_documents(30, seed="late", now=utc_now())

    def before_page() -> None:
        page = next(pages)
        if page in {1, 2, 3}:
            for document_id in leaving[page * 5 : page * 5 + 5]:
                docflo.put_status(document_id, "REQUIRES_VALIDATION")
            for document in arriving[page * 5 : page * 5 + 5]:
                docflo.add(document)

    docflo.list_so(ignored=ignored, before_page=before_page)
    staying = _approved(world) - set(leaving)

    first = _cycle(world)
    docflo.list_so()
    for document_id in leaving:
        docflo.put_status(document_id, "APPROVED")
    second = _cycle(world)

    dead = {delivery.document_id for delivery in (*first.dead, *second.dead)}
    assert first.discovered[0].matched >= len(staying)
    assert len(_delivered(world)) == len(set(_delivered(world))) == GOOD + 15
    assert _approved(world) <= set(_delivered(world)) | dead


def test_a_document_approved_long_after_its_creation_arrives_with_the_sweep(world: World) -> None:
    now = utc_now()
    world.edit(f"since: {(now - timedelta(days=60)).date()}", f"since: {(now - timedelta(days=400)).date()}")
    late = replace(_invoices(1, lambda _: now - timedelta(days=300))[0], id="late")
    world.running.docflo.add(late)
    world.running.docflo.put_status("late", "REQUIRES_VALIDATION")
    clock = HandClock(now=now)
    _cycle(world, clock, full=True)
    with connect(open_session(world.config), clock=clock) as connector:
        mark = connector.store.checkpoint(NAME)
    world.running.docflo.put_status("late", "APPROVED")

    _cycle(world, clock)
    tail = _delivered(world)
    world.running.docflo.journal.forget()
    _cycle(world, clock, full=True)

    assert mark is not None
    assert mark.open_since is not None
    assert abs(mark.open_since - (late.created_on - timedelta(days=3))) < timedelta(seconds=1)
    assert "late" not in tail
    assert "late" in _delivered(world)


def test_a_sweep_begins_at_the_mark_and_the_mark_follows_what_is_approved(world: World) -> None:
    clock = HandClock(now=utc_now())
    _cycle(world, clock, full=True)

    with connect(open_session(world.config), clock=clock) as connector:
        sweep(connector.pipelines[0], connector.work())
        point = connector.store.checkpoint(NAME)

    # Nothing in the demo waits for longer than the lookback, and the mark is never later than that.
    assert point is not None
    assert point.open_since == clock.now - timedelta(days=30)
    listings = [
        dict(request.query)
        for request in world.running.docflo.journal.requests
        if request.operation == "list"
    ]
    starts = [query["createdFrom"][:16] for query in listings if query.get("status") == "APPROVED"]
    assert starts[-1] == f"{point.open_since:%Y-%m-%dT%H:%M}"
    assert starts[0] < starts[-1]


@pytest.mark.parametrize(
    "ignored",
    [{"sortBy", "sortOrder"}, {"status"}, {"createdTo"}],
    ids=lambda ignored: "+".join(sorted(ignored)),
)
def test_without_proof_of_the_oldest_open_document_there_is_no_mark(world: World, ignored: set[str]) -> None:
    world.running.docflo.list_so(ignored=ignored)

    _cycle(world, full=True)

    with connect(open_session(world.config)) as connector:
        point = connector.store.checkpoint(NAME)
    assert point is not None
    assert point.open_since is None


def test_another_type_or_an_earlier_since_lists_from_the_beginning(world: World) -> None:
    now = utc_now()
    old = replace(_invoices(1, lambda _: now - timedelta(days=300))[0], id="old")
    world.running.docflo.add(old)
    clock = HandClock(now=now)
    _cycle(world, clock, full=True)
    assert "old" not in _delivered(world)

    world.edit(f"since: {(now - timedelta(days=60)).date()}", f"since: {(now - timedelta(days=400)).date()}")
    _cycle(world, clock)

    assert "old" in _delivered(world)


def _edit_total(world: World, cli: Cli, document_id: str) -> None:
    total = 'InvoiceTotal={"amount": 119.00, "currencyCode": "EUR"}'
    edited = cli("api", "update-fields", document_id, total, "--config", world.config)
    assert edited.code == 0, edited.err


def _total(world: World, document_id: str) -> str:
    (row,) = (
        row
        for row in world.running.salesforce.rows("Invoice__c")
        if row["Docflo_Id__c"].endswith(document_id)
    )
    return str(row["Total__c"])


def test_an_edit_after_delivery_is_delivered_into_the_same_record(world: World, cli: Cli) -> None:
    _cycle(world)
    edited = _delivered(world)[0]
    _edit_total(world, cli, edited)

    cycle = _cycle(world, full=True)

    assert cycle.discovered[0].listed.changed_after_delivery == 1
    assert _total(world, edited) == "119.00"
    assert len(_delivered(world)) == GOOD
    assert _cycle(world, full=True).discovered[0].listed.changed_after_delivery == 0


def test_an_edit_that_is_held_waits_for_a_person(world: World, cli: Cli) -> None:
    world.edit("    target: crm\n", "    target: crm\n    on_change: hold\n")
    _cycle(world)
    edited = _delivered(world)[0]
    before = _total(world, edited)
    _edit_total(world, cli, edited)

    ran = cli("sync", "--sweep", "--config", world.config, "--output", "json")

    assert ran.code == 4
    assert ran.json["pipelines"][NAME]["held"] == 1
    assert _total(world, edited) == before
    (held,) = (
        row
        for row in cli("deliveries", "list", "--state", "dead", "--config", world.config, "-o", "json").json
        if row["error"] == "ChangedAfterDelivery"
    )
    assert cli("deliveries", "replay", held["id"], "--config", world.config).code == 0
    _cycle(world)
    assert _total(world, edited) == "119.00"


def test_an_edit_that_is_ignored_is_counted_once(world: World, cli: Cli) -> None:
    world.edit("    target: crm\n", "    target: crm\n    on_change: ignore\n")
    world.edit("        status: CONFIRMED\n", "")
    _cycle(world)
    edited = _delivered(world)[0]
    before = _total(world, edited)
    _edit_total(world, cli, edited)

    counted = [_cycle(world).discovered[0].listed.ignored for _ in range(2)]

    assert counted == [1, 0]
    assert _total(world, edited) == before


def test_an_edit_while_somebody_is_busy_with_the_document_arrives_later(world: World, cli: Cli) -> None:
    clock = HandClock(now=utc_now())
    with connect(open_session(world.config), clock=clock) as connector:
        pipeline, work = connector.pipelines[0], connector.work()
        discover(pipeline, work)
        claims = connector.store.claim(NAME, State.PENDING, limit=1, owner="busy", lease=work.lease)
        edited = claims[0].delivery.document_id
        _edit_total(world, cli, edited)
        busy = discover(pipeline, work)
    clock.advance(timedelta(minutes=16))
    _cycle(world, clock)

    assert busy is not None
    assert busy.listed.busy == 1
    assert _total(world, edited) == "119.00"


@pytest.mark.parametrize("full", [False, True])
def test_our_own_write_back_is_never_an_edit(world: World, *, full: bool) -> None:
    world.edit("        status: CONFIRMED\n", "")
    _cycle(world)

    again = _cycle(world, full=full).discovered[0].listed

    assert (again.unchanged, again.changed, again.changed_after_delivery) == (APPROVED, 0, 0)


def test_a_confirmed_document_that_we_never_delivered_stays_where_it_is(world: World) -> None:
    _cycle(world, full=True)

    assert len(_delivered(world)) == GOOD
    with connect(open_session(world.config)) as connector:
        assert sum(connector.store.counts()[NAME].values()) == APPROVED


def _held_by_other(connector: Connector) -> None:
    assert connector.store.hold(f"discovery {NAME}", owner="other", length=timedelta(minutes=3))


def test_a_second_sync_lists_nothing_and_still_delivers(world: World, cli: Cli) -> None:
    with connect(open_session(world.config)) as connector:
        discover(connector.pipelines[0], connector.work())
        _held_by_other(connector)
    world.running.docflo.journal.forget()

    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.json["busy"] == [NAME]
    assert "list" not in world.running.docflo.journal.count()
    assert len(_delivered(world)) == GOOD


def test_another_process_lists_once_the_lease_of_a_dead_one_has_ended(world: World) -> None:
    clock = HandClock(now=utc_now())
    with connect(open_session(world.config), clock=clock) as connector:
        _held_by_other(connector)
        refused = discover(connector.pipelines[0], connector.work())
        clock.advance(timedelta(minutes=3))
        taken = discover(connector.pipelines[0], connector.work())

    assert refused is None
    assert taken is not None
    assert taken.listed.new == APPROVED


def test_a_listing_whose_lease_was_taken_stores_nothing(world: World) -> None:
    clock = HandClock(now=utc_now())
    with connect(open_session(world.config), clock=clock) as connector:

        def freeze() -> None:
            # As a process that is stopped for longer than its lease, between two requests.
            clock.advance(timedelta(minutes=4))
            _held_by_other(connector)
            world.running.docflo.list_so()

        world.running.docflo.list_so(before_page=freeze)
        cycle = run_cycle(connector, full=False, bar=Bar("test"))

        assert [type(error).__name__ for error in cycle.errors] == ["LeaseLostError"]
        assert connector.store.counts() == {}
        assert connector.store.checkpoint(NAME) is None


def test_a_long_listing_keeps_its_lease(world: World) -> None:
    clock = HandClock(now=utc_now())
    world.running.docflo.list_so(max_top=2, before_page=lambda: clock.advance(timedelta(minutes=1)))

    cycle = _cycle(world, clock)

    assert cycle.errors == []
    assert cycle.discovered[0].listed.new == APPROVED


@pytest.mark.parametrize("skew", [timedelta(minutes=-10), timedelta(minutes=10)])
def test_a_clock_that_differs_by_ten_minutes_loses_nothing(world: World, skew: timedelta) -> None:
    world.edit("documents: {", "documents: {lookback: 0s, ")
    clock = HandClock(now=utc_now() + skew)
    _cycle(world, clock)
    new = _invoices(1, lambda _: utc_now())[0]
    world.running.docflo.add(replace(new, id="new"))

    _cycle(world, clock)

    assert "new" in _delivered(world)


def test_a_checkpoint_is_set_with_a_reason_and_undone(world: World, cli: Cli) -> None:
    cli("sync", "--config", world.config)
    before = cli("checkpoint", "show", "--config", world.config, "-o", "json").json[0]["listed_until"]
    where = ("--config", world.config)
    back = ("checkpoint", "set", NAME, "--listed-until", "2026-01-01", *where)

    assert cli(*back, "--reason", "the mailbox was moved").code == 0
    after = cli("checkpoint", "show", *where, "-o", "json").json[0]["listed_until"]
    undone = cli("checkpoint", "undo", NAME, *where)
    again = cli("checkpoint", "undo", NAME, *where)
    history = cli("checkpoint", "history", NAME, *where, "-o", "json").json

    assert after == "2026-01-01T00:00:00Z"
    assert undone.code == 0
    assert again.code == 2
    assert cli("checkpoint", "show", *where, "-o", "json").json[0]["listed_until"] == before
    assert [row["event"] for row in history] == ["undo", "set", "listed"]
    assert history[1]["reason"] == "the mailbox was moved"
    assert history[1]["actor"]


@pytest.mark.parametrize(
    ("until", "reason", "word"),
    [("2999-01-01", "why not", "future"), ("2026-01-01", " ", "reason"), ("yesterday", "x", "yesterday")],
)
def test_a_checkpoint_is_not_set_to_the_future_or_without_reason(
    world: World, cli: Cli, until: str, reason: str, word: str
) -> None:
    refused = cli(
        *("checkpoint", "set", NAME, "--listed-until", until, "--reason", reason, "--config", world.config)
    )

    assert refused.code == 2
    assert word in refused.err
    assert cli("checkpoint", "history", NAME, "--config", world.config, "-o", "json").json == []


@pytest.mark.parametrize(
    ("ignored", "habits", "words"),
    [
        ({"skip"}, {}, "skip is ignored"),
        ({"sortBy", "sortOrder"}, {}, "sortBy is ignored"),
        ({"status"}, {}, "the status filter is ignored"),
        ({"createdFrom"}, {}, "createdFrom is ignored"),
        (set(), {"whole_days": True}, "createdFrom is read as a day"),
        (set(), {"max_top": 10}, "at most 10"),
        ({"top"}, {}, "top is ignored"),
    ],
)
def test_check_tells_what_the_server_does_not_honour(
    world: World, cli: Cli, ignored: set[str], habits: dict[str, object], words: str
) -> None:
    world.running.docflo.list_so(ignored=ignored, **habits)

    ran = cli("check", "--config", world.config, "--output", "json")

    assert ran.code == 0
    told = [finding["message"] for finding in ran.json if finding["subject"] == "docflo listing"]
    assert [message for message in told if words in message]
    assert world.running.docflo.journal.count()["list"] <= 9


def test_check_sees_that_a_day_is_read_when_the_newest_document_is_alone_in_its_day(
    world: World, cli: Cli
) -> None:
    yesterday = utc_now().replace(hour=0, minute=0, second=1, microsecond=0) - timedelta(days=1)
    _hold(world, _invoices(3, lambda place: yesterday - timedelta(days=place)))
    world.running.docflo.list_so(whole_days=True)

    ran = cli("check", "--config", world.config, "--output", "json")

    assert any("createdFrom is read as a day" in finding["message"] for finding in ran.json)
