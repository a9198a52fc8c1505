"""What the `api` commands print: a table for people, JSON for scripts."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn
from rich.text import Text

from connector.cli.options import Output
from connector.cli.output import console, print_json, table
from connector.docflo.answers import (
    Answer,
    EnabledType,
    GuestToken,
    LogEntry,
    SearchHit,
    TypeConfiguration,
    TypeField,
)
from connector.docflo.download import Download
from connector.docflo.jsontext import write_json
from connector.docflo.wire import DocumentInfo, DocumentPage, Uploaded
from connector.document import Document, Field, plain


@contextmanager
def progress(file: Path) -> Iterator[Callable[[int], None] | None]:
    """Show how much of a file was sent, on a terminal; None off it."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = ("{task.description}", BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(file.name, total=file.stat().st_size)
        yield lambda sent: bar.update(task, completed=sent)


def page(found: DocumentPage, output: Output) -> None:
    """Print a listing."""
    for _, row in found.unreadable:
        typer.echo(f"a row cannot be read: {row.reason}", err=True)
    if output is Output.JSON:
        print_json({"documents": [document.raw for document in found.documents], "total": found.total})
        return
    rows = [
        (
            document.id,
            document.type,
            document.status,
            document.created_on,
            document.name,
            len(document.fields) if document.has_fields else None,
        )
        for document in found.documents
    ]
    title = f"{len(rows)} documents" + ("" if found.total is None else f" of {found.total}")
    console().print(table(title, ("id", "type", "status", "created (UTC)", "name", "fields"), rows))


def document(found: Document, output: Output) -> None:
    """Print a document and its fields."""
    if output is Output.JSON:
        print_json(found.raw)
        return
    facts = (
        ("type", found.type),
        ("status", found.status),
        ("created (UTC)", found.created_on),
        ("name", found.name),
    )
    console().print(table(f"Document {found.id}", ("", ""), [fact for fact in facts if fact[1] is not None]))
    _print_fields("Fields", found.fields)


def analysis(name: str, fields: Mapping[str, Field], output: Output) -> None:
    """Print the fields that were read from a file."""
    if output is Output.JSON:
        print_json(fields)
        return
    _print_fields(name, fields)


def uploaded(stored: Uploaded, output: Output) -> None:
    """Print the ids that an upload got."""
    if output is Output.JSON:
        print_json({"ids": stored.ids})
        return
    for identifier in stored.ids:
        typer.echo(identifier)
    if not stored.ids:
        typer.echo("Docflo took the file and told no id; `docflo-connector api list` shows it.")


def download(saved: Download, output: Output) -> None:
    """Print where a file was saved."""
    if output is Output.JSON:
        print_json(saved)
        return
    typer.echo(f"{saved.path} ({saved.size} bytes, {saved.content_type})")


def info(told: DocumentInfo, output: Output) -> None:
    """Print what Docflo tells of a document."""
    if output is Output.JSON:
        print_json(told)
        return
    rows = [(key, _cell(value)) for key, value in told.raw.items() if value is not None]
    console().print(table(f"{told.id or 'Document'}: {told.status or 'no status'}", ("", ""), rows))


def types(enabled: Sequence[EnabledType], output: Output) -> None:
    """Print the document types."""
    if output is Output.JSON:
        print_json(enabled)
        return
    rows = [(type_.name, type_.title) for type_ in enabled]
    console().print(table(f"{len(rows)} document types", ("type", "title"), rows))


def type_fields(configuration: TypeConfiguration, output: Output) -> None:
    """Print a document type's fields, inner ones as paths."""
    if output is Output.JSON:
        print_json(configuration)
        return
    rows = list(_paths(configuration.fields, ""))
    console().print(table(configuration.name, ("field", "type"), rows))


def hits(found: Sequence[SearchHit], output: Output) -> None:
    """Print what a search found."""
    if output is Output.JSON:
        print_json(found)
        return
    rows = [(hit.id, hit.score) for hit in found]
    console().print(table(f"{len(rows)} documents", ("id", "score"), rows))


def answer(said: Answer, output: Output) -> None:
    """Print what the assistant said."""
    if output is Output.JSON:
        print_json(said)
        return
    # Text drops control characters: the words come from outside and go to a terminal.
    console().print(Text(write_json(said.raw).decode() if said.text is None else said.text))


def logs(entries: Sequence[LogEntry], output: Output) -> None:
    """Print log entries."""
    if output is Output.JSON:
        print_json(entries)
        return
    rows = [(entry.at, entry.type, entry.area, entry.sub_area, entry.message) for entry in entries]
    columns = ("at (UTC)", "type", "area", "sub-area", "message")
    console().print(table(f"{len(rows)} entries", columns, rows))


def token(made: GuestToken, output: Output) -> None:
    """Print a guest token: the one secret whose purpose is to be printed."""
    if output is Output.JSON:
        print_json({"token": made.value})
        return
    typer.echo(made.value)


def done(sentence: str, facts: Mapping[str, object], output: Output) -> None:
    """Print that a change was made."""
    if output is Output.JSON:
        print_json(facts)
        return
    typer.echo(sentence)


def _print_fields(title: str, fields: Mapping[str, Field]) -> None:
    rows = [
        (name, field.type, _cell(plain(field)), field.confidence, "edited" if field.changed_on else None)
        for name, field in fields.items()
    ]
    console().print(table(title, ("field", "type", "value", "confidence", ""), rows))


def _cell(value: object) -> str | None:
    match value:
        case None:
            return None
        case str():
            return value
        case _:
            return write_json(value).decode()


def _paths(fields: Sequence[TypeField], prefix: str) -> Iterator[tuple[str, str | None]]:
    for field in fields:
        yield f"{prefix}{field.name}", field.type
        yield from _paths(field.fields, f"{prefix}{field.name}.")
