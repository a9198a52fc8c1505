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
        bool,
        typer.Option("--keep", help="Leave the sandbox running afterwards, until Ctrl-C, to look around."),
    ] = False,
) -> None:
    """Sync 200 approved invoices from a sandbox Docflo to a sandbox Salesforce, and show what became of them.

    No account and no configuration needed; nothing leaves this machine.
    """
    import tempfile
    import threading

    from connector.cli.demo_run import run_demo
    from connector.cli.sandbox_setup import sandboxes

    with tempfile.TemporaryDirectory(prefix="docflo-demo-") as temporary, sandboxes() as running:
        where = folder or Path(temporary)
        config = run_demo(where, running)
        if keep:
            typer.echo(
                f"\nThe sandbox keeps running until Ctrl-C. In another terminal:\n"
                f"  docflo-connector status --config {config}\n"
                f"  docflo-connector deliveries list --state dead --config {config}"
            )
            threading.Event().wait()
