"""SIGKILL in the middle of a load by jobs: the next process finds the job, and sends nothing twice."""

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.cli.crash_child import PAUSE, Order
from connector.cli.crash_matrix import KILLED, Forks
from connector.crashpoint import COUNT, Point
from connector.sandbox.salesforce import SalesforceSandbox
from connector.sandbox.salesforce.api import operation_of
from connector.sandbox.salesforce.options import Options
from connector.sandbox.server import SandboxServer
from tests.scenario.conftest import World
from tests.scenario.small.world import a_small_world, assert_each_once

LINES, MARKERS = 2, 3  # jobs of a load; the first is that of the headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """When the process dies: at the first request of this kind within one of the jobs."""

    operation: str
    job: int = LINES
    is_done: bool = True  # Salesforce has done what was asked; the answer never arrives


class Executioner:
    """Stands before an org and kills whoever asks at the moment."""

    def __init__(self, org: SalesforceSandbox, moment: Moment | None, alive: Path) -> None:
        self._org = org
        self._moment = moment
        self._alive = alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        moment = self._moment
        is_due = scope["type"] == "http" and moment is not None and self._is_in(moment, scope)
        if not is_due or moment is None:
            await self._org.app(scope, receive, send)
            return
        self._moment = None
        if moment.is_done:
            await self._org.app(scope, receive, _unheard)
        os.kill(int(self._alive.read_text(encoding="ascii")), signal.SIGKILL)

    def _is_in(self, moment: Moment, scope: Scope) -> bool:
        operation = operation_of(scope)
        opened = [each.operation for each in self._org.journal.requests].count("bulk_create")
        return operation == moment.operation and moment.job == opened + (operation == "bulk_create")


async def _unheard(_message: Message) -> None:
    return


@pytest.fixture(scope="module")
def alive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("load") / "alive"


@pytest.fixture(scope="module")
def forks(alive: Path) -> Iterator[Forks]:
    with Forks((sys.executable, "-m", "tests.crash.load_child", str(alive))) as made:
        yield made


@pytest.fixture
def loading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[World]:
    """A world in which five due documents are a load. Indirect parameter: seconds until a job begins."""
    slow = partial(SalesforceSandbox, options=Options(bulk_delay=getattr(request, "param", 0.0)))
    monkeypatch.setattr("connector.cli.sandbox_setup.SalesforceSandbox", slow)
    with a_small_world(tmp_path) as world:
        world.edit(
            "    batch_size: 3\n", "    batch_size: 3\n    bulk_from: 5\n    completion_field: Notes__c\n"
        )
        yield world


def die_and_go_on(forks: Forks, world: World, app: ASGIApp, *, armed: str = COUNT) -> None:
    """Let one connector die, and one that begins when the leases have ended finish."""
    with SandboxServer(app) as door:
        world.edit(world.running.salesforce_url, door.url)
        killed = forks.live(Order(config=str(world.config), armed=armed, ahead=0))
        last = forks.live(Order(config=str(world.config), armed=COUNT, ahead=PAUSE.total_seconds()))
    assert killed.code == KILLED
    assert (last.code, last.waiting) == (0, 0)


def uploads_of_lines(org: SalesforceSandbox) -> int:
    bodies = [each.body for each in org.journal.requests if each.operation == "bulk_upload"]
    return sum(b"Docflo_Key__c" in body for body in bodies)


@pytest.mark.parametrize(
    ("moment", "uploads", "became"),
    [
        pytest.param(Moment(operation="bulk_create"), 1, "Open", id="created, its id nowhere stored"),
        pytest.param(Moment(operation="bulk_upload", is_done=False), 1, "Aborted", id="its id stored"),
        pytest.param(Moment(operation="bulk_upload"), 2, "Aborted", id="uploaded"),
        pytest.param(Moment(operation="bulk_results"), 1, "JobComplete", id="results not heard"),
        pytest.param(Moment(operation="bulk_results", job=MARKERS), 1, "JobComplete", id="last results"),
    ],
)
def test_a_process_killed_in_a_job_leaves_each_document_once_with_its_lines(
    forks: Forks, alive: Path, loading: World, moment: Moment, uploads: int, became: str
) -> None:
    org = loading.running.salesforce

    die_and_go_on(forks, loading, Executioner(org, moment, alive))

    assert_each_once(loading)
    assert uploads_of_lines(org) == uploads
    assert org.job_states()[moment.job - 1] == became
    assert {row["Notes__c"] for row in org.rows("Invoice__c")} == {"complete"}


@pytest.mark.parametrize("loading", [0.4], indirect=True)
@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(Moment(operation="bulk_patch"), id="closed"),
        pytest.param(Moment(operation="bulk_info", is_done=False), id="looked at"),
    ],
)
def test_a_job_that_still_runs_after_a_kill_is_waited_for_and_its_lines_are_not_sent_again(
    forks: Forks, alive: Path, loading: World, moment: Moment
) -> None:
    org = loading.running.salesforce

    die_and_go_on(forks, loading, Executioner(org, moment, alive))

    assert_each_once(loading)
    assert uploads_of_lines(org) == 1
    assert {row["Notes__c"] for row in org.rows("Invoice__c")} == {"complete"}


def test_a_process_killed_between_the_last_results_and_the_ledger_sends_no_line_again(
    forks: Forks, alive: Path, loading: World
) -> None:
    org = loading.running.salesforce

    die_and_go_on(forks, loading, Executioner(org, None, alive), armed=f"{Point.ANSWERED}:1")

    assert_each_once(loading)
    assert uploads_of_lines(org) == 1
