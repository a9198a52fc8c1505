"""The shape of a mapping file: its keys and what kind of value each takes.

What needs two keys at once, or the document, is checked by `load.py`. The descriptions serve editors.
"""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from connector.mapping.path import parse_path
from connector.mapping.value_types import CONVERSIONS, read_timestamp
from connector.yaml_words import describe_kind

VERSION = 1


def _known_version(version: int) -> int:
    if version != VERSION:
        message = f"version {version} is not known; this connector reads version {VERSION}"
        raise ValueError(message)
    return version


def _path(text: str) -> str:
    parse_path(text)
    return text


def _field_path(text: str) -> str:
    if parse_path(text).is_property:
        message = f"`{text}` is no list; expected the path of a list of rows, such as Items"
        raise ValueError(message)
    return text


def _single_value(value: object) -> object:
    if value is None or isinstance(value, str | bool | int | Decimal):
        return value
    message = f"expected a single value, got {describe_kind(value)}"
    raise ValueError(message)


def _timestamp(text: str) -> str:
    if read_timestamp(text) is None:
        message = f"expected {CONVERSIONS['datetime'].expected}"
        raise ValueError(message)
    return text


Version = Annotated[int, AfterValidator(_known_version), WithJsonSchema({"const": VERSION})]
Name = Annotated[str, Field(min_length=1)]
PathText = Annotated[str, AfterValidator(_path), WithJsonSchema({"type": "string", "minLength": 1})]
RowsPath = Annotated[str, AfterValidator(_field_path), WithJsonSchema({"type": "string", "minLength": 1})]
Timestamp = Annotated[str, AfterValidator(_timestamp)]
SingleValue = Annotated[
    Any,
    BeforeValidator(_single_value),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]
TypeName = Literal["string", "integer", "decimal", "date", "datetime", "boolean", "currency"]


class _Section(BaseModel):
    # Strict: `optional: no` is text in YAML 1.2, and must not quietly mean something.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FieldFile(_Section):
    """A field of the target: a path, or these keys."""

    from_: PathText = Field(alias="from", description="Path into the document, such as InvoiceTotal.amount.")
    type: TypeName | None = Field(
        default=None, description="What the value must be. Without it, the value passes as it is."
    )
    default: SingleValue = Field(default=None, description="Used when the value is missing or null.")
    required: bool = Field(default=False, description="Refuse blank text as well as missing and null.")
    optional: bool = Field(
        default=False, description="Leave the field out when the value is missing or null."
    )

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: object) -> object:
        if isinstance(value, str):
            return {"from": value}
        if isinstance(value, dict):
            return value
        message = f"expected a path such as InvoiceTotal.amount, or {{from: ...}}; got {describe_kind(value)}"
        raise ValueError(message)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        reference = handler(schema)
        definition = handler.resolve_ref_schema(reference)
        keys = dict(definition)
        definition.clear()
        definition |= {"anyOf": [{"type": "string", "minLength": 1}, keys]}
        return reference


Fields = Annotated[dict[Name, FieldFile], Field(min_length=1)]


class LineFile(_Section):
    """One line of the record for each row of a list."""

    object: Name = Field(description="Object of the target, such as Invoice_Line__c.")
    each: RowsPath = Field(description="Path of the list: one line for each of its rows.")
    key: Name = Field(description="Field that holds the line's key; the connector fills it.")
    parent: Name = Field(description="Field that refers to the header; the connector fills it.")
    fields: Fields = Field(description="Field of the target -> path from the row, or its rule.")
    optional: bool = Field(default=False, description="No lines when the list is missing or null.")


class RecordFile(_Section):
    """The object of the target that a document becomes."""

    object: Name = Field(description="Object of the target, such as Invoice__c.")
    key: Name = Field(description="Field that holds the record's key; the connector fills it.")
    fields: Fields = Field(description="Field of the target -> path, or its rule.")
    lines: list[LineFile] = Field(default=[], description="Kinds of lines.")


class AboutFile(_Section):
    """What `document.id` and its like give in an example."""

    id: str = "example"
    type: str | None = Field(default=None, description="Without it, the mapping's own type.")
    status: str | None = "APPROVED"
    created_on: Timestamp | None = None
    name: str | None = None


class ExpectedFile(_Section):
    """The record that an example expects: its fields by name, and its lines in order."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SingleValue]

    lines: list[dict[str, SingleValue]] = Field(default=[], description="Fields of each line, in order.")


class ExampleFile(_Section):
    """A document and the record it must become. `check` runs every example."""

    name: Name = Field(description="What this example shows.")
    about: AboutFile = Field(default=AboutFile(), description="Values of document.id, .type, .status, ...")
    document: dict[str, Any] = Field(
        description="Fields, plain or as Docflo sends them: {InvoiceTotal: {amount: 12.50}}."
    )
    record: ExpectedFile = Field(description="Every field the record must have, no more and no fewer.")


class MappingFile(_Section):
    """Which fields of a document become which fields of a record."""

    version: Version = Field(description="Version of this format.")
    document: Name = Field(description="Docflo document type, exactly as Docflo spells it.")
    record: RecordFile = Field(description="What a document becomes.")
    examples: list[ExampleFile] = Field(min_length=1, description="At least one: `check` runs them all.")
