"""`checkpoint show`: how far discovery has listed."""

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

app = typer.Typer(help="How far each pipeline has listed.", no_args_is_help=True)


@app.callback()
def checkpoint() -> None:
    """Look at the checkpoints."""


@app.command("show")
def show(config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE) -> None:
    """Show how far each pipeline has listed, and where its next listing starts."""
    from connector.cli.output import console, print_json, table
    from connector.cli.session import open_session
    from connector.wiring import open_ledger

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
            "moved_at": point.moved_at if point else None,
        }
        for name, point in points.items()
    ]
    if output is Output.JSON:
        print_json(rows)
        return
    columns = ("pipeline", "listed until (UTC)", "next listing from", "moved at")
    console().print(table("Checkpoints", columns, [tuple(row.values()) for row in rows]))
