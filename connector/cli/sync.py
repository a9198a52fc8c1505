"""`sync`: one cycle, then exit."""

from typing import Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption


def sync(
    pipelines: Annotated[
        list[str] | None, typer.Argument(help="Names of pipelines; all when none is named.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
    sweep: Annotated[
        bool,
        typer.Option(
            "--sweep",
            help="List back to the oldest document not approved yet, and look for edits after delivery: of "
            "documents older than the lookback once in `schedule.rescan`.",
        ),
    ] = False,
) -> None:
    """List what is new, deliver it, write back, and exit.

    Safe to run at any time and as often as you like: what was delivered is not delivered again.
    """
    from connector.cli.bar import Bar
    from connector.cli.cycle import run_cycle
    from connector.cli.output import console, print_json
    from connector.cli.report import cycle_json, show_cycle
    from connector.cli.session import open_session
    from connector.ledger.keeping import forget
    from connector.wiring import connect

    settings = open_session(config)
    with connect(settings, only=pipelines or ()) as connector, Bar("Syncing") as bar:
        cycle = run_cycle(connector, full=sweep, bar=bar)
        forget(connector.database, connector.clock() - settings.storage.retention)
    if output is Output.JSON:
        print_json(cycle_json(cycle))
    else:
        show_cycle(cycle, console())
    raise typer.Exit(cycle.exit())
