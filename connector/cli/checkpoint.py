"""`checkpoint show|history|set|undo`: how far discovery has listed, and putting it elsewhere."""

import getpass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

if TYPE_CHECKING:
    from connector.config import Config

app = typer.Typer(help="How far each pipeline has listed.", no_args_is_help=True)
PipelineArgument = Annotated[str, typer.Argument(metavar="PIPELINE", help="A name under `pipelines`.")]


@app.callback()
def checkpoint() -> None:
    """Look at the checkpoints, and move them."""


@app.command("show")
def show(config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE) -> None:
    """Show how far each pipeline has listed, and where its next listing starts."""
    from connector.cli.output import console, print_json, table
    from connector.cli.session import open_session
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings) as store:
        points = {name: store.checkpoint(name) for name in settings.pipelines}
    rows = [
        {
            "pipeline": name,
            "listed_until": point.listed_until if point else None,
            "next_listing_from": point.listed_until - settings.pipelines[name].documents.lookback
            if point and point.listed_until
            else settings.pipelines[name].documents.since,
            "open_since": point.open_since if point else None,
            "swept_at": point.swept_at if point else None,
            "moved_at": point.moved_at if point else None,
        }
        for name, point in points.items()
    ]
    if output is Output.JSON:
        print_json(rows)
        return
    columns = ("pipeline", "listed until (UTC)", "next listing from", "open since", "swept at", "moved at")
    console().print(table("Checkpoints", columns, [tuple(row.values()) for row in rows]))


@app.command("history")
def history(
    pipeline: PipelineArgument,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")] = 20,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show where a checkpoint has been: what moved it, who, and why."""
    from connector.cli.output import console, print_json, table
    from connector.cli.session import open_session
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    _require(settings, pipeline)
    with open_ledger(settings) as store:
        points = store.checkpoint_history(pipeline, limit)
    rows = [
        {
            "moved_at": point.moved_at,
            "event": point.event,
            "listed_until": point.listed_until,
            "open_since": point.open_since,
            "actor": point.actor,
            "reason": point.reason,
        }
        for point in points
    ]
    if output is Output.JSON:
        print_json(rows)
        return
    columns = ("moved at (UTC)", "by what", "listed until", "open since", "by whom", "why")
    console().print(table(f"Checkpoint of {pipeline}", columns, [tuple(row.values()) for row in rows]))


@app.command("set")
def set_(
    pipeline: PipelineArgument,
    listed_until: Annotated[
        str,
        typer.Option(help="The next listing begins this time less the lookback: 2026-03-01, or with a time."),
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the history.")],
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let the next listing go back. Nothing is delivered twice by it; `checkpoint undo` takes it back."""
    from connector.cli.session import open_session
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    _require(settings, pipeline)
    moment = _moment(listed_until)
    with open_ledger(settings) as store:
        store.set_checkpoint(pipeline, moment, actor=getpass.getuser(), reason=reason)
    typer.echo(
        f"{pipeline}: listed until {moment:%Y-%m-%d %H:%M:%S} UTC; `docflo-connector sync` goes on there."
    )


@app.command("undo")
def undo(pipeline: PipelineArgument, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Put the checkpoint back to where it was before it was last set by hand."""
    from connector.cli.session import open_session
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    _require(settings, pipeline)
    with open_ledger(settings) as store:
        point = store.undo_checkpoint(pipeline, actor=getpass.getuser())
    until = f"{point.listed_until:%Y-%m-%d %H:%M:%S} UTC" if point.listed_until else "nothing"
    typer.echo(f"{pipeline}: listed until {until} again.")


def _require(settings: "Config", pipeline: str) -> None:
    from connector.wiring import select_pipeline

    select_pipeline(settings, pipeline)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is not a time"
        raise typer.BadParameter(f"{message}: expected 2026-03-01 or 2026-03-01T12:00:00Z") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
