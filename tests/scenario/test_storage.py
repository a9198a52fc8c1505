"""Where the ledger is, and what it keeps: moved to another database, encrypted, forgotten."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from cryptography.fernet import Fernet

from tests.scenario.conftest import GOOD, Cli, World


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
    assert all(b"InvoiceId" in snapshot for snapshot in plain)
    sealed = list(stored(world))
    assert len(sealed) == len(plain)
    assert not [row for row in sealed if b"InvoiceId" in row[1] or b"Number__c" in (row[2] or b"")]
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
