"""What both ways through a mapping share: the quick one of `apply`, and the one of `mapped` that goes on."""

from collections.abc import Sequence

from connector.mapping.path import ABSENT, find
from connector.mapping.rules import LineRule, Mapping, RecordRule
from connector.mapping.scope import Here, Scope, start_of
from connector.mapping.value_types import convert
from connector.mapping.words import UnfitError, describe

_LONGEST_KEY = 255


def require_wanted(mapping: Mapping, scope: Scope) -> None:
    """Refuse a document of which `when` cannot say whether it is wanted."""
    when = mapping.record.when
    if when is not None and not isinstance(when.compute(scope.fields, scope), bool):
        raise UnfitError("neither true nor false", "expected one of them")


def companion_key(rule: RecordRule, scope: Scope) -> str:
    """Give the key of a companion."""
    value = rule.key.compute(scope.fields, scope) if rule.key is not None else None
    key = convert("string", None if value is ABSENT else value)
    if not isinstance(key, str) or not key.strip() or len(key) > _LONGEST_KEY:
        raise UnfitError(describe(key), f"expected a key: text of 1 to {_LONGEST_KEY} characters")
    return key


def decide(value: object) -> bool:
    """Give what a `when` says."""
    if not isinstance(value, bool):
        raise UnfitError(describe(value), "`when` takes true or false")
    return value


def row_start(rule: LineRule, row: object) -> Here:
    """Give where the paths of a line begin."""
    start = start_of(row, with_id=rule.reads_id)
    if start is None:
        raise UnfitError(describe(row), "expected a row with fields")
    return start


def rows_of(rule: LineRule, here: Here, scope: Scope) -> Sequence[object]:
    """Give the rows that `each` leads to."""
    rows = find(rule.each, scope.document, here, scope.parent).value
    if rows is None or rows is ABSENT:
        if rule.optional:
            return ()
        shape = "missing" if rows is ABSENT else "null"
        raise UnfitError(shape, "expected a list (the line has no `optional: true`)")
    if not isinstance(rows, tuple):
        raise UnfitError(describe(rows), "expected a list of rows")
    return rows
