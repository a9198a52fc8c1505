"""`console`: the pages alone, beside a service that runs elsewhere, or none."""

from typing import Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption


def console(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Instead of `web.port`; 0: any free one.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Serve the console's pages on the ledger, until Ctrl-C. `run` serves them too.

    Nothing is listed or delivered: what a person replays here is taken up by `run`, or by the next `sync`.
    """
    import signal
    import threading

    from connector.cli.serving_console import serve_console
    from connector.cli.session import open_session

    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _number, _frame: stop.set())
    with serve_console(open_session(config), port=port) as address:
        typer.echo(f"The console is on {address} until Ctrl-C.")
        stop.wait()
