"""`schema config|mapping|profile|reference`: JSON Schemas and a reference page."""

import typer

app = typer.Typer(help="JSON Schemas of the files you write, for editors and CI.", no_args_is_help=True)


@app.command("config")
def config() -> None:
    """Print the JSON Schema of config.yaml."""
    from connector.cli.output import print_json
    from connector.config import config_json_schema

    print_json(config_json_schema())


@app.command("mapping")
def mapping() -> None:
    """Print the JSON Schema of mapping files."""
    from connector.cli.output import print_json
    from connector.mapping.schema import mapping_json_schema

    print_json(mapping_json_schema())


@app.command("profile")
def profile() -> None:
    """Print the JSON Schema of profiles of SOAP ERPs."""
    from connector.adapters.soap.file import profile_json_schema
    from connector.cli.output import print_json

    print_json(profile_json_schema())


@app.command("reference")
def reference() -> None:
    """Print the reference page of mapping files: every key, type and function, as Markdown."""
    from connector.mapping.reference import write_reference

    typer.echo(write_reference(), nl=False)
