"""Which document `preview` shows, and how."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from rich.table import Table
from rich.text import Text

from connector.cli.output import console, print_json
from connector.config import Config, PipelineSection
from connector.docflo.outgoing import DocumentQuery
from connector.docflo.wire import read_document
from connector.document import Document
from connector.errors import ConfigError
from connector.mapping.explain import Explained, explain
from connector.mapping.rules import Mapping
from connector.record import record_key
from connector.wiring import docflo_by_hand


def document_to_preview(
    config: Config, section: PipelineSection, document_id: str | None, file: Path | None
) -> Document:
    """Read the document from a file, by its id, or the first that is ready."""
    if file is not None:
        try:
            return read_document(file.read_bytes())
        except OSError as error:
            message = f"cannot read {file}: {error.strerror}"
            raise ConfigError(message) from error
    with docflo_by_hand(config) as docflo:
        if document_id is not None:
            return docflo.document(document_id)
        query = DocumentQuery(
            type=section.documents.types[0], status=section.documents.statuses[0], top=1, include_results=True
        )
        page = docflo.list_documents(query)
        if not page.documents:
            message = f"no {query.type} with status {query.status} is waiting in Docflo"
            raise ConfigError(message, remedy="name one with --document, or a saved one with --file")
        first = page.documents[0]
        return first if first.has_fields else docflo.document(first.id)


def show_preview(
    config: Config, pipeline: str, mapping: Mapping, document: Document, *, as_json: bool
) -> bool:
    """Print source, rule and result of every field. True when the document fits the mapping."""
    key = record_key(config.docflo.tenant_id, pipeline, document.id)
    explained = explain(mapping, document, key)
    if as_json:
        print_json({"document": document.id, "key": key, "fields": explained})
    else:
        title = f"Document {document.id} ({document.type}, {document.status}) as {key}"
        console().print(_drawn(title, explained))
    return all(line.problem is None for line in explained)


def _drawn(title: str, explained: Sequence[Explained]) -> Table:
    drawn = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in ("target field", "source", "rule", "in Docflo", "confidence", "would be sent"):
        drawn.add_column(column, overflow="fold")
    for (record, row), fields in groupby(explained, key=_record_and_row):
        drawn.add_section()
        drawn.add_row(Text(f"{record}, from {row}" if row else record, style="bold"))
        for field in fields:
            drawn.add_row(
                Text(f"  {field.target.removeprefix(record).lstrip('.')}"),
                Text(field.source),
                Text(field.rule),
                Text(_exactly(field.value)),
                Text(_exactly(field.confidence)),
                _sent(field),
            )
    return drawn


def _record_and_row(field: Explained) -> tuple[str, str]:
    row, bracket, _ = field.source.partition("]")
    return field.target.partition(".")[0], row + bracket if bracket else ""


def _sent(field: Explained) -> Text:
    if field.problem is not None:
        return Text(f"✗ {field.problem}", style="red")
    if not field.is_sent:
        return Text("left out", style="dim")
    return (
        Text("cleared", style="yellow")
        if field.result is None
        else Text(_exactly(field.result), style="green")
    )


def _exactly(value: object) -> str:
    """Give a value as it is, digit for digit: no separators, no rounding."""
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
