"""`database upgrade|check`: the schema of the ledger."""

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption

app = typer.Typer(help="The ledger's database: upgrade it, check it.", no_args_is_help=True)


@app.command("upgrade")
def upgrade(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Create the ledger's tables, or bring them to this version. Safe to run again."""
    from connector.cli.session import open_session
    from connector.wiring import upgrade_database

    settings = open_session(config, offline=True)
    upgrade_database(settings)
    typer.echo("The database is up to date.")


@app.command("check")
def check(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Say whether the database has the schema that this version needs. Exit code 2 when it has not."""
    from connector.cli.session import open_session
    from connector.wiring import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings):
        typer.echo("The database is up to date.")
