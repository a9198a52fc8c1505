"""The examples of a mapping file, run: each document must become the record that the file promises."""

import json
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import zip_longest

from connector.errors import MappingError, Problem
from connector.mapping import rules
from connector.mapping.apply import apply_mapping
from connector.record import RecordValue
from connector.yaml_words import suggest


def run_examples(mapping: rules.Mapping) -> tuple[Problem, ...]:
    """Give every difference between the records of the examples and what they expect; none is good."""
    return tuple(problem for example in mapping.examples for problem in _run(mapping, example))


def _run(mapping: rules.Mapping, example: rules.Example) -> Iterator[Problem]:
    where = f"example `{example.name}`"
    try:
        record = apply_mapping(mapping, example.document, "example")
    except MappingError as error:
        for problem in error.problems:
            yield Problem(place=f"{example.place}: {where}", message=f"no record: {problem}")
        return
    yield from _compare(example.header, record.fields, where)
    for at, (expected, line) in enumerate(zip_longest(example.lines, record.lines)):
        if line is None:
            yield Problem(
                place=f"{expected.place}: {where}", message=f"expected lines[{at}], got no such line"
            )
        elif expected is None:
            message = (
                f"expected {len(example.lines)} lines, got also lines[{at}]: {_write_fields(line.fields)}"
            )
            yield Problem(place=f"{example.header.place}: {where}", message=message)
        else:
            yield from _compare(expected, line.fields, f"{where}: lines[{at}]")


def _compare(expected: rules.ExpectedFields, got: Mapping[str, RecordValue], where: str) -> Iterator[Problem]:
    for name, wanted in expected.fields.items():
        place = f"{wanted.place}: {where}: {name}"
        if name not in got:
            hint = f" ({suggest(name, got)})" if got else ""
            yield Problem(place=place, message=f"expected {_write(wanted.value)}, got no such field{hint}")
        elif _write(wanted.value) != _write(got[name]):
            yield Problem(place=place, message=f"expected {_write(wanted.value)}, got {_write(got[name])}")
    for name, value in got.items():
        if name not in expected.fields:
            message = f"expected no such field, got {_write(value)}"
            yield Problem(place=f"{expected.place}: {where}: {name}", message=message)


def _write_fields(fields: Mapping[str, RecordValue]) -> str:
    return ", ".join(f"{name}: {_write(value)}" for name, value in fields.items())


def _write(value: RecordValue) -> str:
    """Give a value as YAML writes it: 12.5 and 12.50 are two amounts, and "1" is no 1."""
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
            return json.dumps(value.isoformat())
        case _:
            return json.dumps(value, ensure_ascii=False)
