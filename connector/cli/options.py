"""Options that many commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Output(StrEnum):
    """How a command prints."""

    TABLE = "table"
    JSON = "json"


ConfigOption = Annotated[
    Path,
    typer.Option(
        "--config", "-c", envvar="DOCFLO_CONNECTOR_CONFIG", help="The configuration file.", show_default=True
    ),
]
OutputOption = Annotated[Output, typer.Option("--output", "-o", help="A table for people, JSON for scripts.")]

DEFAULT_CONFIG = Path("config.yaml")
