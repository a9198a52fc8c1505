"""The shape of a mapping file: its keys and what kind of value each takes.

What needs two keys at once, an expression or another file is checked by `load.py` and what it calls. The
descriptions serve editors.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from connector.mapping.file_values import (
    Chain,
    Floor,
    Name,
    Paths,
    PathText,
    Places,
    RoundingName,
    RowsPath,
    SingleValue,
    Timestamp,
    TypeName,
    Version,
)
from connector.yaml_words import describe_kind

_EXPRESSION = "Expression over the fields, such as InvoiceTotal.amount > 10000."


def _one_of(*keys: str) -> dict[str, Any]:
    return {"oneOf": [{"required": [key]} for key in keys]}


def _any_of(*keys: str) -> dict[str, Any]:
    return {"anyOf": [{"required": [key]} for key in keys]}


class _Section(BaseModel):
    # Strict: `optional: no` is text in YAML 1.2, and must not quietly mean something.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class FieldFile(_Section):
    """A field of the target: a path, or these keys."""

    from_: Paths = Field(
        default=[],
        alias="from",
        description="Path into the document, such as InvoiceTotal.amount; of several, the first there is.",
    )
    expr: Name | None = Field(default=None, description=f"Instead of `from`: {_EXPRESSION}")
    value: SingleValue = Field(default=None, description="Instead of `from`: always this value.")
    when: Name | None = Field(default=None, description="Leave the field out unless this expression is true.")
    with_: Chain = Field(
        default=[], alias="with", description="Conversions, one after the other: digits, or {left: 10}."
    )
    lookup: Name | None = Field(
        default=None, description="Table or question under `lookups` to look it up in."
    )
    missing: Literal["error", "absent", "null", "default", "keep"] = Field(
        default="error", description="What no answer to `lookup` means; keep sends the value itself."
    )
    type: TypeName | None = Field(
        default=None, description="What the value must be. Without it, the value passes as it is."
    )
    places: Places | None = Field(
        default=None, description="Decimals of the number; more are refused unless `rounding` says how."
    )
    rounding: RoundingName | None = Field(default=None, description="How to round to `places`.")
    default: SingleValue = Field(default=None, description="Used when the value is missing or null.")
    required: bool = Field(default=False, description="Refuse blank text as well as missing and null.")
    optional: bool = Field(
        default=False, description="Leave the field out when the value is missing or null."
    )
    blank: Literal["keep", "missing"] = Field(
        default="keep", description="Whether empty text and spaces are text, or as good as missing."
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
        keys |= _one_of(*SOURCES)
        definition.clear()
        definition |= {"anyOf": [{"type": "string", "minLength": 1}, keys]}
        return reference


SOURCES = ("from", "expr", "value")
"""Where a field's value comes from: exactly one of them."""

Fields = Annotated[dict[Name, FieldFile], Field(min_length=1)]

_INCLUDE = "Files with fields that several mappings share, relative to this file."


class LineFile(_Section):
    """One line of the record for each row of a list."""

    model_config = ConfigDict(json_schema_extra=_any_of("fields", "include"))

    object: Name = Field(description="Object of the target, such as Invoice_Line__c.")
    each: RowsPath = Field(description="Path of the list: one line for each of its rows.")
    key: Name = Field(description="Field that holds the line's key; the connector fills it.")
    parent: Name | None = Field(
        default=None,
        description="Field that refers to what the line belongs to; the connector fills it. "
        "Left out for targets that nest lines.",
    )
    include: list[Name] = Field(default=[], description=_INCLUDE)
    fields: Fields = Field(default={}, description="Field of the target -> path from the row, or its rule.")
    optional: bool = Field(default=False, description="No lines when the list is missing or null.")
    when: Name | None = Field(default=None, description="Only rows for which this expression is true.")
    lines: "list[LineFile]" = Field(default=[], description="Lines of this line; `each` starts at its row.")


class RecordFile(_Section):
    """The object of the target that a document becomes."""

    model_config = ConfigDict(json_schema_extra=_any_of("fields", "include"))

    object: Name = Field(description="Object of the target, such as Invoice__c.")
    key: Name = Field(description="Field that holds the record's key; the connector fills it.")
    when: Name | None = Field(
        default=None, description="Documents for which this expression is false are skipped, with the reason."
    )
    include: list[Name] = Field(default=[], description=_INCLUDE)
    fields: Fields = Field(default={}, description="Field of the target -> path, or its rule.")
    lines: list[LineFile] = Field(default=[], description="Kinds of lines.")


class CompanionFile(_Section):
    """Another record from the same document, delivered before it in the same unit, such as its vendor."""

    model_config = ConfigDict(json_schema_extra=_any_of("fields", "include"))

    object: Name = Field(description="Object of the target, such as Vendor__c.")
    key: Name = Field(description="Field that holds its key.")
    key_from: FieldFile = Field(description="What its key is: a path, or a rule. Equal keys are one record.")
    when: Name | None = Field(default=None, description="Made only when this expression is true.")
    include: list[Name] = Field(default=[], description=_INCLUDE)
    fields: Fields = Field(default={}, description="Field of the target -> path, or its rule.")
    lines: list[LineFile] = Field(default=[], description="Kinds of lines.")


