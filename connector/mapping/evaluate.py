"""Rules compiled to functions: what `apply` runs for every field of every document.

Each takes (here, scope), and gives the value of the record, or ABSENT to leave the field out.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import Any, TypeAlias

from connector.errors import UnavailableError
from connector.mapping.functions import FUNCTIONS
from connector.mapping.library.values import to_places
from connector.mapping.path import ABSENT, Every, SourcePath, find, write_path
from connector.mapping.rules import FieldRule, TableLookup, TargetLookup
from connector.mapping.scope import Here, Read, Scope, compile_path
from connector.mapping.special import no_entry
from connector.mapping.value_types import CONVERSIONS, MAX_DIGITS, SINGLES, convert, is_reasonable
from connector.mapping.words import UnfitError, describe
from connector.record import RecordValue, TargetQuery

Compute: TypeAlias = Callable[[Here, Scope], Any]
"""Gives a value of the record, or ABSENT."""

_EXACT_PLACES = Context(prec=4 * MAX_DIGITS, traps=[Inexact, InvalidOperation])


def compiled(rule: FieldRule) -> FieldRule:
    """Give the rule with its function."""
    return replace(rule, compute=_compile(rule))


def _compile(rule: FieldRule) -> Compute:
    full = _full(rule)
    is_plain = rule.when is None and not rule.steps and rule.lookup is None and rule.places is None
    if is_plain and rule.blank == "keep" and len(rule.paths) == 1 and not rule.paths[0].gives_list:
        return _plain(rule, compile_path(rule.paths[0]), full)
    return full


def _plain(rule: FieldRule, read: Read, full: Compute) -> Compute:
    """Take the short way for a path with a type; what is not at once as it should be goes the full one."""
    can_be_missing, default = rule.optional or rule.default is not ABSENT, rule.default
    may_be_blank = not rule.required

    def text(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of the record
        value = read(here, scope)
        if type(value) is str and (may_be_blank or value.strip()):
            return value
        return default if value is None and can_be_missing else full(here, scope)

    def amount(here: Here, scope: Scope) -> Any:  # noqa: ANN401 the same
        value = read(here, scope)
        if (type(value) is Decimal or type(value) is int) and is_reasonable(value):
            return value if type(value) is Decimal else Decimal(value)
        return default if value is None and can_be_missing else full(here, scope)

    def converted(here: Here, scope: Scope) -> Any:  # noqa: ANN401 the same
        value = read(here, scope)
        made = convert_one(value) if type(value) is str else None
        if made is not None:
            return made
        return default if value is None and can_be_missing else full(here, scope)

    match rule.type:
        case None | "string":
            return text
        case "decimal":
            return amount
        case kind:
            convert_one = CONVERSIONS[kind].read
            return converted


def _full(rule: FieldRule) -> Compute:
    source = _source(rule)
    chain = [(FUNCTIONS[step.function].call, step.arguments) for step in rule.steps]
    look_up = _lookup(rule)
    finish = _finish(rule)
    when = rule.when.compute if rule.when is not None else None
    can_be_missing = rule.optional or rule.default is not ABSENT

    def compute(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of the record
        if when is not None and not _decide(when(here, scope)):
            return ABSENT
        try:
            value = source(here, scope)
            if value is None:
                return None  # the constant null: it clears the field
            for call, arguments in chain:
                value = call(value, *arguments)
            if look_up is not None:
                value = look_up(value, scope)
                if value is ABSENT or value is None:
                    return value
            return finish(value)
        except UnfitError as error:
            if error.is_missing and can_be_missing:
                return rule.default
            raise

    return compute


def _decide(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitError(describe(value), "`when` takes true or false")
    return value


def _source(rule: FieldRule) -> Compute:
    """Give what reads the source: never None, blank text only where the rule keeps it."""
    if rule.constant is not ABSENT:
        return lambda _here, _scope: rule.constant
    if rule.expression is not None:
        return _from_expression(rule, rule.expression.compute)
    readers = [compile_path(path) for path in rule.paths]
    blank_is_missing = rule.blank == "missing"

    def read(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of the document
        for reader in readers:
            value = reader(here, scope)
            if value is not None and not (blank_is_missing and isinstance(value, str) and not value.strip()):
                if rule.required:
                    _refuse_blank(value)
                return value
        raise _missing(rule, here, scope)

    return read


def _from_expression(rule: FieldRule, expression: Compute) -> Compute:
    def read(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of an expression
        value = expression(here, scope)
        if value is None or (rule.blank == "missing" and isinstance(value, str) and not value.strip()):
            raise UnfitError("without a value", "expected one", is_missing=True)
        if rule.required:
            _refuse_blank(value)
        return value

    return read


def _refuse_blank(value: object) -> None:
    if isinstance(value, str) and not value.strip():
        raise UnfitError("blank text" if value else "empty text", "expected text that is not blank")


def _missing(rule: FieldRule, here: Here, scope: Scope) -> UnfitError:
    first = rule.paths[0]
    found = find(first, scope.document, here, scope.parent).value
    shape = "missing" if found is ABSENT else "null" if found is None else "blank"
    others = " or ".join(f"`{path.text}`" for path in rule.paths[1:])
    expected = f"expected a value there or at {others}" if others else "expected a value"
    return UnfitError(
        shape,
        f"{expected} (the rule has no `default` and no `optional: true`)",
        at=first.text,
        is_missing=True,
    )


def _lookup(rule: FieldRule) -> Callable[[Any, Scope], Any] | None:
    match rule.lookup:
        case None:
            return None
        case TableLookup() as table:
            return lambda value, _scope: _in_table(rule, table, value)
        case TargetLookup() as question:
            return lambda value, scope: _ask(rule, question, value, scope)


def _in_table(rule: FieldRule, table: TableLookup, value: Any) -> Any:  # noqa: ANN401 values of documents and tables
    key = str(convert("string", value))
    if key in table.entries:
        return table.entries[key]
    return _unanswered(rule, value, no_entry(table.name, len(table.entries), key))


def _ask(rule: FieldRule, question: TargetLookup, value: Any, scope: Scope) -> Any:  # noqa: ANN401 the same
    key = str(convert("string", value))
    query = TargetQuery(object=question.object, field=question.key, value=key, wanted=question.wanted)
    if scope.answers is None:
        raise UnfitError(describe(key), f"`{question.name}` asks the target, which happens only when it runs")
    answers = scope.answers.get(query)
    if answers is None:
        message = f"the target has not said which {question.object} it has"
        raise UnavailableError(message)
    if len(answers) > 1 and question.many == "error":
        what = f"expected one {question.object} with this {question.key}, the target has {len(answers)}"
        raise UnfitError(describe(key), what)
    if answers:
        return min(answers)
    expected = f"expected a {question.object} with this {question.key}, the target has none"
    return _unanswered(rule, value, UnfitError(describe(key), expected))


def _unanswered(rule: FieldRule, value: Any, error: UnfitError) -> Any:  # noqa: ANN401 the same
    match rule.missing:
        case "absent":
            return ABSENT
        case "null":
            return None
        case "keep":
            return value
        case "default":
            raise UnfitError(error.shape, error.expected, is_missing=True)
        case "error":
            raise UnfitError(error.shape, error.expected)


def _finish(rule: FieldRule) -> Callable[[Any], RecordValue]:
    kind, places, rounding = rule.type, rule.places, rule.rounding

    def finish(value: Any) -> RecordValue:  # noqa: ANN401 a value of a document or a function
        if not isinstance(value, SINGLES) and isinstance(value, Mapping | tuple | list):
            raise UnfitError(describe(value), _expected_part(rule.paths, value))
        converted = convert(kind, value)
        if places is None:
            return converted
        if not isinstance(converted, int | Decimal) or isinstance(converted, bool):
            raise UnfitError(describe(converted), "expected a number, which can have `places`")
        if rounding is not None:
            return to_places(converted, places, rounding)
        return _exactly(Decimal(converted), places)

    return finish


def _exactly(number: Decimal, places: int) -> Decimal:
    try:
        return number.quantize(Decimal(1).scaleb(-places), context=_EXACT_PLACES)
    except (Inexact, InvalidOperation) as error:
        expected = f"expected at most {places} decimals (the rule has no `rounding`)"
        raise UnfitError(describe(number), expected) from error


def _expected_part(paths: tuple[SourcePath, ...], found: Any) -> str:  # noqa: ANN401 an object or a list
    if not found or len(paths) != 1 or Every.ROW in paths[0].steps:
        return "expected a single value"
    parts: list[str | int] = list(found)[:3] if isinstance(found, Mapping) else [0]
    written = (write_path((*paths[0].steps, part)) for part in parts)
    return f"expected a single value, such as {' or '.join(f'`{path}`' for path in written)}"
