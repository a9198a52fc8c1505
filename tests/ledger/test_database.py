"""Opening a database, and saying what is wrong with it."""

import re
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from os import urandom
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import TextClause, text
from sqlalchemy.exc import IntegrityError

from connector.errors import ConfigError, UnavailableError
from connector.ledger.database import Database, open_database
from connector.ledger.store import Store
from connector.ledger.tables import MIGRATIONS
from connector.shipped_files import shipped
from tests.factories import HandClock, make_found
from tests.postgres import PostgresServer

PASSWORD = "sesame-42"


def version(database: Database, value: str) -> None:
    with database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :value"), {"value": value})


def test_sqlite_is_set_up_to_survive_a_power_cut(database: Database) -> None:
    with database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 60_000}


def test_write_holds_the_sqlite_file_from_its_start(database: Database, tmp_path: Path) -> None:
    with database.write():
        other = sqlite3.connect(tmp_path / "ledger.db", timeout=0, isolation_level=None)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        other.close()


def test_reader_is_not_held_up_by_a_writer(database: Database) -> None:
    with database.write() as writer, database.read() as reader:
        writer.execute(text("DELETE FROM checkpoint"))
        assert reader.execute(text("SELECT count(*) FROM delivery")).scalar_one() == 0


def test_write_that_fails_stores_nothing(any_database: Database) -> None:
    def fail() -> None:
        with any_database.write() as connection:
            connection.execute(text("INSERT INTO checkpoint (pipeline, moved_at) VALUES ('a', '2026-01-01')"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    with any_database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM checkpoint")).scalar_one() == 0


def test_database_in_memory_is_one_for_all(clock: HandClock) -> None:
    database = open_database("sqlite://")
    database.upgrade()
    Store(database, clock=clock).record_listing("invoices", [make_found()], None)

    assert len(Store(database, clock=clock).find()) == 1
    database.close()


def test_postgresql_addresses_are_understood_however_they_are_spelt(postgres_url: str) -> None:
    for scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        database = open_database(re.sub(r"^[a-z+]+:", f"{scheme}:", postgres_url))
        assert database.pending_migrations() == MIGRATIONS
        database.close()


def test_looking_at_a_missing_sqlite_file_does_not_create_it(tmp_path: Path) -> None:
    path = tmp_path / "typo.db"

    assert open_database(f"sqlite:///{path}").pending_migrations() == MIGRATIONS
    assert not path.exists()


def test_database_without_tables_names_the_command(any_empty_url: str) -> None:
    database = open_database(any_empty_url)

    with pytest.raises(ConfigError, match="has no tables yet") as refused:
        database.require_current_schema()

    assert "docflo-connector database upgrade" in refused.value.remedy
    database.close()


def test_old_schema_names_the_command(any_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.ledger.database.MIGRATIONS", (*MIGRATIONS, "9998", "9999"))

    assert any_database.pending_migrations() == ("9998", "9999")
    with pytest.raises(ConfigError, match=re.escape("is 2 migration(s) behind")) as refused:
        any_database.require_current_schema()
    assert "docflo-connector database upgrade" in refused.value.remedy


@pytest.mark.parametrize(
    "ask", [Database.require_current_schema, Database.upgrade, Database.pending_migrations]
)
def test_newer_schema_is_refused_by_name(any_database: Database, ask: Callable[[Database], object]) -> None:
    version(any_database, "9999")

    with pytest.raises(ConfigError, match="schema 9999, newer than this program") as refused:
        ask(any_database)

    assert "later" in refused.value.remedy


def test_current_schema_is_accepted(any_database: Database) -> None:
    any_database.require_current_schema()

    assert any_database.pending_migrations() == ()


def test_check_of_the_schema_does_not_import_alembic(database: Database, tmp_path: Path) -> None:
    database.close()
    program = (
        "import sys; from connector.ledger.database import open_database;"
        f"open_database('sqlite:///{tmp_path / 'ledger.db'}').require_current_schema();"
        "sys.exit('alembic' in sys.modules)"
    )

    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)  # noqa: S603 our own program


@pytest.mark.parametrize(
    "address", ["mysql://u:sesame-42@h/d", "sesame-42", "", "oracle+x://u:sesame-42@h/d"]
)
def test_unknown_address_is_refused_without_its_password(address: str) -> None:
    with pytest.raises(ConfigError) as refused:
        open_database(address)

    assert PASSWORD not in refused.value.message + refused.value.remedy
    assert "sqlite:///file or postgresql+psycopg://" in refused.value.remedy


def test_sqlite_in_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="its folder does not exist"):
        open_database(f"sqlite:///{tmp_path / 'nowhere' / 'ledger.db'}")


def test_folder_instead_of_a_sqlite_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        open_database(f"sqlite:///{tmp_path}")


def test_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_text("Dear Sir or Madam, " * 200)

    with pytest.raises(ConfigError, match="file is not a database"):
        open_database(f"sqlite:///{path}").upgrade()

    assert path.read_text() == "Dear Sir or Madam, " * 200


def test_folder_that_takes_no_files_is_refused() -> None:
    # Not even root may create a file there.
    with pytest.raises(ConfigError, match="unable to open database file"):
        open_database("sqlite:////proc/ledger.db").upgrade()


def test_unreachable_server_is_unavailable() -> None:
    database = open_database(f"postgresql+psycopg://app:{PASSWORD}@127.0.0.1:1/ledger")

    with pytest.raises(UnavailableError, match=r"database ledger at 127\.0\.0\.1: .*refused") as refused:
        database.require_current_schema()

    assert PASSWORD not in refused.value.message


def test_database_that_does_not_exist_is_a_mistake_in_the_configuration(postgres_url: str) -> None:
    database = open_database(re.sub(r"/test_\d+", "/nowhere", postgres_url))

    with pytest.raises(ConfigError, match='database "nowhere" does not exist'):
        database.require_current_schema()


def test_wrong_password_is_a_mistake_in_the_configuration_and_is_not_repeated(
    postgres_server: PostgresServer,
) -> None:
    role = postgres_server.create_role_with_password("right")
    database = open_database(postgres_server.address(username=role, password=PASSWORD))

    with pytest.raises(ConfigError, match="password authentication failed") as refused:
        database.require_current_schema()

    assert PASSWORD not in refused.value.message + refused.value.remedy
    assert PASSWORD not in repr(refused.value.__cause__)


def test_replica_that_upgrades_while_another_does_waits_and_finds_nothing_to_do(postgres_url: str) -> None:
    first = open_database(postgres_url)
    config = Config()
    config.set_main_option("script_location", str(shipped("migrations")))
    program = (
        f"from connector.ledger.database import open_database; open_database({postgres_url!r}).upgrade()"
    )
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    with first.write() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        second = subprocess.Popen([sys.executable, "-c", program])  # noqa: S603 our own program
        while second.poll() is None and not is_seen(first, waiting):
            pass  # until it stands behind us

    assert second.wait(60) == 0
    first.require_current_schema()
    first.close()


def is_seen(database: Database, count: TextClause) -> bool:
    with database.read() as connection:
        return bool(connection.execute(count).scalar_one())


def test_server_that_goes_away_is_unavailable_and_the_next_try_connects_again(
    postgres_url: str, clock: HandClock
) -> None:
    database, killer = open_database(postgres_url), open_database(postgres_url)
    database.upgrade()
    end_others = text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )

    def lose_connection() -> None:
        with database.write() as connection, killer.write() as other:
            other.execute(end_others)
            connection.execute(text("DELETE FROM checkpoint"))

    with pytest.raises(UnavailableError, match="terminating connection"):
        lose_connection()

    assert Store(database, clock=clock).counts() == {}
    database.close()
    killer.close()


def test_broken_constraint_stays_a_bug(any_database: Database) -> None:
    with pytest.raises(IntegrityError), any_database.write() as connection:
        connection.execute(text("INSERT INTO checkpoint (pipeline) VALUES ('no time')"))


def test_full_disk_is_unavailable_and_loses_nothing(database: Database, clock: HandClock) -> None:
    store = Store(database, clock=clock)
    store.record_listing("invoices", [make_found("before")], None)
    with database.read() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # as good as a full disk

    large = [make_found(str(n), snapshot=urandom(5000)) for n in range(9)]  # nothing of it can be packed

    with pytest.raises(UnavailableError, match="full"):
        store.record_listing("invoices", large, None)

    assert [delivery.document_id for delivery in store.find()] == ["before"]
