"""`mapping new`: ask Docflo and the target what they have, propose a mapping, and prove that it loads."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import structs

from connector.adapters.base import DescribesTargets, TargetObject
from connector.adapters.registry import create_adapter
from connector.cli.proposal import Proposal, known_fields, propose, with_evidence
from connector.cli.proposal_text import write_proposal
from connector.clock import utc_now
from connector.config import Config
from connector.docflo.answers import TypeField
from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.document import Document, Field, FieldValue, Row, plain_fields
from connector.errors import ConfigError, MappingError
from connector.mapping.apply import apply_mapping
from connector.mapping.load import load_mapping
from connector.mapping.schema import mapping_json_schema
from connector.record import Record
from connector.yaml_words import suggest

SCHEMA_FILE = "mapping.schema.json"
"""Written beside the mapping, for editors."""

_ROWS_SHOWN = 3
_ROUNDS = 3  # optional, then left out; a third finds nothing more
_CANDIDATES = 10
_SAMPLES: Mapping[str, FieldValue] = {
    "boolean": True,
    "currency": {"amount": Decimal("12.50"), "currencyCode": "EUR"},
    "date": "2026-01-31",
    "number": 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A proposed mapping: its text, and what a person should know of it."""

    text: str
    proposal: Proposal
    origin: str  # where its example comes from


def split_target(config: Config, target: str) -> tuple[str, str]:
    """Read `crm:Invoice__c`.

    Raises: ConfigError naming the targets there are.
    """
    name, colon, object_name = target.partition(":")
    if not colon or not object_name or name not in config.targets:
        hint = suggest(name, config.targets)
        message = f"`{target}` names no object of a target; {hint}"
        raise ConfigError(message, remedy="NAME:OBJECT with a name under `targets`, such as crm:Invoice__c")
    return name, object_name


def describe_target(config: Config, name: str, object_name: str) -> TargetObject:
    """Ask a target for one of its objects.

    Raises: ConfigError when it cannot tell which fields it has.
    """
    adapter = create_adapter(config.targets[name], clock=utc_now)
    try:
        if not isinstance(adapter, DescribesTargets):
            message = f"target `{name}` does not tell which fields its objects have"
            raise ConfigError(message, remedy="copy the nearest mapping under mappings/ instead")
        return adapter.describe(object_name)
    finally:
        adapter.close()


def read_type(
    config: Config, docflo: DocfloClient, type_: str, document_id: str | None
) -> tuple[tuple[TypeField, ...], list[Document]]:
    """Give the fields of a document type, and real documents of it, the newest first.

    Raises: ConfigError when the tenant has no such type, or the document is of another one.
    """
    enabled = [enabled.name for enabled in docflo.enabled_types()]
    if type_ not in enabled:
        message = f"`{type_}` is no enabled document type; {suggest(type_, enabled)}"
        raise ConfigError(message)
    fields = docflo.type_configuration(type_).fields
    own = {
        name
        for section in config.pipelines.values()
        for _, step in section.write_back
        if step is not None
        for name in step.fields
    }
    documents = _documents(docflo, type_, document_id)
    wanted = tuple(field for field in fields if field.name not in own)
    return known_fields(wanted, documents[0] if documents else None), documents


def _documents(docflo: DocfloClient, type_: str, document_id: str | None) -> list[Document]:
    if document_id is not None:
        document = docflo.document(document_id)
        if document.type not in {None, type_}:
            message = f"document {document_id} is of type `{document.type}`, not `{type_}`"
            raise ConfigError(message)
        return [document]
    query = DocumentQuery(type=type_, top=_CANDIDATES, include_results=True, sort_order="desc")
    listed = docflo.list_documents(query).documents
    read = [each for each in listed if each.type in {None, type_} and each.fields]
    return sorted(read, key=lambda each: str(each.created_on or ""), reverse=True)


