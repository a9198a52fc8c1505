"""Every fault of the way to an ERP, in front of both: nothing twice, nothing claimed that is not so."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from connector.clock import utc_now
from connector.ledger.delivery import State
from connector.sandbox.erp.habits import Habits
from connector.sandbox.erp.rpc.habits import RpcHabits
from connector.sandbox.erp.rpc.sandbox import RpcErpSandbox
from connector.sandbox.erp.sandbox import ErpSandbox
from connector.sandbox.proxy.spelling import read_fault
from tests.factories import HandClock
from tests.scenario.soap.world import HOUR, Kind, World, invoices, sloppy, soap_world, strict


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A fault that one document's create meets, once; and whether the ERP has the row after it."""

    spelt: str
    row: bool


TROUBLES = (
    Trouble(spelt="drop-before", row=False),
    Trouble(spelt="drop-after", row=True),
    Trouble(spelt="reset-before", row=False),
    Trouble(spelt="reset-after", row=True),
    Trouble(spelt="truncate", row=True),
    Trouble(spelt="redirect-before", row=False),
    Trouble(spelt="redirect-after", row=True),
    Trouble(spelt="throttle-before", row=False),
    Trouble(spelt="throttle-after", row=True),
    Trouble(spelt="gateway-before", row=False),
    Trouble(spelt="gateway-after", row=True),
    Trouble(spelt="accepted-before", row=False),
    Trouble(spelt="accepted-after", row=True),
    Trouble(spelt="login-page-before", row=False),
    Trouble(spelt="login-page-after", row=True),
    Trouble(spelt="empty-after", row=True),
    Trouble(spelt="slow-headers-after", row=True),
    Trouble(spelt="slow-body-after", row=True),
    Trouble(spelt="delay-after:seconds=3", row=True),
    Trouble(spelt="delay-before:seconds=2", row=True),  # the row comes after the caller has left
    Trouble(spelt="huge-after", row=True),
)


def _break(world: World) -> dict[str, Trouble]:
    """Let each document's create meet a trouble of its own; give which."""
    troubled = dict(zip(world.docflo.documents, TROUBLES, strict=True))
    for document_id, trouble in troubled.items():
        fault = read_fault(trouble.spelt)
        world.proxy.plan.add(
            replace(fault, times=1, header=world.kind.create.lower(), body=world.key(document_id))
        )
    return troubled


@pytest.mark.parametrize(
    ("kind", "without_row"), [(strict, State.COMPLETED), (sloppy, State.IN_DOUBT)], ids=["strict", "sloppy"]
)
def test_no_document_is_there_twice_and_none_is_claimed_wrongly(
    tmp_path: Path, kind: Callable[[], Kind], without_row: State
) -> None:
    with soap_world(tmp_path, kind(), invoices(len(TROUBLES))) as world:
        troubled = _break(world)

        world.cycle()
        doubts = {delivery.state for delivery in world.deliveries().values()}
        world.wait_for_the_erp(lambda: all(world.rows(each) for each, met in troubled.items() if met.row))
        world.assert_honest()
        for _ in range(2):
            world.clock.advance(HOUR)
            world.cycle()
            world.assert_honest()

        # Where a lookup can tell and the profile lets it, doubts settle; else a person has the evidence.
        assert doubts == {State.IN_DOUBT}
        for document_id, delivery in world.deliveries().items():
            trouble = troubled[document_id]
            assert (trouble.spelt, delivery.state) == (
                trouble.spelt,
                State.COMPLETED if trouble.row else without_row,
            )
        assert len([entry for entry in world.proxy.entries if entry.fault]) == len(TROUBLES)


