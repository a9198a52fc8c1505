"""The examples of a mapping file, run: each document must become the record that the file promises."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import zip_longest
from typing import Any

from connector.errors import MappingError, Problem
from connector.mapping import rules
from connector.mapping.apply import apply_mapping
from connector.mapping.mapped import unwanted
from connector.record import Line, Record, RecordValue, TargetQuery
from connector.yaml_words import suggest


def run_examples(mapping: rules.Mapping) -> tuple[Problem, ...]:
    """Give every difference between the records of the examples and what they expect; none is good."""
    return tuple(problem for example in mapping.examples for problem in _run(mapping, example))


class _Answers(dict[TargetQuery, tuple[str, ...]]):
    """What an example says of the target; to any other query it has nothing."""

    def get(self, query: TargetQuery, _default: Any = None) -> tuple[str, ...]:  # noqa: ANN401 as dict
        return super().get(query, ())


def _run(mapping: rules.Mapping, example: rules.Example) -> Iterator[Problem]:
    where = f"example `{example.name}`"
    reason = unwanted(mapping, example.document)
    if example.skipped or reason is not None:
        if reason is None:
            yield Problem(place=f"{example.place}: {where}", message="expected to be skipped; `when` is true")
        elif not example.skipped:
            yield Problem(place=f"{example.place}: {where}", message=f"no record: skipped, {reason}")
        return
    try:
        record = apply_mapping(mapping, example.document, "example", _Answers(example.answers))
    except MappingError as error:
        yield from _refused(example, error, where)
        return
    if example.refused is not None:
        message = f"expected to be refused with `{example.refused}`, got a record"
        yield Problem(place=f"{example.place}: {where}", message=message)
        return
    yield from _compare(example.header, record.fields, where)
    yield from _compare_lines(example.header, record.lines, where)
    yield from _compare_companions(example, record, where)


def _refused(example: rules.Example, error: MappingError, where: str) -> Iterator[Problem]:
    said = [str(problem) for problem in error.problems]
    if example.refused is None:
        for problem in said:
            yield Problem(place=f"{example.place}: {where}", message=f"no record: {problem}")
    elif not any(example.refused in problem for problem in said):
        message = f"expected to be refused with `{example.refused}`, got: {'; '.join(said)}"
        yield Problem(place=f"{example.place}: {where}", message=message)


def _compare_lines(expected: rules.ExpectedFields, got: Sequence[Line], where: str) -> Iterator[Problem]:
    for at, (wanted, line) in enumerate(zip_longest(expected.lines, got)):
        if line is None:
            message = f"expected lines[{at}], got no such line"
            yield Problem(place=f"{wanted.place}: {where}", message=message)
        elif wanted is None:
            message = (
                f"expected {len(expected.lines)} lines, got also lines[{at}]: {_write_fields(line.fields)}"
            )
            yield Problem(place=f"{expected.place}: {where}", message=message)
        else:
            yield from _compare(wanted, line.fields, f"{where}: lines[{at}]")
            yield from _compare_lines(wanted, line.lines, f"{where}: lines[{at}]")


def _compare_companions(example: rules.Example, record: Record, where: str) -> Iterator[Problem]:
    for at, (wanted, got) in enumerate(zip_longest(example.companions, record.companions)):
        here = f"{where}: companions[{at}]"
        if got is None:
            yield Problem(place=f"{wanted.place}: {here}", message="expected it, got no such companion")
        elif wanted is None:
            message = f"expected no such companion, got {got.object}: {_write_fields(got.fields)}"
            yield Problem(place=f"{example.place}: {here}", message=message)
        else:
            yield from _compare(wanted, got.fields, here)
            yield from _compare_lines(wanted, got.lines, here)


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
