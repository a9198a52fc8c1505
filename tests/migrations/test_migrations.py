"""The migrations make exactly the tables that the program works on."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from connector.ledger.database import Database, open_database
from connector.ledger.tables import MIGRATIONS, metadata
from connector.shipped_files import shipped


@pytest.fixture
def config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    return config


@pytest.fixture
def empty(any_empty_url: str) -> Iterator[Database]:
    opened = open_database(any_empty_url)
    yield opened
    opened.close()


def checks(connection: Connection) -> dict[str, dict[str, str]]:
    inspector = inspect(connection)
    return {
        table: {str(check["name"]): check["sqltext"] for check in inspector.get_check_constraints(table)}
        for table in metadata.tables
    }


def test_migrations_form_one_line_and_the_program_knows_them(config: Config) -> None:
    scripts = ScriptDirectory.from_config(config)

    assert len(scripts.get_heads()) == 1
    assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == MIGRATIONS


def test_upgrade_from_empty_equals_the_tables(empty: Database) -> None:
    empty.upgrade()

    with empty.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_upgrade_from_empty_has_the_same_checks_as_the_tables(empty: Database) -> None:
    empty.upgrade()
    with empty.read() as connection:
        migrated = checks(connection)

    with empty.write() as connection:
        for table in ("alembic_version", *reversed(metadata.sorted_tables)):
            connection.exec_driver_sql(f"DROP TABLE {table}")
        metadata.create_all(connection)
        created = checks(connection)

    assert len(migrated["delivery"]) == 10
    assert migrated == created


def test_downgrade_leaves_nothing_behind(empty: Database, config: Config) -> None:
    empty.upgrade()

    with empty.write() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "base")

    with empty.read() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version", "sqlite_sequence"}
    assert empty.pending_migrations() == MIGRATIONS
    assert empty.upgrade() == MIGRATIONS


def test_deliveries_and_their_stories_live_through_every_later_step(empty: Database, config: Config) -> None:
    row = (
        "INSERT INTO delivery (pipeline, document_id, revision, state, digest, snapshot, found_at, "
        "changed_at, attempts, lease_epoch, due_at) "
        "VALUES ('p', 'd', 1, 'pending', 'x', 'y', '2026-03-02 12:00:00+00:00', "
        "'2026-03-02 12:00:00+00:00', 0, 0, '2026-03-02 12:00:00+00:00')"
    )
    story = (
        "INSERT INTO delivery_event (delivery_id, at, event, to_state, attempt) "
        "SELECT id, found_at, 'found', 'pending', 0 FROM delivery"
    )
    with empty.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(row)
        connection.exec_driver_sql(story)

    empty.upgrade()
    with empty.write() as connection:
        connection.exec_driver_sql(row.replace("'d'", "'e'"))

    with empty.read() as connection:
        found = connection.exec_driver_sql(
            "SELECT d.id, document_id, event FROM delivery d "
            "LEFT JOIN delivery_event e ON d.id = delivery_id ORDER BY d.id"
        ).all()
    assert [tuple(each) for each in found] == [(1, "d", "found"), (2, "e", None)]


def test_upgrade_twice_is_harmless(empty: Database) -> None:
    assert empty.upgrade() == MIGRATIONS
    assert empty.upgrade() == ()
