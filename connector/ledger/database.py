"""One database: how to open it, read, write, and tell whether its schema fits this program."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, select, table
from sqlalchemy import column as sql_column
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    InterfaceError,
    InternalError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import StaticPool

from connector.errors import ConfigError, UnavailableError
from connector.ledger.columns import SEALS
from connector.ledger.seal import Seal
from connector.ledger.sums import ExactSum
from connector.ledger.tables import MIGRATIONS
from connector.shipped_files import shipped

UPGRADE = "docflo-connector database upgrade"
_BUSY_SECONDS = 60
_ACCEPTED = "sqlite:///file or postgresql+psycopg://user:password@host/name"
_SCHEMA_VERSION = table("alembic_version", sql_column("version_num"))

# A server that vanished without a word is noticed in about a minute instead of two hours.
_POSTGRESQL_OPTIONS: Mapping[str, Any] = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "application_name": "docflo-connector",
}

# What only an operator can change; the rest of what can go wrong may pass by itself.
_OPERATOR_WORDS = (
    "unable to open database file",
    "file is not a database",
    "readonly database",
    "authentication failed",
    "no password supplied",
    "does not exist",
    "no pg_hba.conf entry",
    "permission denied",
)


class Database:
    """One database. Transactions are short: none is ever open while something else is called."""

    def __init__(self, url: URL, engine: Engine) -> None:
        self.name = _name(url)
        self._engine = engine
        self._writer = engine.execution_options(begin_statement="BEGIN IMMEDIATE")
        self._file = Path(url.database) if url.database and _is_file(url) else None
        queue = _one_at_a_time(self.name) if engine.dialect.name == "sqlite" else nullcontext
        self._queue: Callable[[], AbstractContextManager[None]] = queue
        # In memory there is one connection, for readers too.
        self._read_queue = queue if isinstance(engine.pool, StaticPool) else nullcontext

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection that sees one state of the database.

        Raises: UnavailableError when the database does not answer.
        """
        with _translated(self.name), self._read_queue(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Give a connection whose writes are stored together at the end, or not at all.

        Threads of one process queue here: SQLite has one writer, and answers the others "database is
        locked" in no fair order. Raises: UnavailableError when the database does not answer.
        """
        with _translated(self.name), self._queue(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Release connections."""
        self._engine.dispose()

    def pending_migrations(self) -> tuple[str, ...]:
        """Give the migrations that this database still needs, oldest first; none when it is current.

        Raises: ConfigError when the schema is newer than this program, or the database cannot be opened.
        """
        version = self._schema_version()
        if version is None:
            return MIGRATIONS
        if version not in MIGRATIONS:
            message = (
                f"database {self.name} has schema {version}, newer than this program, "
                f"which knows schemas up to {MIGRATIONS[-1]}"
            )
            raise ConfigError(
                message, remedy="run the version of docflo-connector that upgraded it, or a later one"
            )
        return MIGRATIONS[MIGRATIONS.index(version) + 1 :]

    def require_current_schema(self) -> None:
        """Refuse to work on a schema that does not fit this program.

        Raises: ConfigError naming the command that upgrades it.
        """
        pending = self.pending_migrations()
        if not pending:
            return
        found = (
            "has no tables yet"
            if pending == MIGRATIONS
            else f"is {len(pending)} migration(s) behind this program"
        )
        raise ConfigError(f"database {self.name} {found}", remedy=f"run `{UPGRADE}`")

    def upgrade(self) -> tuple[str, ...]:
        """Bring the schema up to this program, all steps or none, and give the migrations that it took.

        Raises: ConfigError when the schema is newer than this program, or the database cannot be opened.
        """
        pending = self.pending_migrations()
        if not pending:
            return ()
        from alembic import command  # noqa: PLC0415 half of start-up time, and only this needs it
        from alembic.config import Config  # noqa: PLC0415 the same

        folder = shipped("migrations")
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        with _opened(self.name), self._queue(), self._writer.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return pending

    def _schema_version(self) -> str | None:
        if self._file is not None and not self._file.exists():
            return None  # asking SQLite would create the file
        with _opened(self.name), self._read_queue(), self._engine.begin() as connection:
            if not inspect(connection).has_table(_SCHEMA_VERSION.name):
                return None
            return connection.execute(select(_SCHEMA_VERSION.c.version_num)).scalar()


def open_database(url: str, seal: Seal | None = None) -> Database:
    """Give the database at `url`: sqlite:///file, sqlite:// (in memory) or postgresql+psycopg://...

    `seal` encrypts what it stores of documents.

    Nothing is connected yet; the first use does, and `require_current_schema` explains what is wrong.

    Raises: ConfigError for an address that cannot be one.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError("the database address cannot be read", remedy=f"expected {_ACCEPTED}") from error
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            engine = _sqlite(parsed)
        case "postgresql" | "postgres" | "postgresql+psycopg":
            parsed = parsed.set(drivername="postgresql+psycopg")
            engine = _postgresql(parsed)
        case other:
            raise ConfigError(f"unknown kind of database: {other}", remedy=f"expected {_ACCEPTED}")
    SEALS[engine.dialect] = seal or Seal()
    return Database(parsed, engine)


def _sqlite(url: URL) -> Engine:
    if not _is_file(url):
        # One connection is the whole database in memory, so every thread must share it.
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        _require_folder(Path(url.database or ""))
        engine = create_engine(url, pool_size=10, max_overflow=60)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver would begin transactions by itself, and only at the first write: two workers could
    # then read the same row as free. `_begin_sqlite` begins them instead.
    connection.isolation_level = None
    connection.create_aggregate("exact_sum", 1, ExactSum)
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
    connection.execute("PRAGMA journal_mode = WAL")
    # "Recorded before the call" must also hold when the power fails.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin_statement", "BEGIN"))


def _postgresql(url: URL) -> Engine:
    options = {name: value for name, value in _POSTGRESQL_OPTIONS.items() if name not in url.query}
    return create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=10,
        max_overflow=10,
        pool_pre_ping=True,
        # A pooler in transaction mode hands the next transaction to a server that never saw the statement.
        connect_args={"prepare_threshold": None, **options},
    )


def _is_file(url: URL) -> bool:
    return url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}


def _require_folder(path: Path) -> None:
    if path.is_dir():
        raise ConfigError(
            f"database {path} is a folder", remedy="name a file in it: sqlite:///folder/connector.db"
        )
    if not path.absolute().parent.is_dir():
        raise ConfigError(
            f"database {path}: its folder does not exist", remedy="create the folder, or name another"
        )


def _name(url: URL) -> str:
    # The host and name, never the user's password.
    if url.get_backend_name() == "sqlite":
        return url.database or "in memory"
    where = url.host or url.query.get("host", "localhost")
    return f"{url.database or url.username} at {where}"


def _one_at_a_time(name: str) -> Callable[[], AbstractContextManager[None]]:
    lock = threading.Lock()
    holder: int | None = None

    @contextmanager
    def queue() -> Iterator[None]:
        nonlocal holder
        if holder == threading.get_ident():
            # Waiting for ourselves would take for ever.
            raise RuntimeError("a transaction was opened inside another one")
        if not lock.acquire(timeout=_BUSY_SECONDS):
            raise UnavailableError(
                f"database {name}: another write has been running for {_BUSY_SECONDS} seconds"
            )
        holder = threading.get_ident()
        try:
            yield
        finally:
            holder = None
            lock.release()

    return queue


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        if not _is_outage(error):
            raise
        raise UnavailableError(f"database {name}: {_first_line(error)}") from error


@contextmanager
def _opened(name: str) -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as error:
        words = _first_line(error)
        if any(phrase in words for phrase in _OPERATOR_WORDS):
            raise ConfigError(
                f"database {name}: {words}", remedy="correct `database` in config.yaml"
            ) from error
        raise UnavailableError(f"database {name}: {words}") from error


def _is_outage(error: Exception) -> bool:
    # The base class itself is SQLite's damaged or foreign file. Other classes, a broken constraint or a
    # wrong statement, are bugs and stay what they are.
    kinds = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)
    return isinstance(error, kinds) or type(error) is DatabaseError


def _first_line(error: Exception) -> str:
    # SQLAlchemy's own text repeats the statement with its values, which are document contents.
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
