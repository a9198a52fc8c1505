"""`sandbox`: a Docflo and a Salesforce on this machine, to try things on."""

from pathlib import Path
from typing import Annotated

import typer


def sandbox(
    folder: Annotated[
        Path, typer.Option(help="Where to write a config.yaml that points at the sandbox.")
    ] = Path("sandbox"),
    docflo_port: Annotated[int, typer.Option(help="0: any free port.")] = 0,
    salesforce_port: Annotated[int, typer.Option(help="0: any free port.")] = 0,
) -> None:
    """Run a Docflo and a Salesforce on this machine until Ctrl-C, and say how to reach them.

    Nothing leaves this machine. The sandbox is our reading of public documents, not the real thing:
    it serves to try mappings and commands before you have accounts.
    """
    import threading

    from connector.cli.sandbox_setup import TENANT, sandboxes, write_sandbox_config
    from connector.cli.session import upgrade_quietly

    with sandboxes(docflo_port=docflo_port, salesforce_port=salesforce_port) as running:
        config = write_sandbox_config(folder, running)
        upgrade_quietly(config)
        typer.echo(
            f"Docflo      {running.docflo_url}   x-tenant-id: {TENANT}   apiKey: sandbox-key\n"
            f"Salesforce  {running.salesforce_url}   client credentials: sandbox-consumer / sandbox-secret\n"
            f"Config      {config}\n\n"
            "In another terminal:\n"
            f"  docflo-connector check   --config {config}\n"
            f"  docflo-connector preview --config {config} invoices-to-crm\n"
            f"  docflo-connector sync    --config {config}\n"
            f"  curl -H 'x-tenant-id: {TENANT}' -H 'apiKey: sandbox-key' "
            f"'{running.docflo_url}/docs/v1/document?top=2'\n\n"
            "Running until Ctrl-C."
        )
        threading.Event().wait()
