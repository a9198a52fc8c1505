"""Runs the migrations on a connection that the program hands over; numbers new ones."""

from collections.abc import Iterable

from alembic import context
from alembic.operations import MigrationScript
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from connector.ledger.tables import metadata

_LOCK = 7_316_294_105  # any number, the same for every version of this program


def _run_on(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        # Replicas that start together upgrade one after the other, and all but the first find nothing to do.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    # Schema changes are transactional in both databases: a migration that fails leaves nothing behind.
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


def _number(
    _context: MigrationContext,
    _revision: str | Iterable[str | None] | Iterable[str],
    directives: list[MigrationScript],
) -> None:
    known = list(ScriptDirectory.from_config(context.config).walk_revisions())
    directives[0].rev_id = f"{len(known) + 1:04}"


def _write_new() -> None:
    if not hasattr(context.config.cmd_opts, "message"):
        raise SystemExit("databases are upgraded with `docflo-connector database upgrade`")
    # alembic insists on a connection, although an empty migration needs none.
    with create_engine("sqlite://").connect() as nowhere:
        context.configure(connection=nowhere, process_revision_directives=_number)
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is None:
    _write_new()
else:
    _run_on(connection)
