"""`backfill` over real HTTP: planned, tried out and done beside the live pipeline."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.scenario.backfill.world import (
    NEW,
    OLD,
    PIPELINE,
    assert_old_ones_once,
    old_ids,
    old_world,
    shown,
    span,
)
from tests.scenario.conftest import BATCH, PAGE, Cli, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with old_world(tmp_path) as world:
        yield world


def spoil(world: World, count: int) -> list[str]:
    """Take the total from the oldest documents: the mapping needs it."""
    docflo = world.running.docflo
    oldest = sorted(old_ids(world), key=lambda each: docflo.documents[each].created_on)[:count]
    for document_id in oldest:
        document = docflo.documents[document_id]
        fields = {name: value for name, value in document.fields.items() if name != "InvoiceTotal"}
        docflo.add(replace(document, fields=fields))
    return oldest


def run(world: World, cli: Cli, *more: object, json: bool = True) -> Any:
    output = ("--output", "json") if json else ()
    return cli("backfill", PIPELINE, *span(), "--config", world.config, *output, *more)


def test_without_apply_it_is_counted_cheaply_and_nothing_is_done(world: World, cli: Cli) -> None:
    ran = run(world, cli)

    assert ran.code == 0
    plan = ran.json
    assert (plan["documents"], plan["to_deliver"], plan["already"]) == (OLD, OLD, {})
    assert plan["requests"]["writes"] == 2 * OLD
    assert plan["target_calls"] == 2 * -(-OLD // BATCH)  # of each batch a query, and a call of graphs
    assert plan["hourly_limit"] == 1000
    assert plan["hours"] == round(plan["requests"]["total"] / 700, 2)
    requests = world.running.docflo.journal.requests
    assert {request.operation for request in requests} == {"list"}
    assert all("includeResults" not in request.query for request in requests)
    assert world.running.salesforce.journal.requests == ()
    assert cli("backfill", "list", "--config", world.config, "--output", "json").json == []


def test_a_plan_says_what_is_delivered_already(world: World, cli: Cli) -> None:
    first = run(world, cli, "--apply", "--limit", 10)
    assert first.code == 0
    assert len(shown(world)) == 10

    plan = run(world, cli).json

    assert plan["already"] == {"completed": 10}
    assert (plan["documents"], plan["to_deliver"]) == (OLD - 10, OLD - 10)


def test_a_backfill_brings_each_old_document_once_and_leaves_the_live_pipeline_alone(
    world: World, cli: Cli
) -> None:
    planned = run(world, cli).json["requests"]["total"]
    world.running.docflo.journal.forget()

    ran = run(world, cli, "--apply")

    assert ran.code == 0
    assert ran.json["ended"] == "finished"
    assert '{"event":"backfill.progress","backfill":1,"pipeline":"invoices-to-crm"' in ran.err
    assert ran.json["deliveries"] == {"completed": OLD}
    assert_old_ones_once(world, OLD)
    sent = world.running.docflo.journal.count()
    assert (sent["update_fields"], sent["update_status"]) == (OLD, OLD)
    assert sent.total() <= planned + OLD // (PAGE - 3) + 5
    [checkpoint] = cli("checkpoint", "show", "--config", world.config, "--output", "json").json
    assert checkpoint["moved_at"] is None


def test_a_target_that_loads_in_bulk_is_given_loads(
    world: World, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6)
    monkeypatch.setattr("connector.pipeline.load_book._SLICE", 0.01)
    monkeypatch.setattr("connector.adapters.salesforce.bulk_jobs._FIRST_LOOK", 0.01)
    bulk = f"    batch_size: {BATCH}\n    bulk_from: {OLD}\n    completion_field: Notes__c\n"
    world.edit(f"    batch_size: {BATCH}\n", bulk)

    ran = run(world, cli, "--apply")

    assert ran.code == 0
    asked = [each.operation for each in world.running.salesforce.journal.requests]
    assert "bulk_create" in asked
    assert "graph" not in asked
    assert_old_ones_once(world, OLD)


def test_the_same_backfill_again_delivers_nothing_again(world: World, cli: Cli) -> None:
    run(world, cli, "--apply")

    again = run(world, cli, "--apply")

    assert again.code == 0
    assert again.json["id"] == 2
    assert_old_ones_once(world, OLD)


def test_a_dry_run_maps_everything_groups_the_problems_and_writes_nothing(world: World, cli: Cli) -> None:
    spoiled = spoil(world, 4)

    ran = run(world, cli, "--dry-run")

    assert ran.code == 4
    found = ran.json["dry_run"]
    assert (found["documents"], found["fit"], found["failed"]) == (OLD, OLD - 4, 4)
    [problem] = [each for each in found["problems"] if "Total__c" in each["place"] + each["problem"]]
    assert problem["documents"] == 4
    assert set(problem["examples"]) < set(spoiled)
    assert {request.method for request in world.running.docflo.journal.requests} == {"GET"}
    assert world.running.salesforce.rows("Invoice__c") == ()
    status = cli("status", "--config", world.config, "--output", "json").json
    assert status["pipelines"][PIPELINE]["pending"] == 0


def test_dead_letters_in_a_row_pause_the_backfill_and_not_the_pipeline(world: World, cli: Cli) -> None:
    spoil(world, 15)
    world.edit("service: {", "service: {workers: 1, ")  # others bring what is in order in between

    ran = run(world, cli, "--apply")

    assert ran.code == 4
    assert (ran.json["state"], ran.json["ended"]) == ("paused", "paused")
    assert "in a row died of MappingError" in ran.json["reason"]
    live = cli("sync", PIPELINE, "--config", world.config, "--output", "json")
    assert live.code == 0
    assert live.json["pipelines"][PIPELINE]["completed"] == NEW

    resumed = cli("backfill", "resume", ran.json["id"], "--config", world.config, "--output", "json")
    assert resumed.code == 4
    assert resumed.json["ended"] == "finished"
    assert resumed.json["errors"] == {"MappingError": 15}


@pytest.fixture(scope="module")
def idle_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Nothing is ever delivered in this one."""
    with old_world(tmp_path_factory.mktemp("idle"), old=3) as world:
        yield world


