"""The command tree. What is heavy is imported by the command that needs it, so that --help stays quick."""

import typer

from connector import __version__
from connector.cli import (
    api,
    backfill,
    check,
    checkpoint,
    console,
    database,
    deliveries,
    demo,
    init,
    mapping,
    pipelines,
    preview,
    profile,
    reconcile,
    run,
    sandbox,
    schema,
    selftest,
    status,
    sync,
)

EPILOG = (
    "Exit codes: 0 fine, 1 bug, 2 configuration, 3 credentials, 4 some documents dead, "
    "5 some in doubt, 6 something changed that must not, 75 come back later, 130/143 stopped by a signal."
)

app = typer.Typer(
    name="docflo-connector",
    help="Carries approved documents from Docflo.ai into your CRM or ERP, exactly once, "
    "and tells Docflo what became of each.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.command("demo")(demo.demo)
app.command("init")(init.init)
app.command("check")(check.check)
app.command("preview")(preview.preview)
app.command("sync")(sync.sync)
app.command("run")(run.run)
app.add_typer(console.app, name="console")
app.command("reconcile")(reconcile.reconcile)
app.command("status")(status.status)
app.add_typer(backfill.app, name="backfill")
app.add_typer(mapping.app, name="mapping")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(pipelines.app, name="pipelines")
app.add_typer(checkpoint.app, name="checkpoint")
app.add_typer(database.app, name="database")
app.add_typer(api.app, name="api")
app.add_typer(schema.app, name="schema")
app.add_typer(profile.app, name="profile")
app.add_typer(sandbox.app, name="sandbox")
app.command("selftest")(selftest.selftest)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"docflo-connector {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Print the version and exit."
    ),
) -> None:
    """Carry approved documents from Docflo.ai into your CRM or ERP, exactly once."""
