"""What pydantic found wrong with a file, in the words of the file: no class names, no confidential values."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

Location = tuple[str | int, ...]

_EXPECTED = {
    "a date, YYYY-MM-DD": ("date_type", "date_parsing", "date_from_datetime_parsing"),
    "a file name": ("path_type",),
    "a list": ("list_type", "tuple_type", "set_type", "frozen_set_type"),
    "a number": ("float_type", "float_parsing", "decimal_type", "decimal_parsing", "finite_number"),
    "a whole number": ("int_type", "int_parsing", "int_from_float"),
    "keys and values": ("dict_type", "mapping_type", "model_type", "model_attributes_type"),
    "text": ("string_type",),
    "true or false": ("bool_type", "bool_parsing"),
}
_KINDS = (
    (NoneType, "nothing"),
    (bool, "true or false"),  # before int, which it is to Python
    (int, "a whole number"),
    ((Decimal, float), "a decimal number"),
    (str, "text"),
    ((list, tuple), "a list"),
    (dict, "keys and values"),
)
_WORDS = {kind: words for words, kinds in _EXPECTED.items() for kind in kinds}


def describe_errors(
    error: ValidationError, model: type[BaseModel], value: object
) -> list[tuple[Location, str]]:
    """Give for each error where in the file it stands, and what to say."""
    errors = error.errors(include_url=False)
    described = (_describe_error(each, errors, model, value) for each in errors)
    return [each for each in described if each is not None]


def _describe_error(
    error: ErrorDetails, others: Sequence[ErrorDetails], model: type[BaseModel], value: object
) -> tuple[Location, str] | None:
    location = error["loc"]
    context = error.get("ctx", {})
    match error["type"]:
        case "missing":
            if _is_misspelt(location, others, model):
                return None
            where = (*_in_file(location[:-1], value), location[-1])
            return where, f"key `{location[-1]}` is missing"
        case "extra_forbidden":
            known = sorted(_known_keys(model, location[:-1]))
            return _in_file(
                location, value
            ), f"unknown key `{location[-1]}`; {suggest(str(location[-1]), known)}"
        case "union_tag_invalid":
            name = context["discriminator"].strip("'")
            known = _quoted(context["expected_tags"])
            message = f"unknown {name} `{context['tag']}`; {suggest(context['tag'], known)}"
            return (*_in_file(location, value), name), message
        case "union_tag_not_found":
            name = context["discriminator"].strip("'")
            return (*_in_file(location, value), name), f"key `{name}` is missing"
        case _:
            return _in_file(location, value), _say(error, context)


def suggest(name: str, known: Iterable[str]) -> str:
    """Give `did you mean ...?`, or what there is to choose from."""
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(name.lower(), by_lower, n=1)
    return f"did you mean `{by_lower[close[0]]}`?" if close else f"known: {', '.join(by_lower.values())}"


def describe_kind(value: object) -> str:
    """Give what kind of YAML value this is, never the value."""
    if value == "":
        return "empty text"
    return next((words for kind, words in _KINDS if isinstance(value, kind)), type(value).__name__)


def _say(error: ErrorDetails, context: Mapping[str, Any]) -> str:
    kind, value = error["type"], error["input"]
    if kind == "value_error":
        return str(context["error"])
    if kind == "literal_error":
        return _say_choice(str(context["expected"]), value)
    if kind == "too_short":
        least = context["min_length"]
        return f"expected at least {least} entr{'y' if least == 1 else 'ies'}, got {context['actual_length']}"
    if kind == "string_too_short":
        return "expected text, got empty text"
    if kind not in _WORDS:
        message = error["msg"].replace("Input should", "should")
        return message[:1].lower() + message[1:]
    return f"expected {_WORDS[kind]}, got {describe_kind(value)}{_hint(kind, value)}"


def _hint(kind: str, value: object) -> str:
    match kind, value:
        case "string_type", int() | Decimal():
            return "; put it in quotes"
        case "int_type", str():
            return "; write it without quotes"
        case "list_type" | "tuple_type", dict():
            return "; begin each entry with `- `"
        case _:
            return ""


def _say_choice(expected: str, value: object) -> str:
    if isinstance(value, str):
        return f"not a known value; {suggest(value, _quoted(expected))}"
    return f"expected one of {', '.join(_quoted(expected))}; got {describe_kind(value)}"


def _quoted(listed: str) -> list[str]:
    return re.findall(r"'([^']*)'", listed) or [listed]


def _in_file(location: Location, value: Any) -> Location:  # noqa: ANN401 any YAML value
    """Drop what pydantic adds to a location, tags of unions and names of validators."""
    path: list[str | int] = []
    for part in location:
        is_key = isinstance(value, dict) and part in value
        is_index = isinstance(value, list) and isinstance(part, int)
        if is_key or is_index:
            value = value[part]
            path.append(part)
    return tuple(path)


def _is_misspelt(location: Location, others: Sequence[ErrorDetails], model: type[BaseModel]) -> bool:
    """Tell whether an unknown key beside it is this key, misspelt: then one message is enough."""
    wanted = f"did you mean `{location[-1]}`?"
    beside = (each["loc"] for each in others if each["type"] == "extra_forbidden")
    return any(
        loc[:-1] == location[:-1] and suggest(str(loc[-1]), _known_keys(model, loc[:-1])) == wanted
        for loc in beside
    )


def _known_keys(model: type[BaseModel], location: Location) -> set[str]:
    return {
        field.alias or name
        for found in _models_at(model, location)
        for name, field in found.model_fields.items()
    }


def _models_at(annotation: Any, location: Location) -> Iterator[type[BaseModel]]:  # noqa: ANN401 any annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not location:
            yield annotation
        for name, field in annotation.model_fields.items():
            if location and location[0] in (name, field.alias):
                yield from _models_at(field.annotation, location[1:])
    for inner, rest in _inside(annotation, location):
        yield from _models_at(inner, rest)


def _inside(annotation: Any, location: Location) -> Iterator[tuple[Any, Location]]:  # noqa: ANN401 any annotation
    """Give what an annotation is made of, each with the part of the location that is left for it."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield arguments[0], location
    elif origin in (Union, UnionType):
        for member in arguments:
            yield member, location[1:] if location and _has_tag(member, location[0]) else location
    elif origin in (dict, Mapping) and location:
        yield arguments[1], location[1:]
    elif origin in (list, tuple, Sequence) and location:
        yield arguments[0], location[1:]


def _has_tag(member: Any, tag: str | int) -> bool:  # noqa: ANN401 any annotation
    if not (isinstance(member, type) and issubclass(member, BaseModel)):
        return False
    return any(tag in get_args(field.annotation) for field in member.model_fields.values())
