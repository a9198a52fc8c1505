"""Loads through the ledger: who claims what, what is held while a job runs, and what a stop leaves behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.clock import utc_now
from connector.ledger.delivery import State
from connector.pipeline.advance import advance, drain
from connector.pipeline.discover import discover
from connector.pipeline.work import Work
from connector.sandbox.faults import Fault
from tests.factories import HandClock
from tests.scenario.conftest import Cli, World
from tests.scenario.small.world import APPROVED, NAME, assert_each_once, connected, cycle, until_quiet

TURN = "load crm"


@pytest.fixture
def loading(small_world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world in which five due documents are a load, however little that saves."""
    monkeypatch.setattr("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6)
    monkeypatch.setattr("connector.pipeline.load_book._SLICE", 0.01)
    monkeypatch.setattr("connector.adapters.salesforce.bulk_jobs._FIRST_LOOK", 0.01)
    small_world.edit(
        "    batch_size: 3\n", "    batch_size: 3\n    bulk_from: 5\n    completion_field: Notes__c\n"
    )
    return small_world


def jobs_and_graphs(world: World) -> tuple[int, int]:
    asked = [each.operation for each in world.running.salesforce.journal.requests]
    return asked.count("bulk_create"), asked.count("graph")


def test_what_is_due_at_once_is_loaded_by_jobs(loading: World) -> None:
    first = cycle(loading)

    assert first.count(State.DELIVERED) == APPROVED
    assert jobs_and_graphs(loading) == (3, 0)
    until_quiet(loading)
    assert_each_once(loading)


def test_answers_that_are_lost_for_long_double_nothing(loading: World) -> None:
    loading.running.salesforce.faults.add(Fault(kind="drop_after", operation="bulk_patch", after=1, times=6))

    until_quiet(loading)

    assert_each_once(loading)


def list_only(world: World, clock: HandClock) -> None:
    """List, and deliver nothing."""
    with connected(world, clock) as connector:
        [pipeline] = connector.pipelines
        discover(pipeline, connector.work())


def stopping_in_a_job(work: Work) -> Callable[[], bool]:
    return lambda: bool(work.store.jobs.of("crm"))


def test_a_stop_in_the_middle_of_a_job_loses_nothing_and_the_next_process_finds_it(loading: World) -> None:
    clock = HandClock(now=utc_now())
    with connected(loading, clock) as connector:
        [pipeline] = connector.pipelines
        list_only(loading, clock)
        work = connector.work()
        stopped = replace(work, stopping=stopping_in_a_job(work))
        advance(pipeline, stopped)

        [job] = connector.store.jobs.of("crm")
        assert len(job.record_keys) == APPROVED
        assert not connector.store.is_held(TURN)
        assert connector.store.due(NAME, most=100)[State.PENDING] == APPROVED
    until_quiet(loading, clock)
    with connected(loading, clock) as connector:
        assert connector.store.jobs.of("crm") == ()
    assert_each_once(loading)


class KilledError(BaseException):
    """What nothing catches: the process is gone."""


def test_after_a_crash_the_job_is_found_shown_and_waited_for_and_its_rows_are_not_sent_again(
    loading: World, cli: Cli
) -> None:
    clock = HandClock(now=utc_now())
    list_only(loading, clock)
    org = loading.running.salesforce
    with connected(loading, clock) as connector:
        [pipeline] = connector.pipelines

        def dies_in_the_job_of_the_lines(_seconds: float) -> None:
            if [each.operation for each in org.journal.requests].count("bulk_create") == 2:
                raise KilledError

        with pytest.raises(KilledError):
            advance(pipeline, replace(connector.work(), rest=dies_in_the_job_of_the_lines))
    shown = cli("status", "--config", loading.config, "--output", "json").json["jobs"]
    assert [(each["target"], each["records"]) for each in shown] == [("crm", APPROVED)]
    assert "may still write 8 records" in cli("status", "--config", loading.config).out
    clock.advance(timedelta(minutes=16))

    until_quiet(loading, clock)

    assert_each_once(loading)
    uploads = [each.body for each in org.journal.requests if each.operation == "bulk_upload"]
    assert sum(b"Docflo_Key__c" in body for body in uploads) == 1
    assert cli("status", "--config", loading.config, "--output", "json").json["jobs"] == []


def test_nobody_claims_for_a_second_load_while_one_is_under_way(loading: World) -> None:
    clock = HandClock(now=utc_now())
    list_only(loading, clock)
    with connected(loading, clock) as connector:
        [pipeline] = connector.pipelines
        held = connector.store.hold(TURN, owner="another", length=timedelta(minutes=15))
        assert held is not None

        assert not advance(pipeline, connector.work())
        assert jobs_and_graphs(loading) == (0, 0)
        connector.store.release(held)
        drain([pipeline], connector.work(), stop=lambda: False)
    assert jobs_and_graphs(loading) == (3, 0)


def test_what_a_load_holds_is_renewed_while_its_jobs_last(
    loading: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.adapters.salesforce.bulk_jobs._FIRST_LOOK", 0.2)  # twenty slices
    clock = HandClock(now=utc_now())
    list_only(loading, clock)
    minutes = 0
    with connected(loading, clock) as connector:
        [pipeline] = connector.pipelines

        def a_minute_passes(_seconds: float) -> None:
            nonlocal minutes
            minutes += 1
            if minutes <= 50:  # a job is given up after an hour, and a busy machine takes its time
                clock.advance(timedelta(minutes=1))
            lease = connector.config.service.lease
            assert not connector.store.claim(NAME, State.PENDING, limit=9, owner="another", lease=lease)
            assert connector.store.is_held(TURN)

        work = replace(connector.work(), rest=a_minute_passes)
        held = work.write_backs_at_once  # as many as who delivered them writes back
        advance(pipeline, work)

        counts = connector.store.counts()[NAME]
    assert counts == {State.COMPLETED: held, State.DELIVERED: APPROVED - held}
    assert minutes > 45  # three leases


def test_a_worker_that_stood_still_until_others_took_over_sends_nothing_more(
    loading: World,
) -> None:
    clock = HandClock(now=utc_now())
    list_only(loading, clock)
    org = loading.running.salesforce
    with connected(loading, clock) as connector:
        [pipeline] = connector.pipelines
        lease = connector.config.service.lease

        def stands_still(_seconds: float) -> None:
            clock.advance(2 * lease)
            connector.store.claim(NAME, State.PENDING, limit=9, owner="another", lease=lease)

        advance(pipeline, replace(connector.work(), rest=stands_still))

        assert connector.store.counts()[NAME] == {State.PENDING: APPROVED}
        assert len(connector.store.jobs.of("crm")) == 1
    assert [each.operation for each in org.journal.requests].count("bulk_create") == 1
    clock.advance(timedelta(hours=1))
    until_quiet(loading, clock)
    assert_each_once(loading)