def test_random_faults_leave_every_document_there_once(tmp_path: Path) -> None:
    kinds = ("drop-after", "reset-before", "truncate", "gateway-before", "gateway-after", "login-page-after")
    with soap_world(tmp_path, strict(), invoices(6)) as world:
        # Lookups and creates alike, whichever it hits.
        world.proxy.plan.add(*(read_fault(f"{kind}:method=post,rate=0.1") for kind in kinds))

        for _ in range(6):
            world.cycle(full=True)
            world.assert_honest()
            world.clock.advance(HOUR)
        world.proxy.plan.clear()
        for _ in range(3):
            world.cycle(full=True)
            world.clock.advance(HOUR)

        assert {delivery.state for delivery in world.deliveries().values()} == {State.COMPLETED}
        assert {world.rows(each) for each in world.docflo.documents} == {1}
        assert [entry for entry in world.proxy.entries if entry.fault]


def test_a_row_that_lookups_show_late_is_not_made_again(tmp_path: Path) -> None:
    clock = HandClock(now=utc_now())
    erp = ErpSandbox(Habits(lag=timedelta(seconds=20)), clock=clock)
    with soap_world(tmp_path, strict(erp), invoices(3)) as world:
        world.clock = clock
        world.proxy.plan.add(replace(read_fault("drop-after:times=2"), header=world.kind.create.lower()))

        for _ in range(6):
            world.cycle()
            world.assert_honest()
            clock.advance(timedelta(seconds=15))

        assert {delivery.state for delivery in world.deliveries().values()} == {State.COMPLETED}
        assert {world.rows(each) for each in world.docflo.documents} == {1}


def test_four_workers_that_start_at_once_make_one_row_each(tmp_path: Path) -> None:
    erp = ErpSandbox(Habits(work_seconds=0.05))
    with soap_world(tmp_path, strict(erp), invoices(6)) as world:
        gate = threading.Barrier(4)

        def work() -> None:
            gate.wait(timeout=30)
            world.cycle()

        workers = [threading.Thread(target=work) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        world.clock.advance(HOUR)
        world.cycle(full=True)

        assert {world.rows(each) for each in world.docflo.documents} == {1}
        assert {delivery.state for delivery in world.deliveries().values()} == {State.COMPLETED}


def test_a_limit_of_calls_makes_deliveries_wait_and_costs_none_of_their_attempts(tmp_path: Path) -> None:
    erp = ErpSandbox(Habits(concurrency=0))
    with soap_world(tmp_path, strict(erp), invoices(2)) as world:
        world.cycle()
        refused = world.deliveries().values()
        erp.behave(concurrency=None)
        world.clock.advance(HOUR)
        world.cycle()

        assert {(delivery.state, delivery.attempts) for delivery in refused} == {(State.PENDING, 0)}
        assert {delivery.state for delivery in world.deliveries().values()} == {State.COMPLETED}


def test_an_error_after_saving_is_no_refusal(tmp_path: Path) -> None:
    erp = ErpSandbox(Habits(fail_after_save=True))
    with soap_world(tmp_path, strict(erp), invoices(2)) as world:
        world.cycle()
        doubts = {delivery.state for delivery in world.deliveries().values()}
        world.clock.advance(HOUR)
        world.cycle()

        assert doubts == {State.IN_DOUBT}
        assert {delivery.state for delivery in world.deliveries().values()} == {State.COMPLETED}
        assert {world.rows(each) for each in world.docflo.documents} == {1}


def test_a_database_that_is_off_leaves_no_row_and_claims_none(tmp_path: Path) -> None:
    erp = RpcErpSandbox(RpcHabits(database_off=True), namespace="http://www.dolibarr.org/ns/")
    with soap_world(tmp_path, sloppy(erp), invoices(2)) as world:
        world.cycle()
        world.assert_honest()
        erp.behave(database_off=False)
        world.clock.advance(HOUR)
        world.cycle()
        world.assert_honest()

        assert {world.rows(each) for each in world.docflo.documents} <= {0, 1}


def test_a_business_refusal_is_told_in_the_erps_words(tmp_path: Path) -> None:
    erp = ErpSandbox(Habits(suppliers={"nobody"}))
    with soap_world(tmp_path, strict(erp), invoices(1)) as world:
        world.cycle()

        [delivery] = world.deliveries().values()
        assert delivery.state is State.DEAD
        assert delivery.failure is not None
        assert "There is no supplier" in delivery.failure.reason
        assert erp.rows() == ()
