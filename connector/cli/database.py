"""`database upgrade|check|copy|reseal`: the ledger's schema, its place, and how it is stored."""

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption

app = typer.Typer(
    help="The ledger's database: upgrade it, check it, move it, encrypt what it holds.", no_args_is_help=True
)


@app.command("upgrade")
def upgrade(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Create the ledger's tables, or bring them to this version. Safe to run again."""
    from connector.cli.session import open_session
    from connector.sight import upgrade_database

    settings = open_session(config, offline=True)
    upgrade_database(settings)
    typer.echo("The database is up to date.")


@app.command("check")
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say whether the database has the schema that this version needs. Exit code 2 when it has not."""
    from connector.cli.session import open_session
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings):
        typer.echo("The database is up to date.")


@app.command("copy")
def copy(
    to: str = typer.Option(
        ...,
        "--to",
        metavar="URL",
        help="An empty database: postgresql+psycopg://user@host/name or sqlite:///file. A password is better "
        "kept out of the command line: PostgreSQL's client reads PGPASSWORD and ~/.pgpass.",
    ),
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Copy the whole ledger into another, empty database, to move from SQLite to PostgreSQL or back.

    Stop every `run` first. All rows arrive or none; the ledger that was copied stays as it is.
    """
    from connector.cli.moving import copy_database
    from connector.cli.session import open_session

    copy_database(open_session(config, offline=True), to)


@app.command("reseal")
def reseal(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Encrypt every stored document with the first of `storage.encryption_keys`.

    After this, keys further down the list are no longer needed. Safe beside a running service.
    """
    from connector.cli.moving import reseal_database
    from connector.cli.session import open_session

    reseal_database(open_session(config))
