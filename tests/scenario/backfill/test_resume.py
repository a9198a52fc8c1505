"""A backfill that is stopped, by whatever, goes on where it was, and never eats what the live ones need."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

import connector.backfill.run as run_module
from connector.backfill.run import End
from connector.clock import utc_now
from connector.sandbox.docflo.generate import generate_documents
from tests.factories import HandClock
from tests.postgres import PostgresServer
from tests.scenario.backfill.world import (
    NEW,
    OLD,
    PIPELINE,
    assert_old_ones_once,
    begin,
    connected,
    old_ids,
    old_world,
    shown,
    span,
    work_on,
)
from tests.scenario.conftest import Cli, World
from tests.scenario.small.world import cycle

PATIENCE = 120.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with old_world(tmp_path, lease="5s", rate_limit=None) as world:
        yield world


def run(world: World, cli: Cli, *more: object) -> Any:
    return cli("backfill", PIPELINE, *span(), "--config", world.config, "--output", "json", *more)


def start(world: World, *more: str, **environment: str) -> subprocess.Popen[bytes]:
    command = ["backfill", PIPELINE, *span(), "--apply", "--output", "json", *more]
    arguments = [sys.executable, "-m", "connector", *command, "--config", str(world.config)]
    with (world.config.parent / "process.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 our own program
            arguments, stdout=log, stderr=log, env={**os.environ, **environment}
        )


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)  # another process is at work: there is no clock of ours to move


def test_killed_again_and_again_it_finishes_with_nothing_lost_or_doubled(world: World, cli: Cli) -> None:
    for done in (1, OLD // 2):
        process = start(world)
        wait_for(lambda done=done: len(shown(world)) >= done)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    killed_at = len(shown(world))

    ran = run(world, cli, "--apply")

    assert killed_at < OLD
    assert ran.code == 0
    assert ran.json["id"] == 1
    assert_old_ones_once(world, OLD)


def test_sigterm_finishes_what_is_in_flight_and_the_same_command_goes_on(world: World, cli: Cli) -> None:
    process = start(world)
    wait_for(lambda: len(shown(world)) >= 5)

    process.send_signal(signal.SIGTERM)

    assert process.wait(PATIENCE) == 143
    [row] = cli("backfill", "list", "--config", world.config, "--output", "json").json
    assert row["state"] == "running"
    assert row["deliveries"].get("in_doubt", 0) == 0
    assert run(world, cli, "--apply").code == 0
    assert_old_ones_once(world, OLD)


@pytest.mark.xdist_group("postgresql")
def test_two_processes_share_a_backfill_on_one_postgresql(world: World, cli: Cli, postgres_url: str) -> None:
    world.edit("sqlite:///connector.db", postgres_url)
    assert cli("database", "upgrade", "--config", world.config).code == 0
    processes = [start(world), start(world)]

    codes = {process.wait(PATIENCE) for process in processes}

    # One may find the range taken in the moment in which it wanted to begin, and the other at its end.
    assert codes <= {0, 2}
    assert 0 in codes
    assert_old_ones_once(world, OLD)


@pytest.mark.xdist_group("postgresql")
def test_a_ledger_that_goes_away_is_waited_for(
    world: World, cli: Cli, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "TROUBLE", 0.1)
    url = postgres_server.create(template=postgres_server.migrated_template())
    name = make_url(url).database
    world.edit("sqlite:///connector.db", url)
    begin(world)
    config = ("--config", world.config, "--output", "json")
    with ThreadPoolExecutor(1) as threads, connected(world) as connector:
        ended = threads.submit(work_on, connector)
        wait_for(lambda: len(shown(world)) >= 3)
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 our own
        postgres_server.run(cut)
        time.sleep(1.0)  # away, while another thread works
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

        assert ended.result(PATIENCE).why is End.FINISHED
    assert_old_ones_once(world, OLD)
    assert cli("backfill", "show", 1, *config).json["state"] == "finished"


def test_another_range_that_shares_a_part_is_refused_and_the_same_one_joins(world: World, cli: Cli) -> None:
    begin(world)
    config = ("--config", world.config)

    within = cli("backfill", PIPELINE, "--from", "2025-12-01", "--to", "2026-01-01", *config)
    limited = run(world, cli, "--apply", "--limit", 5)
    same = cli("backfill", PIPELINE, *span(), "--apply", *config)

    assert [each.code for each in (within, limited, same)] == [2, 2, 0]
    assert "backfill 1 of invoices-to-crm is not over and shares a part of this range" in within.err
    assert "shares a part" in limited.err
    assert "Backfill 1 has this range already: it goes on." in same.err
    assert_old_ones_once(world, OLD)


def test_a_paused_backfill_is_left_alone_until_it_is_resumed(world: World, cli: Cli) -> None:
    begin(world, listed=True)
    assert cli("backfill", "pause", 1, "--reason", "audit", "--config", world.config).code == 0

    refused = run(world, cli, "--apply")
    status = cli("status", "--config", world.config)
    resumed = cli("backfill", "resume", "--config", world.config)

    assert refused.code == 2
    assert "audit" in refused.err
    assert f"is paused: audit; 0 of {OLD} documents are done" in status.out
    assert resumed.code == 0
    assert_old_ones_once(world, OLD)


def test_a_cancelled_backfill_sends_nothing_and_leaves_its_range_to_another(world: World, cli: Cli) -> None:
    begin(world, listed=True)

    cancelled = cli("backfill", "cancel", 1, "--reason", "wrong year", "--config", world.config)
    cli("sync", "--config", world.config)
    brought = run(world, cli, "--apply")

    assert f"{OLD} documents were listed and never touched" in cancelled.out
    assert brought.json["id"] == 2
    assert brought.json["listed"]["new"] == OLD
    assert old_ids(world) <= shown(world)


def test_a_spent_share_ends_with_75_and_the_live_pipeline_has_the_rest(tmp_path: Path, cli: Cli) -> None:
    with old_world(tmp_path, rate_limit=100) as world:
        ran = run(world, cli, "--apply", "--budget", "50%")

        assert (ran.code, ran.json["ended"]) == (75, "budget")
        assert ran.json["come_back_at"] is not None
        assert len(world.running.docflo.journal.requests) <= 50
        live = cli("sync", "--config", world.config, "--output", "json")
        assert live.code == 0
        assert live.json["pipelines"][PIPELINE]["completed"] == NEW
        again = run(world, cli, "--apply", "--budget", "50%")
        assert again.code == 75
        assert [request.status for request in world.running.docflo.journal.requests].count(429) == 0


def test_live_documents_are_shown_within_their_cycle_while_a_backfill_spends_its_share(
    tmp_path: Path,
) -> None:
    clock = HandClock(now=utc_now())
    late: list[str] = []
    with old_world(tmp_path, old=40, rate_limit=100, clock=clock) as world:  # 88 requests, 70 of them its own
        begin(world)
        docflo = world.running.docflo
        for document in generate_documents(3, seed="live", now=clock()):
            with connected(world, clock) as connector:
                ended = work_on(connector)
            clock.advance(timedelta(minutes=15))
            docflo.add(replace(document, created_on=clock.now))
            cycle(world, clock)
            if docflo.status(document.id) != "CONFIRMED":
                late.append(document.id)

        assert late == []
        assert ended.why is End.BUDGET
        assert {request.status for request in docflo.journal.requests} == {200}
        assert 0 < len(old_ids(world) & shown(world)) < len(old_ids(world))
