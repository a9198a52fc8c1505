"""Which document `preview` shows, and how."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from connector.adapters.base import AnswersQueries
from connector.adapters.registry import create_adapter
from connector.cli.output import console, print_json
from connector.clock import utc_now
from connector.config import Config
from connector.docflo.outgoing import DocumentQuery
from connector.docflo.wire import read_document
from connector.document import Document
from connector.errors import ConfigError
from connector.mapping.apply import find_queries
from connector.mapping.explain import Explained, explain
from connector.mapping.mapped import unwanted
from connector.mapping.rules import Mapping
from connector.mapping.scope import Answers
from connector.mapping.supposed import SupposedAnswers
from connector.pipeline.settings import PipelineSection
from connector.record import record_key
from connector.sight import docflo_by_hand

_DOUBTFUL = Decimal("0.8")  # a confidence below is marked


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


def answers_for(
    config: Config, section: PipelineSection, mapping: Mapping, document: Document, *, offline: bool
) -> Answers:
    """Ask the target what the look-ups of the mapping need; offline, say what would be asked."""
    queries = find_queries(mapping, document)
    if offline or not queries:
        return SupposedAnswers()
    adapter = create_adapter(config.targets[section.target], clock=utc_now)
    try:
        if not isinstance(adapter, AnswersQueries):
            message = (
                f"target `{section.target}` cannot be asked, and {mapping.path.name} looks things up in it"
            )
            raise ConfigError(message, remedy="look them up in a table: lookups with `file` or `values`")
        return adapter.query(sorted(queries, key=str))
    finally:
        adapter.close()


def show_preview(
    config: Config, pipeline: str, mapping: Mapping, document: Document, answers: Answers, *, as_json: bool
) -> bool:
    """Print source, rule and result of every field. True when the document fits the mapping."""
    key = record_key(config.docflo.tenant_id, pipeline, document.id)
    explained = explain(mapping, document, key, answers)
    reason = unwanted(mapping, document)
    if as_json:
        print_json({"document": document.id, "key": key, "skipped": reason, "fields": explained})
    else:
        _draw(console(), f"Document {document.id} ({document.type}, {document.status}) as {key}", explained)
    return all(line.problem is None for line in explained)


def _draw(screen: Console, title: str, explained: Sequence[Explained]) -> None:
    screen.print(_drawn(title, [line for line in explained if line.kind in {"field", "line"}]))
    beside = [line for line in explained if line.kind in {"gate", "when"}]
    if beside:
        screen.print()
    for line in beside:
        screen.print(_beside(line))
    problems = [line for line in explained if line.problem is not None]
    if problems:
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        screen.print(Text(f"\nThis document would not be sent: {count}", style="bold red"))
        for line in problems:
            screen.print(Text(f"  {line.place}: {line.target}: {line.problem}"), soft_wrap=True)
    elif any((line.note or "").startswith("skipped") for line in beside):
        screen.print(Text("\nThis document would be skipped.", style="bold yellow"))


def _beside(line: Explained) -> Text:
    style = (
        "red" if line.problem else "yellow" if (line.note or "").startswith(("skipped", "not")) else "green"
    )
    mark = {"red": "✗", "yellow": "-", "green": "✓"}[style]
    said = line.problem or line.note or ""
    return Text.assemble((f"{mark} ", style), f"{line.target}: {line.rule}  ", (said, style))


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
                _sure(field.confidence),
                _sent(field),
            )
    return drawn


def _sure(confidence: Decimal | None) -> Text:
    style = "yellow" if confidence is not None and confidence < _DOUBTFUL else ""
    return Text(_exactly(confidence), style=style)


def _record_and_row(field: Explained) -> tuple[str, str]:
    row, bracket, _ = field.source.partition("]")
    return field.target.partition(".")[0], row + bracket if bracket else ""


def _sent(field: Explained) -> Text:
    if field.problem is not None:
        return Text(f"✗ {field.problem.partition(';')[0]}", style="red")  # the whole of it stands below
    if not field.is_sent:
        return Text(field.note or "left out", style="dim")
    sent = Text("cleared", "yellow") if field.result is None else Text(_exactly(field.result), "green")
    return sent if field.note is None else Text.assemble(sent, (f"  {field.note}", "dim"))


def _exactly(value: object) -> str:
    """Give a value as it is, digit for digit: no separators, no rounding."""
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)
