"""Every Docflo endpoint as a command."""

import typer

app = typer.Typer(help="Docflo's API, one command per endpoint.", no_args_is_help=True)
