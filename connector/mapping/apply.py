"""From a document to a record, by the rules of a mapping. Pure: the same values in, the same values out.

`apply_mapping` runs the compiled rules until one fails; only then `mapped` goes through all of them again, to
name every field that fails.
"""

from collections.abc import Sequence
from typing import Any

from connector.document import Document
from connector.errors import MappingError, Problem
from connector.mapping.gates import gate_problems
from connector.mapping.keys import LineKeys
from connector.mapping.mapped import map_document, problems_in
from connector.mapping.path import ABSENT
from connector.mapping.rules import FieldRule, LineRule, Mapping, RecordRule
from connector.mapping.scope import Answers, Here, Scope
from connector.mapping.steps import companion_key, decide, require_wanted, row_start, rows_of
from connector.mapping.words import UnfitError
from connector.record import Line, Record, RecordValue, TargetQuery


def apply_mapping(
    mapping: Mapping,
    document: Document,
    key: str,
    answers: Answers | None = None,
    *,
    revision: int | None = None,
) -> Record:
    """Give the record with the key `key`. `answers`: what the target said to the queries of `find_queries`.

    Raises: MappingError listing every failing field and gate: its rule's place, the path, the value's shape
        and what was expected; never a value. UnavailableError when `answers` lacks one.
    """
    try:
        scope = Scope(document, answers)
        require_wanted(mapping, scope)
        _require_open(mapping, scope)
        return _record(mapping.record, key, scope, _companions(mapping, scope), revision)
    except UnfitError as error:
        found = tuple(problems_in(mapping, map_document(mapping, document, key, answers)))
        # Both ways run the same rules; should they ever differ, the document is still refused, with a reason.
        problems = found or (Problem(place=mapping.path.name, message=str(error)),)
    count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
    message = f"the document does not fit {mapping.path.name}: {count}"
    raise MappingError(message, problems=problems)


def find_queries(mapping: Mapping, document: Document) -> frozenset[TargetQuery]:
    """Give what must be asked of the target before `apply_mapping` can make the record."""
    if not mapping.asks_target:
        return frozenset()
    asked = _Asked()
    map_document(mapping, document, "", asked)
    return frozenset(asked.queries)


class _Asked(dict[TargetQuery, tuple[str, ...]]):
    """Notes what is asked, and answers nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: set[TargetQuery] = set()

    def get(self, query: TargetQuery, _default: Any = None) -> Any:  # noqa: ANN401 as dict
        self.queries.add(query)
        raise UnfitError("asked of the target", "expected an answer")


def _require_open(mapping: Mapping, scope: Scope) -> None:
    for gate in mapping.gates:
        if gate_problems(gate, scope):
            raise UnfitError("refused by a gate", "expected what it says")


def _companions(mapping: Mapping, scope: Scope) -> tuple[Record, ...]:
    made: dict[tuple[str, str], Record] = {}
    for rule in mapping.companions:
        if rule.when is not None and not decide(rule.when.compute(scope.fields, scope)):
            continue
        key = companion_key(rule, scope)
        made[rule.object, key] = _record(rule, key, scope)
    return tuple(made.values())


def _record(
    rule: RecordRule,
    key: str,
    scope: Scope,
    companions: tuple[Record, ...] = (),
    revision: int | None = None,
) -> Record:
    return Record(
        object=rule.object,
        key_field=rule.key_field,
        key=key,
        fields=_values(rule.fields, scope.fields, scope),
        lines=_lines(rule.lines, key, scope.fields, scope) if rule.lines else (),
        companions=companions,
        line_kinds=rule.line_kinds,
        revision=revision,
    )


def _values(rules: Sequence[FieldRule], here: Here, scope: Scope) -> dict[str, RecordValue]:
    values = {}
    for rule in rules:
        value = rule.compute(here, scope)
        if value is not ABSENT:
            values[rule.target] = value
    return values


def _lines(rules: Sequence[LineRule], key: str, here: Here, scope: Scope) -> tuple[Line, ...]:
    keys = LineKeys(key)
    made: list[Line] = []
    for rule in rules:
        each = rule.each.text
        for at, row in enumerate(rows_of(rule, here, scope)):
            start = row_start(rule, row)
            if rule.when is not None and not decide(rule.when.compute(start, scope)):
                continue
            line_key = keys.give(rule.object, row, f"{each}[{at}]")
            made.append(
                Line(
                    object=rule.object,
                    key_field=rule.key_field,
                    key=line_key,
                    parent_field=rule.parent_field,
                    fields=_values(rule.fields, start, scope),
                    lines=_lines(rule.lines, line_key, start, scope.within(start)) if rule.lines else (),
                )
            )
    return tuple(made)
