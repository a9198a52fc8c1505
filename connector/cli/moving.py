"""What `database copy` and `database reseal` do, and what they show meanwhile."""

import sys
from contextlib import ExitStack

import typer
from rich.console import Console
from rich.progress import Progress

from connector.clock import utc_now
from connector.config import Config
from connector.errors import ConfigError
from connector.ledger.copying import copy_ledger
from connector.ledger.database import open_database
from connector.ledger.keeping import count_documents
from connector.ledger.keeping import reseal as reseal_rows
from connector.sight import make_seal, open_ledger_database


def copy_database(config: Config, to: str) -> None:
    """Copy the ledger of this configuration into the database at `to`, and print what was copied."""
    seal = make_seal(config)
    with ExitStack() as stack:
        source, target = open_database(config.database, seal), open_database(to, seal)
        stack.callback(source.close)
        stack.callback(target.close)
        if source.name == target.name:
            raise ConfigError("that is the ledger itself", remedy="name another database with --to")
        target.upgrade()
        for table, rows in copy_ledger(source, target, utc_now()):
            typer.echo(f"{rows:>9,}  {table}")
    typer.echo(
        "Copied. Name the new database in config.yaml, try `docflo-connector database check`, then start."
    )


def reseal_database(config: Config) -> None:
    """Encrypt what this ledger stores with the newest key, and print how much that was."""
    if not config.storage.encryption_keys:
        raise ConfigError("there is no key to encrypt with", remedy="name one: storage.encryption_keys")
    database = open_ledger_database(config)
    try:
        database.require_current_schema()
        done = 0
        with Progress(console=Console(file=sys.stderr), disable=not sys.stderr.isatty()) as progress:
            task = progress.add_task("documents", total=count_documents(database))
            for rows in reseal_rows(database):
                done += rows
                progress.update(task, completed=done)
    finally:
        database.close()
    typer.echo(
        f"{done:,} deliveries are stored with the newest key; older keys are no longer needed for them."
    )