BAD_INPUT = {
    "from after to": (["--from", "2026-01-01", "--to", "2025-01-01"], "is not before --to 2025-01-01"),
    "an empty range": (["--from", "2026-01-01", "--to", "2026-01-01"], "is not before"),
    "all in the future": (
        ["--from", "2100-01-01", "--to", "2101-01-01"],
        "--from 2100-01-01 lies in the future",
    ),
    "partly in the future": (
        ["--from", "2024-01-01", "--to", "2100-01-01"],
        "--to 2100-01-01 lies in the future",
    ),
    "no date": (["--from", "yesterday"], "--from yesterday is no time"),
    "no time that can be": (["--from", "0001-01-01"], "is no time that a document can have"),
    "no from": (["--to", "2025-01-01"], "--from"),
    "budget of nothing": ([*span(), "--budget", "0%"], "--budget 0% is no share"),
    "budget beyond all": ([*span(), "--budget", "101%"], "--budget 101% is no share"),
    "budget in words": ([*span(), "--budget", "half"], "--budget half is no share"),
    "until no time": ([*span(), "--until", "25:00"], "--until 25:00 is no time of day"),
    "until the past": ([*span(), "--until", "2024-01-01"], "--until 2024-01-01 has passed"),
    "limit of nothing": ([*span(), "--limit", "0"], "--limit"),
    "apply and dry run": ([*span(), "--apply", "--dry-run"], "--apply writes and --dry-run does not"),
}


@pytest.mark.parametrize("mistake", BAD_INPUT)
def test_bad_input_is_refused_and_named(idle_world: World, cli: Cli, mistake: str) -> None:
    options, words = BAD_INPUT[mistake]

    ran = cli("backfill", PIPELINE, *options, "--config", idle_world.config)

    assert ran.code == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert idle_world.running.docflo.journal.requests == ()


def test_a_pipeline_that_does_not_exist_is_refused_with_those_there_are(idle_world: World, cli: Cli) -> None:
    ran = cli("backfill", "invoices-to-erp", *span(), "--config", idle_world.config)

    assert ran.code == 2
    assert "no pipeline named invoices-to-erp; config.yaml has invoices-to-crm" in ran.err


@pytest.mark.parametrize("command", ["show", "pause", "cancel", "resume"])
def test_a_backfill_that_does_not_exist_is_refused(idle_world: World, cli: Cli, command: str) -> None:
    reason = ["--reason", "x"] if command in {"pause", "cancel"} else []

    ran = cli("backfill", command, 99, *reason, "--config", idle_world.config)

    assert ran.code == 2
    assert "backfill 99" in ran.err


def test_resume_without_a_backfill_has_nothing_to_do(idle_world: World, cli: Cli) -> None:
    assert cli("backfill", "resume", "--config", idle_world.config).code == 0
