"""For all tests: logging as imported, SQLite files, and a real PostgreSQL that starts from a wheel."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings

from connector.ledger.database import Database, open_database
from tests.postgres import PostgresServer, started

# The same cases each time: what is red once is red for everybody. `make soak` looks for new ones.
# No deadline: a machine that is busy with other things makes no example wrong.
settings.register_profile("repeated", derandomize=True, deadline=None)
settings.register_profile("exploring", deadline=None)
settings.load_profile("repeated")


@pytest.fixture(autouse=True)
def _logging_as_imported() -> Iterator[None]:
    """A command sets up logging for its process; the next test must not inherit that."""
    yield
    structlog.reset_defaults()


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
    server: PostgresServer = request.getfixturevalue("postgres_server")
    opened = open_database(server.emptied("any_ledger"))
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
def postgres_url(postgres_server: PostgresServer) -> str:
    """The address of a PostgreSQL database of its own, without tables."""
    return postgres_server.create()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for this test process; skips when the wheel cannot start one here."""
    # Below /tmp: as root the wheel runs the server as another user, who must reach the folder, and a
    # socket's path has at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with started(folder / "data") as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)
