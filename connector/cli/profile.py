"""`profile new|check|call`: profiles of SOAP ERPs, from a WSDL to the first answer."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Profiles of SOAP ERPs: begin one, check it, try an operation.", no_args_is_help=True)

ProfileArgument = Annotated[Path, typer.Argument(help="The profile file.")]
SettingOption = Annotated[
    list[str], typer.Option("--set", help="A setting of the profile: address=https://...")
]
SecretOption = Annotated[
    list[str], typer.Option("--secret", help="A secret of the profile: user='${env:ERP_USER}'")
]
CaOption = Annotated[Path | None, typer.Option("--ca-bundle", help="Certificates to trust, PEM.")]


@app.command("new")
def new(
    wsdl: Annotated[str, typer.Option("--wsdl", help="File or address of the WSDL.")],
    operation: Annotated[
        str | None, typer.Option(help="Operation that creates; default: the likeliest.")
    ] = None,
    lookup: Annotated[str | None, typer.Option(help="Operation that finds; default: the likeliest.")] = None,
    service: Annotated[str | None, typer.Option(help="Service of the WSDL.")] = None,
    port: Annotated[str | None, typer.Option(help="Port of the service.")] = None,
    types: Annotated[
        list[str], typer.Option("--type", help="Type to write out where the WSDL has an abstract one.")
    ] = [],  # noqa: B006 typer reads it and never changes it
    folder: Annotated[
        Path | None, typer.Option(help="Folder that imports may be read from; default: the WSDL's own.")
    ] = None,
    catalog: Annotated[
        list[str], typer.Option(help="File to read for an address that is imported: https://...=FILE")
    ] = [],  # noqa: B006 as above
    host: Annotated[list[str], typer.Option(help="Host that imports may be fetched from.")] = [],  # noqa: B006 as above
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; it must not exist.")
    ] = None,
    ca_bundle: CaOption = None,
) -> None:
    """Write a profile to begin with: operations, a body as a tree with types, a likely lookup."""
    from connector.cli.profiling import Imports, skeleton
    from connector.errors import ConfigError

    text = skeleton(
        wsdl,
        operation=operation,
        lookup=lookup,
        service=service,
        port=port,
        types=types,
        imports=Imports(folder=folder, catalog=catalog, hosts=host),
        output=output,
        ca_bundle=ca_bundle,
    )
    if output is None:
        typer.echo(text, nl=False)
        return
    if output.exists():
        raise ConfigError(f"{output} exists already", remedy="name another file")
    output.write_text(text, encoding="utf-8")
    typer.echo(f"{output} is written. Fill it in, then: docflo-connector profile check {output}")


@app.command("check")
def check(
    profile: ProfileArgument,
    settings: SettingOption = [],  # noqa: B006 typer reads it and never changes it
    ca_bundle: CaOption = None,
) -> None:
    """Check a profile without its ERP: every problem with its place, every message built from examples."""
    from connector.cli.profiling import check_profile

    raise typer.Exit(check_profile(profile, settings, ca_bundle))


@app.command("call")
def call(
    profile: ProfileArgument,
    operation: Annotated[str, typer.Argument(help="Operation to call, any of the WSDL's.")],
    body: Annotated[Path | None, typer.Option("--body", help="YAML file: the body, as in a profile.")] = None,
    endpoint: Annotated[str, typer.Option(help="A name under the profile's endpoints.")] = "",
    settings: SettingOption = [],  # noqa: B006 as above
    secrets: SecretOption = [],  # noqa: B006 as above
    show: Annotated[bool, typer.Option("--show", help="Show the request and send nothing.")] = False,
    ca_bundle: CaOption = None,
) -> None:
    """Call one operation once and show request and reply. It does what the operation does."""
    from connector.cli.profiling import call_operation

    call_operation(
        profile,
        operation,
        body,
        endpoint=endpoint,
        settings=settings,
        secrets=secrets,
        show=show,
        ca_bundle=ca_bundle,
    )
