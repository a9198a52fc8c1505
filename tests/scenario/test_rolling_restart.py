"""Two replicas are replaced one after the other while documents arrive."""

import itertools
import time

import pytest

from connector.clock import utc_now
from connector.sandbox.docflo.generate import generate_documents
from tests.scenario.conftest import GOOD, Cli, World
from tests.scenario.test_service import SCHEDULE, approved
from tests.scenario.test_survival import PATIENCE, created_headers, start, until_quiet, wait_for

LEASE = 15.0


@pytest.mark.xdist_group("postgresql")
def test_a_rolling_restart_leaves_no_gap_longer_than_the_lease(
    world: World, cli: Cli, postgres_url: str
) -> None:
    world.edit("sqlite:///connector.db", postgres_url)
    world.edit("    target: crm\n", SCHEDULE)
    world.edit("pipelines:\n", f"service: {{lease: {LEASE:.0f}s}}\n\npipelines:\n")
    assert cli("database", "upgrade", "--config", world.config).code == 0
    arriving = iter(generate_documents(60, seed="rolling", now=utc_now()))
    replicas = [start(world, "run"), start(world, "run")]
    wait_for(lambda: approved(world) >= GOOD)
    moments, codes, last = [time.monotonic()], [], approved(world)
    for _ in range(2):
        replicas.append(start(world, "run"))
        old = replicas.pop(0)
        for number, document in enumerate(itertools.islice(arriving, 30)):
            world.running.docflo.add(document)
            if number == 10:
                old.terminate()
            time.sleep(0.1)  # documents arrive while other processes are at work
            if approved(world) > last:
                last = approved(world)
                moments.append(time.monotonic())
        codes.append(old.wait(PATIENCE))
    wait_for(lambda: approved(world) == GOOD + 60)
    moments.append(time.monotonic())
    for each in replicas:
        each.terminate()
    codes += [each.wait(PATIENCE) for each in replicas]

    until_quiet(world)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert codes == [0, 0, 0, 0]
    assert max(gaps) <= LEASE
    assert set(created_headers(world).values()) == {1}
    assert all(
        world.running.docflo.status(name) == "CONFIRMED"
        for name, document in world.running.docflo.documents.items()
        if "ErpId" in document.fields
    )
