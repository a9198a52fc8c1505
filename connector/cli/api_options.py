"""Arguments and options of the `api` commands, and how their texts are read."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class SortOrder(StrEnum):
    """The order of a listing."""

    ASC = "asc"
    DESC = "desc"


def read_identifier(value: str) -> str:
    """Give an id or a type as it is, if a path can carry it."""
    from connector.docflo.outgoing import path_segment

    try:
        path_segment(value)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return value


def read_time(value: str) -> datetime:
    """Read a day or a time; UTC where no offset is given."""
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise typer.BadParameter("expected a day or a time: 2026-01-31 or 2026-01-31T08:00:00Z") from error
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


def read_score(value: str | Decimal) -> Decimal:
    """Read a share from 0 to 1."""
    # The default passes through here as well.
    try:
        score = Decimal(value)
    except InvalidOperation as error:
        raise typer.BadParameter("expected a number from 0 to 1, such as 0.7") from error
    if not (score.is_finite() and 0 <= score <= 1):
        raise typer.BadParameter("expected a number from 0 to 1, such as 0.7")
    return score


IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The document's id.", callback=read_identifier)]
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, readable=True, help="The file to send.")
]
FolderOption = Annotated[Path, typer.Option(help="Where to save the file.", file_okay=False)]
QueryArgument = Annotated[str, typer.Argument(metavar="QUERY", help="Words, in any language.")]
TypesOption = Annotated[list[str] | None, typer.Option("--type", help="Only this type; may be repeated.")]
TimeOption = Annotated[
    datetime | None,
    typer.Option(parser=read_time, metavar="TIME", help="A day, or a time; UTC without an offset."),
]
ScoreOption = Annotated[
    Decimal, typer.Option(parser=read_score, metavar="SCORE", help="How alike at least, 0 to 1.")
]
TypeArgument = Annotated[
    str, typer.Argument(metavar="TYPE", help="A document type.", callback=read_identifier)
]