class LookupFile(_Section):
    """A table: in a file, written here, or the target's own."""

    model_config = ConfigDict(json_schema_extra=_one_of("file", "values", "object"))

    file: Name | None = Field(default=None, description="CSV or YAML file, relative to this file.")
    key: Name | None = Field(
        default=None, description="Column of the CSV file, or field of the target, that holds the key."
    )
    value: Name | None = Field(
        default=None, description="Column of the CSV file, or field of the target, that is wanted."
    )
    values: dict[str, SingleValue] | None = Field(default=None, description="The table itself: key -> value.")
    object: Name | None = Field(
        default=None, description="Object of the target that is asked, such as Account."
    )
    many: Literal["error", "first"] = Field(
        default="error", description="What several answers mean; first is the smallest of them."
    )


class GateFile(_Section):
    """What must hold before anything is sent; otherwise the document goes back to its reviewer."""

    model_config = ConfigDict(json_schema_extra=_one_of("expr", "confidence", "sum", "required"))

    expr: Name | None = Field(default=None, description=f"Must be true. {_EXPRESSION}")
    message: Name | None = Field(default=None, description="What the reviewer is told; needed with `expr`.")
    confidence: dict[PathText, Floor] | None = Field(
        default=None, description="Path -> how sure Docflo must be, 0 to 1."
    )
    unless_edited: bool = Field(default=False, description="A field that a person edited passes.")
    unknown: Literal["fail", "pass"] = Field(default="fail", description="A field without a confidence.")
    sum: Paths | None = Field(default=None, description="Paths of amounts, such as Items[].Amount.amount.")
    equals: PathText | None = Field(default=None, description="Path of what they must add up to.")
    currency: PathText | None = Field(default=None, description="Path of the code of their currency.")
    within: int = Field(default=0, ge=0, description="Smallest units of the currency it may be off.")
    required: Paths | None = Field(default=None, description="Paths that must be there and not blank.")
    when: Name | None = Field(default=None, description="Looked at only when this expression is true.")


class AboutFile(_Section):
    """What `document.id` and its like give in an example."""

    id: str = "example"
    type: str | None = Field(default=None, description="Without it, the mapping's own type.")
    status: str | None = "APPROVED"
    created_on: Timestamp | None = None
    name: str | None = None


class ExpectedLineFile(_Section):
    """A line that an example expects: its fields by name, and lines in it."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SingleValue]

    lines: "list[ExpectedLineFile]" = Field(default=[], description="Lines of the line, in order.")


class ExpectedFile(_Section):
    """The record that an example expects: its fields by name, and its lines in order."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SingleValue]

    lines: list[ExpectedLineFile] = Field(default=[], description="Fields of each line, in order.")


class ExampleFile(_Section):
    """A document and the record it must become. `check` runs every example."""

    model_config = ConfigDict(json_schema_extra=_one_of("record", "skipped", "refused"))

    name: Name = Field(description="What this example shows.")
    about: AboutFile = Field(default=AboutFile(), description="Values of document.id, .type, .status, ...")
    document: dict[str, Any] = Field(
        description="Fields, plain or as Docflo sends them: {InvoiceTotal: {amount: 12.50}}."
    )
    lookups: dict[str, dict[str, SingleValue]] = Field(
        default={}, description="What the target answers: look-up -> key -> value. Other keys have no answer."
    )
    record: ExpectedFile | None = Field(
        default=None, description="Every field the record must have, no more and no fewer."
    )
    companions: list[ExpectedFile] = Field(default=[], description="The companions, in order.")
    skipped: bool = Field(default=False, description="Instead of `record`: `when` of the record says no.")
    refused: Name | None = Field(
        default=None, description="Instead of `record`: words of the reason why the document is refused."
    )


class FragmentFile(_Section):
    """Fields and look-ups that several mappings include."""

    version: Version = Field(description="Version of this format.")
    include: list[Name] = Field(default=[], description="Further files, relative to this one.")
    lookups: dict[Name, LookupFile] = Field(default={}, description="Tables, by a name of yours.")
    fields: Fields = Field(default={}, description="Field of the target -> path, or its rule.")


class MappingFile(_Section):
    """Which fields of a document become which fields of a record."""

    version: Version = Field(description="Version of this format.")
    document: Name = Field(description="Docflo document type, exactly as Docflo spells it.")
    lookups: dict[Name, LookupFile] = Field(default={}, description="Tables, by a name of yours.")
    record: RecordFile = Field(description="What a document becomes.")
    companions: list[CompanionFile] = Field(
        default=[], description="Other records from the same document, delivered before it."
    )
    gates: list[GateFile] = Field(default=[], description="What must hold before anything is sent.")
    examples: list[ExampleFile] = Field(min_length=1, description="At least one: `check` runs them all.")
