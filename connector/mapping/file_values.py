"""Kinds of values in a mapping file: what each takes, said in the words of the file, and its JSON Schema."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from connector.mapping.functions import FUNCTIONS
from connector.mapping.library.values import ROUNDINGS
from connector.mapping.path import parse_path
from connector.mapping.rules import Step
from connector.mapping.value_types import CONVERSIONS, MAX_DIGITS, read_timestamp
from connector.yaml_words import describe_kind, suggest

VERSION = 1
MAX_PLACES = MAX_DIGITS // 2


def _known_version(version: int) -> int:
    if version != VERSION:
        message = f"version {version} is not known; this connector reads version {VERSION}"
        raise ValueError(message)
    return version


def _path(text: str) -> str:
    parse_path(text)
    return text


def _paths(value: object) -> list[str]:
    listed: list[Any] = value if isinstance(value, list) else [value]
    if not listed:
        raise ValueError("expected a path, or a list of paths of which the first that is there counts")
    for entry in listed:
        if not isinstance(entry, str):
            message = f"expected a path such as InvoiceTotal.amount, got {describe_kind(entry)}"
            raise ValueError(message)  # noqa: TRY004 what pydantic catches
        parse_path(entry)
    return listed


def _rows_path(text: str) -> str:
    path = parse_path(text)
    if path.is_property:
        message = f"`{text}` is no list; expected the path of a list of rows, such as Items"
        raise ValueError(message)
    if path.gives_list:
        message = f"`{text}`: `each` walks a list by itself; expected {text.replace('[]', '')}"
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


def _chain(value: object) -> list[Step]:
    return [_step(entry) for entry in (value if isinstance(value, list) else [value])]


def _step(value: object) -> Step:
    name, given = value, None
    if isinstance(value, dict):
        if len(value) != 1:
            raise ValueError(
                "expected one conversion in each entry, such as {left: 10}; begin another with `- `"
            )
        ((name, given),) = value.items()
    if not isinstance(name, str):
        message = (
            f"expected the name of a conversion, such as digits or {{left: 10}}; got {describe_kind(name)}"
        )
        raise ValueError(message)  # noqa: TRY004 what pydantic catches
    if name not in FUNCTIONS:
        message = f"unknown conversion `{name}`; {suggest(name, FUNCTIONS)}"
        raise ValueError(message)
    function = FUNCTIONS[name]
    if not function.parameters:
        message = f"`{name}` takes no value; it cannot stand in `with`"
        raise ValueError(message)
    arguments, named = _arguments(given)
    bound = function.bind((None, *arguments), named)[1:]
    function.require(bound)
    return Step(function=name, arguments=bound)


def _arguments(given: object) -> tuple[Sequence[Any], Mapping[str, Any]]:
    if given is None:
        return (), {}
    if isinstance(given, dict):
        return (), {str(name): _single_value(value) for name, value in given.items()}
    if isinstance(given, list):
        return [_single_value(value) for value in given], {}
    return [_single_value(given)], {}


def _floor(value: object) -> Decimal:
    if isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 <= value <= 1:
        return Decimal(value)
    raise ValueError("expected a number from 0 to 1, such as 0.85")


_TEXT = {"type": "string", "minLength": 1}
_SINGLE = {"type": ["string", "number", "boolean", "null"]}
CONVERSION = {
    "Conversion": {
        "description": "The name of a conversion, or the name with its arguments.",
        "anyOf": [
            {"enum": [name for name, function in FUNCTIONS.items() if function.parameters]},
            {
                "type": "object",
                "minProperties": 1,
                "maxProperties": 1,
                "additionalProperties": False,
                "properties": {
                    name: {
                        "description": f"{function.signature}: {function.summary}",
                        "$ref": "#/$defs/Arguments",
                    }
                    for name, function in FUNCTIONS.items()
                    if function.parameters
                },
            },
        ],
    },
    "Arguments": {
        "description": "One argument, several in order, or by name.",
        "anyOf": [
            _SINGLE,
            {"type": "array", "items": _SINGLE},
            {"type": "object", "additionalProperties": _SINGLE},
        ],
    },
}
"""Definitions for the JSON Schema, too long to stand in every place that takes a conversion."""

CONVERSION_HERE = {"$comment": "Conversion"}
"""Stands for a reference to the first of them."""

Version = Annotated[int, AfterValidator(_known_version), WithJsonSchema({"const": VERSION})]
Name = Annotated[str, Field(min_length=1)]
PathText = Annotated[str, AfterValidator(_path), WithJsonSchema(_TEXT)]
Paths = Annotated[
    list[str],
    BeforeValidator(_paths),
    WithJsonSchema({"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}),
]
RowsPath = Annotated[str, AfterValidator(_rows_path), WithJsonSchema(_TEXT)]
Timestamp = Annotated[str, AfterValidator(_timestamp)]
SingleValue = Annotated[Any, BeforeValidator(_single_value), WithJsonSchema(_SINGLE)]
Chain = Annotated[
    list[Step],
    BeforeValidator(_chain),
    WithJsonSchema({"anyOf": [CONVERSION_HERE, {"type": "array", "items": CONVERSION_HERE, "minItems": 1}]}),
]
Floor = Annotated[
    Decimal, BeforeValidator(_floor), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})
]
Places = Annotated[int, Field(ge=0, le=MAX_PLACES)]
TypeName = Literal["string", "integer", "decimal", "date", "datetime", "boolean", "currency"]
RoundingName = Annotated[
    Literal["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"],
    WithJsonSchema({"enum": list(ROUNDINGS)}),
]
