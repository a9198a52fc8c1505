"""`demo`: the whole way of 200 documents, on this machine, without an account."""

from pathlib import Path
from typing import Annotated

import typer


def demo(
    folder: Annotated[
        Path | None,
        typer.Option(help="Keep the demo's configuration and ledger here; a temporary folder otherwise."),
    ] = None,
    keep: Annotated[
        bool | None,
        typer.Option(
            "--keep/--no-keep",
            help="Leave sandbox and console running afterwards, until Ctrl-C; default: on a terminal.",
        ),
    ] = None,
) -> None:
    """Sync 200 approved invoices from a sandbox Docflo to a sandbox Salesforce, and show what became of them.

    No account and no configuration needed; nothing leaves this machine.
    """
    import signal
    import sys
    import tempfile
    import threading

    from connector.cli.demo_run import run_demo
    from connector.cli.sandbox_setup import sandboxes
    from connector.cli.serving_console import serve_console
    from connector.cli.session import open_session

    with tempfile.TemporaryDirectory(prefix="docflo-demo-") as temporary, sandboxes() as running:
        where = folder or Path(temporary)
        config = run_demo(where, running)
        if not (sys.stdin.isatty() if keep is None else keep):
            typer.echo("\nWith --keep the demo ends with a console: web pages with what you have just seen.")
            return
        stop = threading.Event()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, lambda _number, _frame: stop.set())
        with serve_console(open_session(config), port=0) as address:
            typer.echo(
                f"\nSee it in a browser, until Ctrl-C: {address}\n"
                f"In another terminal, for example: docflo-connector status --config {config}"
            )
            stop.wait()
