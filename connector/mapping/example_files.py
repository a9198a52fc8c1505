"""From an example as it is written to the document and the record that it means."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connector.document import ROW_ID, Document, Field, Row
from connector.mapping import rules
from connector.mapping.file import ExampleFile, ExpectedFile, ExpectedLineFile
from connector.mapping.value_types import convert, read_timestamp
from connector.record import TargetQuery
from connector.yaml_source import KeyPath, YamlSource

_WRAPPING = {"type", "value", "confidence", "content", "changedOn", "changedBy"}


def make_example(
    file: ExampleFile,
    where: KeyPath,
    document_type: str,
    source: YamlSource,
    lookups: Mapping[str, rules.Lookup],
) -> rules.Example:
    """Give the document and what is expected of it."""
    about = file.about
    record = file.record or ExpectedFile()
    header = _expected(record, (*where, "record"), source)
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
        header=header,
        lines=header.lines,
        companions=tuple(
            _expected(companion, (*where, "companions", at), source)
            for at, companion in enumerate(file.companions)
        ),
        answers=_answers(file, lookups),
        skipped=file.skipped,
        refused=file.refused,
        place=source.place((*where, "name")),
    )


def _answers(file: ExampleFile, lookups: Mapping[str, rules.Lookup]) -> Mapping[TargetQuery, tuple[str, ...]]:
    answers: dict[TargetQuery, tuple[str, ...]] = {}
    for name, known in file.lookups.items():
        lookup = lookups.get(name)
        if not isinstance(lookup, rules.TargetLookup):
            continue
        for key, value in known.items():
            query = TargetQuery(object=lookup.object, field=lookup.key, value=key, wanted=lookup.wanted)
            answers[query] = () if value is None else (str(convert("string", value)),)
    return answers


def _expected(
    file: ExpectedFile | ExpectedLineFile, where: KeyPath, source: YamlSource
) -> rules.ExpectedFields:
    return rules.ExpectedFields(
        fields={
            name: rules.Expected(value=value, place=source.place((*where, name)))
            for name, value in (file.model_extra or {}).items()
        },
        lines=tuple(_expected(line, (*where, "lines", at), source) for at, line in enumerate(file.lines)),
        place=source.place(where),
    )


def _field(value: Any) -> Field:  # noqa: ANN401 a YAML value
    """Read a field, plain or as Docflo sends it: {type, value, confidence}."""
    if not _is_wrapped(value):
        return Field(value=_value(value))
    kind, confidence, changed_on = value.get("type"), value.get("confidence"), value.get("changedOn")
    return Field(
        value=_value(value["value"]),
        type=kind if isinstance(kind, str) else None,
        confidence=Decimal(confidence) if isinstance(confidence, int | Decimal) else None,
        changed_on=changed_on if isinstance(changed_on, str) else None,
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
