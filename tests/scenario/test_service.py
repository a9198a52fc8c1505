"""`run` as an operator meets it: signals, files that change, credentials that are rotated."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import httpx

from tests.scenario.conftest import APPROVED, BATCH, GOOD, Cli, World
from tests.scenario.test_survival import (
    PATIENCE,
    assert_each_delivered_once,
    created_headers,
    start,
    until_quiet,
    wait_for,
)

SCHEDULE = "    target: crm\n    schedule: {every: 1s}\n"


@contextmanager
def running(world: World) -> Iterator[subprocess.Popen[bytes]]:
    """Run the service until the block ends; it must end by SIGTERM with 0."""
    process = start(world, "run")
    try:
        yield process
    finally:
        process.terminate()
        code = process.wait(PATIENCE)
    assert code == 0


def logged(world: World, event: str) -> list[dict[str, Any]]:
    """Give the log lines of one kind so far."""
    text = (world.config.parent / "process.log").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [line for line in lines if line["event"] == event]


def approved(world: World) -> int:
    return len(world.running.salesforce.rows("Invoice__c"))


def test_a_stop_says_what_it_leaves(world: World) -> None:
    world.edit("pipelines:\n", "service: {workers: 1}\n\npipelines:\n")
    process = start(world, "run")
    wait_for(lambda: approved(world) >= BATCH)

    process.terminate()

    assert process.wait(PATIENCE) == 0
    [left] = logged(world, "service.leaves")
    assert left["pipeline"] == "invoices-to-crm"
    assert left["pending"] + left["delivered"] > 0
    until_quiet(world)
    assert_each_delivered_once(world)
    assert set(created_headers(world).values()) == {1}


def test_a_mapping_that_is_corrected_while_it_runs_is_used(world: World, cli: Cli) -> None:
    world.edit("    target: crm\n", f"{SCHEDULE}    halt_after: 0\n")
    world.edit_mapping("InvoiceTotal.amount, type: decimal", "NoSuchTotal.amount, type: decimal")
    with running(world):
        wait_for(lambda: len(logged(world, "delivery.dead")) >= BATCH)
        world.edit_mapping("NoSuchTotal.amount, type: decimal", "InvoiceTotal.amount, type: decimal")
        wait_for(lambda: bool(logged(world, "config.read")))

        def arrived_after_a_replay() -> bool:
            # What was under way with the old mapping may still die of it.
            chosen = ("--state", "dead", "--yes", "--reason", "repaired")
            cli("deliveries", "replay", *chosen, "-c", world.config)
            return approved(world) == GOOD

        wait_for(arrived_after_a_replay)


def test_a_broken_configuration_is_refused_shown_and_replaced_by_its_correction(
    world: World, cli: Cli
) -> None:
    world.edit("    target: crm\n", SCHEDULE)
    with running(world) as process:
        wait_for(lambda: approved(world) == GOOD)
        world.edit("target: crm", "target: crn")
        process.send_signal(signal.SIGHUP)
        wait_for(lambda: bool(logged(world, "config.refused")))
        # The file is wrong for every command: what the service says is read with the right one.
        broken = world.config.read_text(encoding="utf-8")
        right = world.config.with_name("right.yaml")
        right.write_text(broken.replace("crn", "crm"), encoding="utf-8")

        def shown() -> str:
            [replica] = cli("status", "-c", right, "-o", "json").json["replicas"] or [{}]
            return str(replica.get("config_refused"))

        wait_for(lambda: "crn" in shown())
        assert "it refuses the configuration" in cli("status", "-c", right).out
        world.edit("target: crn", "target: crm")
        wait_for(lambda: bool(logged(world, "config.read")))
        wait_for(lambda: shown() == "None")
    assert cli("status", "-c", world.config, "-o", "json").json["replicas"] == []


def test_a_rotated_docflo_key_is_picked_up_under_load_and_no_document_dies(world: World) -> None:
    docflo = world.running.docflo
    with running(world):
        wait_for(lambda: len(docflo.journal.effects) >= 10)
        docflo.api_keys = {"another-key": docflo.api_keys["sandbox-key"]}
        wait_for(lambda: bool(logged(world, "breaker.open")))
        write_atomically(world, "docflo-api-key", "another-key\n")
        wait_for(lambda: approved(world) == GOOD)
        # A probe may have read the new key before the errand that watches the file came round.
        wait_for(lambda: bool(logged(world, "secrets.changed")))

    until_quiet(world)
    assert_each_delivered_once(world)
    assert {line["error"] for line in logged(world, "delivery.dead")} <= {"MappingError", "RejectedError"}


def test_a_rotated_salesforce_secret_is_picked_up_under_load_and_no_document_dies(world: World) -> None:
    salesforce = world.running.salesforce
    with running(world):
        wait_for(lambda: approved(world) >= BATCH)
        cast("dict[str, str]", salesforce.clients)["sandbox-consumer"] = "another-secret"
        salesforce.revoke_tokens()
        wait_for(lambda: bool(logged(world, "breaker.open")))
        write_atomically(world, "salesforce-consumer-secret", "another-secret\n")
        wait_for(lambda: approved(world) == GOOD)

    until_quiet(world)
    assert_each_delivered_once(world)
    assert set(created_headers(world).values()) == {1}


def write_atomically(world: World, name: str, value: str) -> None:
    secrets = world.config.parent / "secrets"
    (secrets / "new").write_text(value, encoding="utf-8")
    os.replace(secrets / "new", secrets / name)  # noqa: PTH105 as a mounted volume does it


def test_a_service_that_stood_still_lists_late_and_misses_nothing(world: World) -> None:
    world.edit("    target: crm\n", SCHEDULE)
    with running(world) as process:
        wait_for(lambda: approved(world) == GOOD)
        process.send_signal(signal.SIGSTOP)
        time.sleep(4)  # that it stands still is the point: several listings become late
        listed = len(logged(world, "discover.listed"))
        process.send_signal(signal.SIGCONT)
        wait_for(lambda: len(logged(world, "discover.listed")) >= listed + 2)

    assert logged(world, "schedule.missed") == []


def test_a_paused_pipeline_is_neither_listed_nor_delivered_until_it_is_resumed(
    world: World, cli: Cli
) -> None:
    world.edit("    target: crm\n", SCHEDULE)
    cli("pipelines", "pause", "invoices-to-crm", "--reason", "month end", "-c", world.config)
    with running(world):
        wait_for(lambda: bool(logged(world, "discover.paused")))
        paused = cli("status", "-c", world.config)
        assert world.running.docflo.journal.count()["list"] == 0
        cli("pipelines", "resume", "invoices-to-crm", "--reason", "closed", "-c", world.config)
        wait_for(lambda: approved(world) == GOOD)

    assert "invoices-to-crm is paused since" in paused.out
    assert "month end" in paused.out
    acts = cli("deliveries", "acts", "-c", world.config, "-o", "json").json
    assert [act["act"] for act in acts] == ["resume", "pause"]


def test_a_paused_and_halted_pipeline_asks_what_to_lift(world: World, cli: Cli) -> None:
    world.edit_mapping("InvoiceTotal.amount", "NoSuchTotal.amount")
    cli("sync", "-c", world.config)
    cli("pipelines", "pause", "invoices-to-crm", "--reason", "month end", "-c", world.config)
    resume = ("pipelines", "resume", "invoices-to-crm", "--reason", "r", "-c", world.config)

    asked = cli(*resume)
    lifted = cli(*resume, "--lift", "pause")
    status = cli("status", "-c", world.config, "-o", "json").json["pipelines"]["invoices-to-crm"]

    assert (asked.code, lifted.code) == (2, 0)
    assert "--lift pause" in asked.err
    assert (status["paused"], status["halted"]["error"]) == (None, "MappingError")


def test_in_a_maintenance_window_only_the_target_is_left_alone(world: World, cli: Cli) -> None:
    world.edit("    target: crm\n", '    target: crm\n    maintenance: [{begin: "00:00", end: "00:00"}]\n')

    during = cli("sync", "-c", world.config, "-o", "json").json["pipelines"]["invoices-to-crm"]
    is_untouched = world.running.salesforce.rows("Invoice__c") == ()
    world.edit('    maintenance: [{begin: "00:00", end: "00:00"}]\n', "")
    cli("sync", "-c", world.config)

    assert (during["new"], during["delivered"]) == (APPROVED, 0)
    assert is_untouched
    assert approved(world) == GOOD


def test_a_process_shows_how_long_its_token_lasts(world: World) -> None:
    with running(world):
        wait_for(lambda: approved(world) >= BATCH)
        page = f"{logged(world, 'web.listens')[-1]['address']}/connections"
        wait_for(lambda: "access token, issued" in httpx.get(page, timeout=60.0).text)
        shown = httpx.get(page, timeout=60.0).text

    assert "its end is not told by the server; the next is fetched when this one is refused" in shown
