"""The reference page of mapping files, made from the code: keys, types, functions, and examples computed."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from connector.document import Document, Field
from connector.mapping import file
from connector.mapping.expression import compile_expression
from connector.mapping.functions import FUNCTIONS
from connector.mapping.path import HEADER
from connector.mapping.scope import Scope
from connector.mapping.special import NAMES
from connector.mapping.value_types import CONVERSIONS, convert

_SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The file", file.MappingFile),
    ("`record`", file.RecordFile),
    ("A field", file.FieldFile),
    ("`lines`", file.LineFile),
    ("`companions`", file.CompanionFile),
    ("`lookups`", file.LookupFile),
    ("`gates`", file.GateFile),
    ("`examples`", file.ExampleFile),
    ("`about` in an example", file.AboutFile),
    ("A file that is included", file.FragmentFile),
)
_SAMPLES: dict[str, tuple[str | Decimal | bool, ...]] = {
    "string": (Decimal("12.50"), "INV-7"),
    "integer": ("5.00",),
    "decimal": ("-1234.56",),
    "date": ("2026-01-31", "2026-01-31T23:30:00-05:00"),
    "datetime": ("2026-01-31T23:30:00-05:00",),
    "boolean": ("true",),
    "currency": ("EUR",),
}
_INTRO = """\
# Mapping reference

Made from the code by `make fix`; `make samples` checks that it is current.
[mapping-guide.md](mapping-guide.md) explains, [mapping-cookbook.md](mapping-cookbook.md) has twenty tasks,
and `docflo-connector schema mapping` prints the JSON Schema for editors.
Every example of a function and of a type was computed when this page was made.
"""


def write_reference() -> str:
    """Give the page as Markdown."""
    return "\n".join([_INTRO, *_keys(), *_types(), *_functions(), *_readers()])


def _keys() -> Iterator[str]:
    for title, model in _SECTIONS:
        yield f"## {title}\n"
        yield f"{_first_line(model)}\n"
        yield "| key | | meaning |\n| --- | --- | --- |"
        for name, field in model.model_fields.items():
            words = _cell(f"{field.description or ''} {_choices(field.annotation)}")
            yield f"| `{field.alias or name}` | {_need(field)} | {words} |"
        yield ""


def _choices(annotation: object) -> str:
    if get_origin(annotation) is Literal:
        return f"One of {', '.join(f'`{choice}`' for choice in get_args(annotation))}."
    inner = (_choices(argument) for argument in get_args(annotation))
    return next(filter(None, inner), "")


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def _need(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    if default is None or default in ([], {}) or isinstance(default, BaseModel):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _types() -> Iterator[str]:
    yield "## Types\n"
    yield "| `type` | takes | for example |\n| --- | --- | --- |"
    for name, conversion in CONVERSIONS.items():
        shown = "<br>".join(
            f"`{_literal(sample)}` gives `{_literal(convert(name, sample))}`" for sample in _SAMPLES[name]
        )
        yield f"| `{name}` | {_cell(conversion.expected)} | {shown} |"
    yield ""


def _functions() -> Iterator[str]:
    yield "## Functions\n"
    yield (
        "In `expr` they are called: `left(InvoiceId, 3)`. In `with` the value comes first by itself: "
        "`with: {left: 3}`, or `with: digits`.\n"
    )
    for group, functions in groupby(FUNCTIONS.values(), key=lambda function: function.group):
        yield f"### {group.capitalize()}\n"
        yield "| function | gives | for example |\n| --- | --- | --- |"
        for function in functions:
            call, result = _executed(function.example)
            yield f"| `{_cell(function.signature)}` | {_cell(function.summary)} | `{call}` = `{result}` |"
        yield ""


def _readers() -> Iterator[str]:
    yield "### What is known of a value\n"
    yield "These stand in `expr` only, and may ask about what is missing.\n"
    yield "| function | gives |\n| --- | --- |"
    for special in NAMES.values():
        yield f"| `{_cell(special.signature)}` | {_cell(special.summary)} |"
    yield ""


def _executed(example: str) -> tuple[str, str]:
    """Compute both sides of an example: the call as it is written, and what it gives.

    Raises: ValueError when they differ.
    """
    call, _, promised = example.rpartition(" = ")
    given, expected = compute(call), compute(promised)
    if given != expected:
        message = f"{call} gives {given}, not {promised}"
        raise ValueError(message)
    return _cell(call), _cell(_literal(given))


def compute(text: str) -> object:
    """Compute an expression over a document that has nothing but a total."""
    function, _ = compile_expression(text, HEADER, {})
    total = Field(value={"amount": Decimal("12.50"), "currencyCode": "EUR"}, type="currency")
    document = Document(id="1", type="invoice", status=None, created_on=None, fields={"InvoiceTotal": total})
    return function(document.fields, Scope(document, None))


def _literal(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case str():
            return '"' + value.replace("\n", "\\n") + '"'
        case list() | tuple():
            return "[" + ", ".join(map(_literal, value)) + "]"
        case date():
            return value.isoformat().replace("+00:00", "Z")
        case _:
            return str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
