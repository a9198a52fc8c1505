"""From a user's configuration to what a crash matrix plays: their pipelines, the sandbox's documents."""

import random
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from connector.adapters.salesforce.settings import SalesforceSettings
from connector.cli.crash_stage import SalesforceSide, Script
from connector.clock import utc_now
from connector.config import Config
from connector.document import Document, Field, Row
from connector.errors import ConfigError, MappingError
from connector.ledger.database import open_database
from connector.mapping.apply import apply_mapping
from connector.mapping.rules import Mapping as MappingRules
from connector.pipeline.settings import PipelineSection
from connector.record import Record, RecordValue, parts
from connector.sandbox.docflo.document import SandboxDocument, object_id, settled
from connector.sandbox.docflo.generate import GENERATED, generate_documents
from connector.sandbox.docflo.schema import ENABLED_TYPES, FieldSchema, TypeSchema
from connector.sandbox.salesforce.schema import FieldType
from connector.sandbox.salesforce.tailored import Wanted, tailored_objects
from connector.wiring import load_mappings
from connector.yaml_source import read_yaml

GENERATED_DOCUMENTS = 6
NOT_READY = "PROCESSING"
WRITTEN_TYPES = {"today()": "date"}
"""Docflo field types of what a write-back writes; all else is text."""


def write_script(config: Config, path: Path, folder: Path) -> Script:
    """Prepare the pipelines of a configuration that deliver to Salesforce. `folder`: for files of our own.

    Raises: ConfigError when there is none, or a mapping has problems.
    """
    targets = {name for name, target in config.targets.items() if isinstance(target, SalesforceSettings)}
    sections = {name: section for name, section in config.pipelines.items() if section.target in targets}
    if not sections:
        raise ConfigError("no pipeline delivers to Salesforce, and the sandbox has no other target")
    mappings = load_mappings(sections)
    now = utc_now()
    objects = tailored_objects(_wanted(sections, mappings))
    return Script(
        pipelines=_copied(path, sections, now),
        targets=tuple(sorted({section.target for section in sections.values()})),
        documents=tuple(_documents(sections, mappings, now)),
        types=_types(sections),
        written={name: source for section in sections.values() for name, source in _written(section).items()},
        make_target=partial(SalesforceSide, objects),
        make_ledger=partial(_copy_ledger, _empty_ledger(folder)),
    )


def _empty_ledger(folder: Path) -> Path:
    empty = folder / "empty.db"
    database = open_database(f"sqlite:///{empty}")
    database.upgrade()
    database.close()
    return empty


def _copy_ledger(empty: Path, folder: Path) -> str:
    return f"sqlite:///{shutil.copy(empty, folder / 'ledger.db')}"


def _copied(path: Path, sections: Mapping[str, PipelineSection], now: datetime) -> Mapping[str, Any]:
    """Give the pipelines as the file has them, except for places and times."""
    pipelines = read_yaml(path).value["pipelines"]
    for name, section in sections.items():
        pipelines[name]["mapping"] = str(section.mapping.resolve())
        pipelines[name]["documents"]["since"] = (now - timedelta(days=60)).date().isoformat()
    return {name: pipelines[name] for name in sections}


def _written(section: PipelineSection) -> Mapping[str, str]:
    return section.write_back.delivered.fields if section.write_back.delivered else {}


def _documents(
    sections: Mapping[str, PipelineSection], mappings: Mapping[str, MappingRules], now: datetime
) -> Iterator[SandboxDocument]:
    """Give generated documents, the mapping's own examples, and one document that nobody approved."""
    rng = random.Random("crash matrix")  # noqa: S311 sample documents
    seen: set[tuple[str, str]] = set()
    for name, section in sections.items():
        kind, ready = mappings[name].document, section.documents.statuses[0]
        if (kind, ready) in seen:
            continue
        seen.add((kind, ready))
        if kind in GENERATED:
            yield from generate_documents(GENERATED_DOCUMENTS, seed=name, now=now, kind=kind, status=ready)
            yield from generate_documents(1, seed=name, now=now, kind=kind, status=NOT_READY)
        for example in mappings[name].examples:
            moment = now - timedelta(hours=1)
            yield SandboxDocument(
                id=object_id(moment, rng),
                type=kind,
                name=example.name,
                created_on=moment,
                timeline=settled(ready),
                fields=_shown_fields(example.document.fields),
            )


def _shown_fields(fields: Mapping[str, Field]) -> dict[str, Any]:
    return {name: _shown_field(field) for name, field in fields.items()}


def _shown_field(field: Field) -> dict[str, Any]:
    confidence = Decimal(1) if field.confidence is None else field.confidence
    return {
        "type": field.type or _type(field.value),
        "value": _shown_value(field.value),
        "confidence": confidence,
    }


def _shown_value(value: object) -> Any:  # noqa: ANN401 any JSON
    match value:
        case Field():
            return _shown_field(value)
        case Row():
            return {**({"_id": value.id} if value.id else {}), **_shown_fields(value.fields)}
        case Mapping():
            return {name: _shown_value(inner) for name, inner in value.items()}
        case tuple():
            return [_shown_value(inner) for inner in value]
        case _:
            return value


def _type(value: object) -> str:
    match value:
        case {"amount": _}:
            return "currency"
        case Mapping():
            return "object"
        case tuple():
            return "array"
        case bool():
            return "boolean"
        case int() | Decimal():
            return "number"
        case _:
            return "string"


def _types(sections: Mapping[str, PipelineSection]) -> Mapping[str, TypeSchema]:
    """Give every type that is listed the fields that are written back."""
    types = dict(ENABLED_TYPES)
    for section in sections.values():
        own = {
            name: FieldSchema(name=name, type=WRITTEN_TYPES.get(source, "string"))
            for name, source in _written(section).items()
        }
        for kind in section.documents.types:
            types[kind] = {**own, **types.get(kind, {})}
    return types


def _wanted(
    sections: Mapping[str, PipelineSection], mappings: Mapping[str, MappingRules]
) -> Mapping[str, Wanted]:
    """Give the objects and fields that the mappings write, with types that fit what they wrote in a trial."""
    wanted: dict[str, Wanted] = {}
    for name in sections:
        mapping = mappings[name]
        header, *lines = mapping.shapes()
        values = _trial(mapping)
        for shape in (header, *lines):
            fields = {field: _field_type(values.get((shape.object, field))) for field in shape.fields}
            parent = (shape.parent_field, header.object) if shape.parent_field else None
            known = wanted.get(shape.object)
            wanted[shape.object] = Wanted(
                key_field=shape.key_field, parent=parent, fields={**(known.fields if known else {}), **fields}
            )
    return wanted


def _trial(mapping: MappingRules) -> Mapping[tuple[str, str], RecordValue]:
    values: dict[tuple[str, str], RecordValue] = {}
    for record in _records(mapping, [example.document for example in mapping.examples]):
        for part in parts(record):
            values |= {(part.object, name): value for name, value in part.fields.items() if value is not None}
    return values


def _records(mapping: MappingRules, documents: Sequence[Document]) -> Iterable[Record]:
    for document in documents:
        try:
            yield apply_mapping(mapping, document, "trial")
        except MappingError:
            continue  # `check` reports examples that do not fit


def _field_type(value: RecordValue) -> FieldType:
    match value:
        case bool():
            return "boolean"
        case int() | Decimal():
            return "double"
        case datetime():
            return "datetime"
        case date():
            return "date"
        case _:
            return "textarea"
