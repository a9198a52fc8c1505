"""`pipelines pause|resume`: leave a pipeline alone, and let one go on that was paused or halted."""

from enum import StrEnum
from typing import Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption

app = typer.Typer(help="Pause pipelines; let paused and halted ones go on.", no_args_is_help=True)


class Lift(StrEnum):
    """What `resume` lifts."""

    PAUSE = "pause"
    HALT = "halt"
    BOTH = "both"


@app.callback()
def pipelines() -> None:
    """Look after pipelines."""


@app.command("pause")
def pause(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A pipeline.")],
    reason: Annotated[str, typer.Option(help="Why; kept for the record.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Leave a pipeline alone on every replica: nothing is listed, sent or written back until `resume`.

    What is in flight is finished. A halt is another thing: the connector makes it by itself, after a run of
    dead letters.
    """
    from connector.cli.acting import by
    from connector.cli.session import open_session
    from connector.clock import utc_now
    from connector.errors import ConfigError
    from connector.sight import open_sight
    from connector.wiring import select_pipeline

    settings = open_session(config, offline=True)
    select_pipeline(settings, name)
    with open_sight(settings) as sight:
        is_new = sight.pauses.pause(name, by(reason, f"pipeline={name}"), utc_now())
    if not is_new:
        raise ConfigError(
            f"{name} is paused already", remedy="`docflo-connector status` shows by whom and why"
        )
    typer.echo(f"{name} is paused; `docflo-connector pipelines resume {name} --reason ...` lets it go on.")


@app.command("resume")
def resume(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A paused or halted pipeline.")],
    reason: Annotated[str, typer.Option(help="What has changed; kept for the record.")],
    lift: Annotated[Lift | None, typer.Option(help="Needed where it is both paused and halted.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let a paused or halted pipeline go on. Dead letters stay dead: replay what is repaired."""
    from connector.cli.acting import by
    from connector.cli.session import open_session
    from connector.clock import utc_now
    from connector.errors import ConfigError
    from connector.sight import open_sight

    settings = open_session(config, offline=True)
    who = by(reason, f"pipeline={name}")
    with open_sight(settings) as sight:
        is_halted = any(halt.pipeline == name for halt in sight.store.halts())
        is_paused = any(each.pipeline == name for each in sight.pauses.all())
        if not (is_halted or is_paused):
            raise ConfigError(
                f"{name} is neither paused nor halted",
                remedy="`docflo-connector status` shows which pipelines are",
            )
        if is_halted and is_paused and lift is None:
            raise ConfigError(
                f"{name} is paused by a person, and halted after a run of dead letters: say which to lift",
                remedy="add --lift pause, --lift halt or --lift both",
            )
        if is_paused and lift is not Lift.HALT:
            sight.pauses.resume(name, who, utc_now())
            typer.echo(f"{name} is not paused any more.")
        if is_halted and lift is not Lift.PAUSE:
            sight.store.operations.resume(name, who)
            typer.echo(f"{name} is not halted any more.")
    typer.echo("Run `docflo-connector sync`, or leave it to `run`.")
