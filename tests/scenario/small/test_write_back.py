"""Who writes back what was just delivered, and what is not sent again."""

import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from connector.ledger.delivery import Claim, State
from connector.pipeline.advance import advance
from connector.pipeline.definition import Pipeline
from connector.pipeline.deliver import deliver
from connector.pipeline.discover import discover
from connector.pipeline.pace import Pace
from connector.pipeline.prepare import Prepared, prepare
from connector.pipeline.work import Work
from connector.pipeline.write_back import write_back
from connector.sandbox.faults import Fault
from tests.scenario.conftest import World
from tests.scenario.small.world import APPROVED, NAME, assert_each_once, connected, cycle, until_quiet

BATCH = 3  # of the target, in a small world


def sent(world: World) -> Counter[str]:
    return Counter(each.operation for each in world.running.docflo.journal.requests)


def test_who_delivered_a_batch_writes_it_back_without_claiming_it_again(small_world: World) -> None:
    with connected(small_world) as connector:
        [pipeline] = connector.pipelines
        discover(pipeline, connector.work())

        assert advance(pipeline, connector.work())

        counts = connector.store.counts()[NAME]
    assert counts == {State.COMPLETED: BATCH, State.PENDING: APPROVED - BATCH}


def test_what_is_more_than_a_worker_writes_back_at_once_is_left_to_the_others_who_are_told(
    small_world: World,
) -> None:
    told: list[bool] = []
    pace = Pace()
    pace.batch = 1
    with connected(small_world) as connector:
        [pipeline] = connector.pipelines
        discover(pipeline, connector.work())

        advance(pipeline, replace(connector.work(), pace=pace, wake=lambda: told.append(True)))

        counts = connector.store.counts()[NAME]
        assert connector.store.claim(NAME, State.DELIVERED, limit=9, owner="other", lease=timedelta(1))
    assert counts == {State.COMPLETED: 1, State.DELIVERED: BATCH - 1, State.PENDING: APPROVED - BATCH}
    assert told == [True]


def test_one_of_several_workers_delivers_before_there_is_nothing_to_write_back(small_world: World) -> None:
    pace = Pace()
    pace.batch = 1
    with connected(small_world) as connector:
        [pipeline] = connector.pipelines
        discover(pipeline, connector.work())
        advance(pipeline, replace(connector.work(), pace=pace))

        advance(pipeline, replace(connector.work(), pace=pace, workers=2))

        counts = connector.store.counts()[NAME]
    # One, and the two that the pace allows after it.
    assert counts == {State.COMPLETED: 3, State.DELIVERED: 3, State.PENDING: APPROVED - 2 * BATCH}


def test_workers_claim_and_map_in_turns(small_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    maps, may_go_on = threading.Event(), threading.Event()

    def prepare_slowly(claims: Sequence[Claim], pipeline: Pipeline, work: Work) -> Prepared:
        maps.set()
        may_go_on.wait(10)
        return prepare(claims, pipeline, work)

    monkeypatch.setattr("connector.pipeline.deliver.prepare", prepare_slowly)
    with connected(small_world) as connector, ThreadPoolExecutor() as pool:
        [pipeline] = connector.pipelines
        discover(pipeline, connector.work())
        first = pool.submit(advance, pipeline, connector.work())
        maps.wait(10)
        second = pool.submit(advance, pipeline, connector.work())

        assert second.result(10)  # it waited for its turn, and would look again
        left = connector.store.due(NAME, most=99)[State.PENDING]
        may_go_on.set()
        assert first.result(10)

    assert left == APPROVED - BATCH


def test_who_is_told_to_stop_leaves_what_was_delivered_to_the_next_process(small_world: World) -> None:
    with connected(small_world) as connector:
        [pipeline] = connector.pipelines
        discover(pipeline, connector.work())

        advance(pipeline, connector.work(stopping=lambda: True))

        counts = connector.store.counts()[NAME]
        claims = connector.store.claim(NAME, State.DELIVERED, limit=9, owner="next", lease=timedelta(1))
    assert counts[State.DELIVERED] == len(claims) == BATCH
    assert not any(claim.is_takeover for claim in claims)


@pytest.fixture
def throttled(small_world: World) -> World:
    """A world in which Docflo took the fields of one document, and not its status."""
    small_world.running.docflo.faults.add(
        Fault(operation="update_status", kind="status", status=429, headers={"Retry-After": "30"})
    )
    cycle(small_world)
    assert sent(small_world)["update_status"] == sent(small_world)["update_fields"]
    return small_world


def test_fields_that_went_out_before_docflo_throttled_are_not_sent_again(throttled: World) -> None:
    until_quiet(throttled)

    assert sent(throttled)["update_fields"] == APPROVED
    assert sent(throttled)["update_status"] == APPROVED + 1
    assert sent(throttled)["document"] == 0
    assert_each_once(throttled)


def test_fields_that_are_to_hold_something_else_meanwhile_are_sent(throttled: World) -> None:
    throttled.edit("receipt.url", "receipt.id")

    until_quiet(throttled)

    assert sent(throttled)["update_fields"] == APPROVED + 1


def test_a_lost_connection_counts_only_for_the_document_that_met_it(small_world: World) -> None:
    world = small_world
    world.running.docflo.faults.add(Fault(operation="update_fields", kind="drop_before"))
    with connected(world) as connector:
        [pipeline] = connector.pipelines
        discover(pipeline, connector.work())

        advance(pipeline, connector.work())

        attempts = [each.attempts for each in connector.store.find(states=[State.DELIVERED])]
        assert sorted(attempts) == [0] * (BATCH - 1) + [1]
        assert advance(pipeline, connector.work())  # the others are due at once
        assert connector.store.counts()[NAME][State.COMPLETED] == BATCH - 1


def test_connections_lost_between_answers_do_not_pause_docflo(small_world: World) -> None:
    faults = small_world.running.docflo.faults
    with connected(small_world) as connector:
        [pipeline] = connector.pipelines
        discover(pipeline, connector.work())
        for _ in range(2):
            claims = connector.store.claim(NAME, State.PENDING, limit=BATCH, owner="w", lease=timedelta(1))
            deliver(claims, pipeline, connector.work(stopping=lambda: True))  # and not written back
        work = connector.work()

        for _ in range(3):  # of each two the second meets a lost connection
            faults.add(Fault(operation="update_fields", kind="drop_before", after=1))
            claims = connector.store.claim(NAME, State.DELIVERED, limit=2, owner="w", lease=timedelta(1))
            write_back(claims, pipeline, work)

        counts = connector.store.counts()[NAME]
        assert counts[State.COMPLETED] == 3
        assert connector.breakers.open() == ()