def write_mapping(
    type_: str, fields: tuple[TypeField, ...], target: TargetObject, named: str, documents: list[Document]
) -> Written:
    """Propose, run the rules over the documents, and write the file with the first that fits as example."""
    proposal = with_evidence(propose(type_, fields, target, named=named), documents)
    for document in documents:
        record = _run(proposal, _shortened(document))
        if isinstance(record, Record):
            return _written(proposal, document, record)
    document = documents[0] if documents else _sample(type_, fields)
    record = _run(proposal, _shortened(document))
    for _ in range(_ROUNDS):
        if isinstance(record, Record):
            break
        proposal = proposal.weaker(record)
        record = _run(proposal, _shortened(document))
    return _written(proposal, document, record if isinstance(record, Record) else None)


def _written(proposal: Proposal, document: Document, record: Record | None) -> Written:
    rows = max(
        (len(value) for value in plain_fields(document).values() if isinstance(value, tuple)), default=0
    )
    short = f", with {_ROWS_SHOWN} of its rows" if rows > _ROWS_SHOWN else ""
    origin = (
        f"Taken from the document {document.id}{short}: its values stand in this file."
        if document.id
        else "No document of this type was found: the values below are made up."
    )
    text = write_proposal(
        proposal, plain_fields(_shortened(document)), record, schema=SCHEMA_FILE, origin=origin
    )
    return Written(text=text, proposal=proposal, origin=origin)


def _run(proposal: Proposal, document: Document) -> Record | frozenset[str]:
    """Give the record, or the fields (`Object.Field`) and lines (`Object`) that fail."""
    text = write_proposal(proposal, {}, None, schema=SCHEMA_FILE, origin="")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "proposed.yaml"
        path.write_text(text, encoding="utf-8")
        mapping = load_mapping(path)
    try:
        return apply_mapping(mapping, document, "example")
    except MappingError as error:
        return frozenset(problem.place.rpartition(": ")[2] for problem in error.problems)


def _shortened(document: Document) -> Document:
    return replace(
        document,
        fields={
            name: structs.replace(field, value=_first(field.value)) for name, field in document.fields.items()
        },
    )


def _first(value: FieldValue) -> FieldValue:
    return value[:_ROWS_SHOWN] if isinstance(value, tuple) else value


def _sample(type_: str, fields: tuple[TypeField, ...]) -> Document:
    return Document(
        id="",
        type=type_,
        status="APPROVED",
        created_on=None,
        fields={field.name: _made_up(field) for field in fields},
    )


def _made_up(field: TypeField) -> Field:
    if field.type == "array":
        row = Row(id="1", fields={inner.name: _made_up(inner) for inner in field.fields})
        return Field(value=(row,), type=field.type)
    if field.type == "object":
        return Field(value={inner.name: _made_up(inner) for inner in field.fields}, type=field.type)
    return Field(value=_SAMPLES.get(field.type or "", "Text"), type=field.type)


def save(written: Written, path: Path) -> None:
    """Write the mapping, and the schema that its first line names.

    Raises: ConfigError when the file is there already.
    """
    if path.exists():
        message = f"{path} exists; nothing was written"
        raise ConfigError(message, remedy="name another file with --to")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(written.text, encoding="utf-8")
    schema = path.parent / SCHEMA_FILE
    if not schema.exists():
        schema.write_text(json.dumps(mapping_json_schema(), indent=2) + "\n", encoding="utf-8")


def report(written: Written) -> list[str]:
    """Say what was proposed, and what is left to a person."""
    proposal = written.proposal
    kinds = [(proposal.object, proposal.matches), *((line.object, line.matches) for line in proposal.lines)]
    lines = [
        f"  {name}: {sum(match.is_sure for match in matches)} of {len(matches)} fields have a rule"
        for name, matches in kinds
    ]
    if proposal.unmapped_required:
        lines.append(
            f"  still to be mapped, the target requires them: {', '.join(proposal.unmapped_required)}"
        )
    return [*lines, f"  example: {written.origin}"]
