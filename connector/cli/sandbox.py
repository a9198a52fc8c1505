"""`sandbox`: a Docflo, a Salesforce and ERPs on this machine, and a proxy that breaks things."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Servers on this machine to try things on.", invoke_without_command=True)


@app.callback()
def sandbox(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Option(help="Where to write a config.yaml that points at the sandbox.")
    ] = Path("sandbox"),
    docflo_port: Annotated[int, typer.Option(help="0: any free port.")] = 0,
    salesforce_port: Annotated[int, typer.Option(help="0: any free port.")] = 0,
    erp_port: Annotated[int, typer.Option(help="0: any free port.")] = 0,
    rpc_port: Annotated[int, typer.Option(help="Of the rpc/encoded ERP; 0: any free port.")] = 0,
) -> None:
    """Run a Docflo, a Salesforce and two SOAP ERPs on this machine until Ctrl-C, and say how to reach them.

    Nothing leaves this machine. The sandbox is our reading of public documents, not the real thing:
    it serves to try mappings and commands before you have accounts.
    """
    if context.invoked_subcommand is not None:
        return
    import threading

    from connector.cli.sandbox_erps import erps
    from connector.cli.sandbox_setup import TENANT, sandboxes, write_sandbox_config
    from connector.cli.session import upgrade_quietly

    with (
        sandboxes(docflo_port=docflo_port, salesforce_port=salesforce_port) as running,
        erps(port=erp_port, rpc_port=rpc_port) as how_to_reach_erps,
    ):
        config = write_sandbox_config(folder, running)
        upgrade_quietly(config)
        typer.echo(
            f"Docflo      {running.docflo_url}   x-tenant-id: {TENANT}   apiKey: sandbox-key\n"
            f"Salesforce  {running.salesforce_url}   client credentials: sandbox-consumer / sandbox-secret\n"
            f"{how_to_reach_erps}\n"
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


@app.command("proxy")
def proxy(
    to: Annotated[str, typer.Option(help="The server to stand in front of: http://… or https://…")],
    fault: Annotated[
        list[str] | None,
        typer.Option(help="KIND[-before|-after][:option=value,…]; repeatable. docs/sandbox.md lists them."),
    ] = None,
    port: Annotated[int, typer.Option(help="0: any free port.")] = 0,
    seed: Annotated[int, typer.Option(help="Which requests a fault with rate= hits.")] = 0,
    keep_host: Annotated[
        bool,
        typer.Option("--keep-host", help="Pass the caller's Host on, so that a WSDL names the proxy."),
    ] = False,
) -> None:
    """Stand in front of any HTTP server and break some of the answers, as networks and gateways do.

    Prints each request: what the server was given, and what the caller got. `--fault drop-after:nth=2`
    forwards the second request and closes without an answer; `--fault gateway:rate=0.1` puts a 502 page
    in place of every tenth answer.
    """
    import threading

    from connector.sandbox.proxy.server import FaultProxy
    from connector.sandbox.proxy.spelling import read_fault

    try:
        faults = [read_fault(text) for text in fault or ()]
        made = FaultProxy(to, faults=faults, seed=seed, port=port, keep_host=keep_host, tell=typer.echo)
    except (ValueError, OSError) as error:
        raise typer.BadParameter(str(error)) from error
    with made:
        typer.echo(f"{made.url} stands in front of {to}. Running until Ctrl-C.")
        threading.Event().wait()
