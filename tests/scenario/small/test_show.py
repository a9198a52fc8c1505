"""One delivery's whole story."""

import re
from datetime import timedelta

from connector.clock import utc_now
from connector.sandbox.faults import Fault
from tests.factories import HandClock
from tests.scenario.conftest import Cli, World
from tests.scenario.small.world import until_quiet


def test_the_story_of_a_delivery_with_trouble_is_told_with_a_line_for_each_request(
    small_world: World, cli: Cli
) -> None:
    documents = small_world.running.docflo.documents
    [first, *_] = sorted(
        (each for each in documents if small_world.running.docflo.status(each) == "APPROVED"),
        key=lambda each: documents[each].created_on,
    )
    small_world.running.salesforce.faults.add(Fault(operation="graph", kind="drop_after"))
    small_world.running.docflo.faults.add(
        Fault(operation="update_status", kind="drop_before", containing=first)
    )
    until_quiet(small_world, HandClock(now=utc_now() + timedelta(minutes=1)))

    lines = cli("deliveries", "show", 1, "--all", "-c", small_world.config).out.splitlines()

    assert sum("composite/graph" in line for line in lines) == 2
    assert sum("PATCH" in line for line in lines) == 3
    requests = [line for line in lines if re.search(r"\b(GET|POST|PATCH)\b", line)]
    assert all(re.search(r" (GET|POST|PATCH) /", line) for line in requests)
    for event in ("found", "retry", "delivered", "completed"):
        assert [line for line in lines if event in line], event
