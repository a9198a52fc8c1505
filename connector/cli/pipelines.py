"""`pipelines resume`: lift a halt."""

from typing import Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption

app = typer.Typer(help="Pipelines that were halted.", no_args_is_help=True)


@app.callback()
def pipelines() -> None:
    """Look after pipelines."""


@app.command("resume")
def resume(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A halted pipeline.")],
    reason: Annotated[str, typer.Option(help="What was repaired; kept for the record.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let a halted pipeline go on. Dead letters stay dead: replay them when their cause is repaired."""
    from connector.cli.acting import by
    from connector.cli.session import open_session
    from connector.errors import ConfigError
    from connector.wiring import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings) as store:
        lifted = store.operations.resume(name, by(reason, f"pipeline={name}"))
    if not lifted:
        raise ConfigError(
            f"{name} is not halted", remedy="`docflo-connector status` shows which pipelines are"
        )
    typer.echo(f"{name} goes on; run `docflo-connector sync`, or leave it to `run`.")
