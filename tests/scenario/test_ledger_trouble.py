"""The ledger is locked, gone or full for a while, or a replica stands still: nothing is lost or doubled."""

import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from connector.cli.sandbox_setup import sandboxes
from tests.postgres import PostgresServer
from tests.scenario.conftest import BATCH, GOOD, Cli, World, small_docflo, small_world
from tests.scenario.test_survival import (
    PATIENCE,
    assert_each_delivered_once,
    created_headers,
    start,
    until_quiet,
    wait_for,
)

ON_POSTGRESQL = pytest.mark.xdist_group("postgresql")
SMALL, ROOMY = "600k", "64m"


def test_a_database_that_another_program_locks_is_waited_for(world: World, cli: Cli) -> None:
    other = sqlite3.connect(
        world.config.parent / "connector.db", check_same_thread=False, isolation_level=None
    )
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(2, other.rollback)
    release.start()

    ran = cli("sync", "--config", world.config, "--output", "json")

    release.join()
    other.close()
    assert ran.json["pipelines"]["invoices-to-crm"]["completed"] == GOOD
    assert_each_delivered_once(world)


@ON_POSTGRESQL
def test_a_postgresql_that_is_gone_for_a_while_stops_nothing_for_good(
    world: World, cli: Cli, postgres_server: PostgresServer
) -> None:
    url = postgres_server.create()
    name = make_url(url).database
    world.edit("sqlite:///connector.db", url)
    assert cli("database", "upgrade", "--config", world.config).code == 0
    process = start(world, "run")
    try:
        wait_for(lambda: len(world.running.salesforce.rows("Invoice__c")) >= BATCH)
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        postgres_server.run(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 our own
        )
        log = world.config.parent / "process.log"
        wait_for(lambda: "UnavailableError" in log.read_text(encoding="utf-8"))
        assert process.poll() is None
    finally:
        postgres_server.run(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        process.terminate()
        process.wait(PATIENCE)

    until_quiet(world)

    assert_each_delivered_once(world)
    assert set(created_headers(world).values()) == {1}


@ON_POSTGRESQL
def test_a_replica_that_stands_still_and_wakes_up_late_doubles_nothing(
    world: World, cli: Cli, postgres_url: str
) -> None:
    world.edit("sqlite:///connector.db", postgres_url)
    world.edit("pipelines:\n", "service: {lease: 2s}\n\npipelines:\n")
    assert cli("database", "upgrade", "--config", world.config).code == 0
    sleeper = start(world, "run")
    try:
        wait_for(lambda: len(world.running.salesforce.rows("Invoice__c")) >= BATCH)
        sleeper.send_signal(signal.SIGSTOP)
        other = start(world, "run")
        try:
            wait_for(lambda: len(world.running.salesforce.rows("Invoice__c")) == GOOD)
            sleeper.send_signal(signal.SIGCONT)
        finally:
            other.terminate()
            other.wait(PATIENCE)
    finally:
        sleeper.send_signal(signal.SIGCONT)
        sleeper.terminate()
        sleeper.wait(PATIENCE)

    until_quiet(world)

    assert_each_delivered_once(world)
    assert set(created_headers(world).values()) == {1}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that is nearly full from the start."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = os.geteuid() == 0 and _run("mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", folder)
    if not made:
        pytest.skip("needs root, to make a small file system")
    yield folder
    _run("umount", "--lazy", folder)


def _run(*command: object) -> bool:
    return subprocess.run([*map(str, command)], check=False, capture_output=True).returncode == 0  # noqa: S603 mount


def test_a_full_disk_is_a_clear_stop_and_nothing_is_lost(small_disk: Path, cli: Cli) -> None:
    with sandboxes(docflo=small_docflo()) as running:
        world = small_world(small_disk, running)

        full = cli("sync", "--config", world.config)

        assert full.code == 75
        assert "full" in full.err + full.out
        assert "Traceback" not in full.err
        assert _run("mount", "-o", f"remount,size={ROOMY}", small_disk)
        until_quiet(world)
        assert_each_delivered_once(world)
        assert set(created_headers(world).values()) == {1}
