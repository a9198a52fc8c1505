"""Which document `preview` shows, and how."""

from pathlib import Path

from connector.cli.output import console, print_json, table
from connector.config import Config, PipelineSection
from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.docflo.wire import read_document
from connector.document import Document
from connector.errors import ConfigError
from connector.mapping.explain import explain
from connector.mapping.rules import Mapping
from connector.record import record_key


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
    with DocfloClient(config.docflo) as docflo:
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
        rows = [
            (line.target, line.source, line.rule, line.value, line.confidence, line.problem or line.result)
            for line in explained
        ]
        title = f"Document {document.id} ({document.type}, {document.status}) as {key}"
        columns = ("target field", "source", "rule", "value in Docflo", "confidence", "would be sent")
        console().print(table(title, columns, rows))
    return all(line.problem is None for line in explained)
