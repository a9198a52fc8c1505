"""Values as YAML that reads back as the very same values: what generated mappings hold. Pure."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from connector.document import PlainValue
from connector.record import RecordValue

_WIDTH = 100
_PLAIN = re.compile(r"[^\W_](?:[\w./+ -]*[\w.+])?")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBERLIKE = re.compile(r"[\d.+_eExXoO-]+")
_WORDS = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def write_scalar(value: RecordValue) -> str:
    """Give one value as YAML: text in quotes where it could be taken for something else."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return f"{value:f}"
        case datetime():
            return json.dumps(value.isoformat().replace("+00:00", "Z"))
        case date():
            return value.isoformat()
        case _:
            return value if _is_plain(value) else _quoted(value)


def write_key(name: str) -> str:
    """Give a key as YAML; `document` and the like need no quotes, `Net weight:` does."""
    return name if re.fullmatch(r"[^\W\d][\w.-]*", name) and name.lower() not in _WORDS else _quoted(name)


def write_block(value: Mapping[str, PlainValue], indent: int) -> Iterator[str]:
    """Give the lines of an object, each `indent` spaces in."""
    blanks = " " * indent
    for name, inner in value.items():
        key = write_key(name)
        flow = _flow(inner)
        if flow is not None and (not inner or indent + len(key) + len(flow) < _WIDTH):
            yield f"{blanks}{key}: {flow}"
        elif isinstance(inner, Mapping):
            yield f"{blanks}{key}:"
            yield from write_block(inner, indent + 2)
        elif isinstance(inner, tuple):
            yield f"{blanks}{key}:"
            for entry in inner:
                yield from _entry(entry, indent + 2)
        else:
            yield f"{blanks}{key}: {write_scalar(inner)}"


def _entry(entry: PlainValue, indent: int) -> Iterator[str]:
    if not isinstance(entry, Mapping) or not entry:
        yield f"{' ' * indent}- {_flow(entry) or _nested(entry)}"
        return
    for number, line in enumerate(write_block(entry, indent + 2)):
        yield line if number else f"{' ' * indent}- {line.lstrip()}"


def _flow(value: PlainValue) -> str | None:
    """Give a value that holds nothing nested, on one line; None for the others."""
    match value:
        case Mapping():
            if any(isinstance(inner, Mapping | tuple) for inner in value.values()):
                return None
            return _nested(value)
        case tuple():
            return None if any(isinstance(inner, Mapping | tuple) for inner in value) else _nested(value)
        case _:
            return None if isinstance(value, str) and "\n" in value else write_scalar(value)


def _nested(value: PlainValue) -> str:
    match value:
        case Mapping():
            return (
                "{" + ", ".join(f"{write_key(name)}: {_nested(inner)}" for name, inner in value.items()) + "}"
            )
        case tuple():
            return "[" + ", ".join(map(_nested, value)) + "]"
        case _:
            return write_scalar(value)


def _is_plain(text: str) -> bool:
    if _DAY.fullmatch(text):
        return True
    return (
        _PLAIN.fullmatch(text) is not None
        and text.lower() not in _WORDS
        and _NUMBERLIKE.fullmatch(text) is None
        and "  " not in text
        and text.isprintable()
    )


def _quoted(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return "".join(letter if _is_printable(letter) else _escaped(letter) for letter in written)


def _is_printable(letter: str) -> bool:
    # What YAML calls printable, without the marks that editors hide or break lines at.
    return letter.isprintable()


def _escaped(letter: str) -> str:
    return f"\\U{ord(letter):08x}"


def write_list(values: Sequence[Mapping[str, PlainValue]], indent: int) -> Iterator[str]:
    """Give the lines of a list of objects."""
    for value in values:
        yield from _entry(value, indent)
