"""From a mapping file to a `Mapping`, or to all of its problems at once."""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from connector.document import ROW_ID, Document, Field, Row
from connector.mapping import rules
from connector.mapping.contradictions import find_contradictions
from connector.mapping.file import ExampleFile, FieldFile, LineFile, MappingFile, RecordFile
from connector.mapping.path import ABSENT, parse_path
from connector.mapping.value_types import convert, read_timestamp
from connector.yaml_source import KeyPath, YamlSource, read_yaml, validate

_WRAPPING = {"type", "value", "confidence", "content", "changedOn", "changedBy"}


def load_mapping(path: Path) -> rules.Mapping:
    """Read a mapping file.

    Raises: ConfigError listing every problem in the order of the file, each with file, line and column.
    """
    source = read_yaml(path)
    file = validate(MappingFile, source, also=find_contradictions(source.value))
    return rules.Mapping(
        path=path,
        sha256=source.sha256,
        document=file.document,
        record=_record(file.record, source),
        examples=tuple(
            _example(example, ("examples", at), file.document, source)
            for at, example in enumerate(file.examples)
        ),
    )


def _record(file: RecordFile, source: YamlSource) -> rules.RecordRule:
    where = ("record",)
    return rules.RecordRule(
        object=file.object,
        key_field=file.key,
        fields=_fields(file.fields, where, source),
        lines=tuple(_line(line, (*where, "lines", at), source) for at, line in enumerate(file.lines)),
        place=source.place((*where, "object")),
    )


def _line(file: LineFile, where: KeyPath, source: YamlSource) -> rules.LineRule:
    return rules.LineRule(
        object=file.object,
        each=parse_path(file.each),
        key_field=file.key,
        parent_field=file.parent,
        fields=_fields(file.fields, where, source),
        place=source.place((*where, "each")),
        optional=file.optional,
    )


def _fields(
    fields: Mapping[str, FieldFile], where: KeyPath, source: YamlSource
) -> tuple[rules.FieldRule, ...]:
    return tuple(
        rules.FieldRule(
            target=name,
            paths=(parse_path(field.from_),),
            place=source.place((*where, "fields", name)),
            type=field.type,
            default=_default(field),
            required=field.required,
            optional=field.optional,
        )
        for name, field in fields.items()
    )


def _default(field: FieldFile) -> Any:  # noqa: ANN401 a value of the record, or ABSENT
    if "default" not in field.model_fields_set:
        return ABSENT
    return None if field.default is None else convert(field.type, field.default)


def _example(file: ExampleFile, where: KeyPath, document_type: str, source: YamlSource) -> rules.Example:
    about = file.about
    return rules.Example(
        name=file.name,
        document=Document(
            id=about.id,
            type=about.type or document_type,
            status=about.status,
            created_on=read_timestamp(about.created_on) if about.created_on else None,
            name=about.name,
            fields={name: _field(value) for name, value in file.document.items()},
        ),
        header=_expected(file.record.model_extra or {}, (*where, "record"), source),
        lines=tuple(
            _expected(line, (*where, "record", "lines", at), source)
            for at, line in enumerate(file.record.lines)
        ),
        place=source.place((*where, "name")),
    )


def _expected(fields: Mapping[str, Any], where: KeyPath, source: YamlSource) -> rules.ExpectedFields:
    return rules.ExpectedFields(
        fields={
            name: rules.Expected(value=value, place=source.place((*where, name)))
            for name, value in fields.items()
        },
        place=source.place(where),
    )


def _field(value: Any) -> Field:  # noqa: ANN401 a YAML value
    """Read a field, plain or as Docflo sends it: {type, value, confidence}."""
    if not _is_wrapped(value):
        return Field(value=_value(value))
    kind, confidence = value.get("type"), value.get("confidence")
    return Field(
        value=_value(value["value"]),
        type=kind if isinstance(kind, str) else None,
        confidence=Decimal(confidence) if isinstance(confidence, int | Decimal) else None,
    )


def _is_wrapped(value: object) -> bool:
    return isinstance(value, dict) and "value" in value and value.keys() <= _WRAPPING


def _value(value: Any) -> Any:  # noqa: ANN401 from a YAML value to a value of a document
    if isinstance(value, dict):
        return {name: _field(inner) if _is_wrapped(inner) else _value(inner) for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    if value and all(isinstance(entry, dict) for entry in value):
        return tuple(_row(entry) for entry in value)
    return tuple(_value(entry) for entry in value)


def _row(entry: Mapping[str, Any]) -> Row:
    row_id = entry.get(ROW_ID)
    fields = {name: _field(inner) for name, inner in entry.items() if name != ROW_ID}
    return Row(id=None if row_id is None else str(row_id), fields=fields)
