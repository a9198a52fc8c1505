"""Gates: what must hold of a document before anything of it is sent. Each problem names the exact fields."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from connector.mapping.currencies import decimals_of
from connector.mapping.library.values import EXACT, bounded
from connector.mapping.path import ABSENT, Every, Found, SourcePath, find, find_from, write_path
from connector.mapping.rules import (
    ConfidenceGate,
    Expression,
    ExpressionGate,
    Gate,
    RequiredGate,
    SumGate,
)
from connector.mapping.scope import Scope
from connector.mapping.words import UnfitError, describe


def gate_problems(gate: Gate, scope: Scope) -> tuple[str, ...]:
    """Give what is wrong with the document in the eyes of a gate; nothing is good."""
    try:
        if gate.when is not None and not _decide(gate.when, scope):
            return ()
        return tuple(_problems(gate, scope))
    except UnfitError as error:
        where = f"`{error.at}`" if error.at else "what the gate computes"
        return (f"{where} is {error}",)


def _problems(gate: Gate, scope: Scope) -> Iterator[str]:
    match gate:
        case ExpressionGate():
            if not _decide(gate.expression, scope):
                yield f"{gate.message} ({_named(gate.expression.reads)})"
        case ConfidenceGate():
            yield from _doubtful_fields(gate, scope)
        case SumGate():
            yield from _sum_problems(gate, scope)
        case RequiredGate():
            yield from _absent_fields(gate, scope)


def _doubtful_fields(gate: ConfidenceGate, scope: Scope) -> Iterator[str]:
    for path, floor in gate.floors:
        for at, found in _each(path, scope):
            said = _doubtful(gate, found, floor)
            if said is not None:
                yield _with(gate.message, f"`{at}` {said}")


def _absent_fields(gate: RequiredGate, scope: Scope) -> Iterator[str]:
    for path in gate.paths:
        for at, found in _each(path, scope):
            value = found.value
            if value is None or value is ABSENT:
                shape = "missing" if value is ABSENT else "null"
                yield _with(gate.message, f"`{at}` is {shape}; expected a value")
            elif isinstance(value, str) and not value.strip():
                yield _with(gate.message, f"`{at}` is blank; expected text")


def _decide(expression: Expression, scope: Scope) -> bool:
    value = expression.compute(scope.fields, scope)
    if not isinstance(value, bool):
        raise UnfitError(describe(value), "a gate takes true or false")
    return value


def _doubtful(gate: ConfidenceGate, found: Found, floor: Decimal) -> str | None:
    if found.field is None or found.value is ABSENT:
        return None  # a field that is not there is no doubtful one: `required` asks for it
    if gate.unless_edited and found.field.changed_on is not None:
        return None
    if found.confidence is None:
        said = f"has no confidence; expected one of at least {floor}, or `unknown: pass`"
        return said if gate.unknown == "fail" else None
    if found.confidence < floor:
        hint = " or a person's edit" if gate.unless_edited else ""
        return f"has a confidence of {found.confidence}; expected at least {floor}{hint}"
    return None


def _sum_problems(gate: SumGate, scope: Scope) -> Iterator[str]:
    code = find(gate.currency, scope.document, scope.fields).value
    if not isinstance(code, str):
        raise UnfitError(_shape(code), "expected the code of the currency", at=gate.currency.text)
    try:
        unit = Decimal(1).scaleb(-decimals_of(code))
    except UnfitError as error:
        raise UnfitError(error.shape, error.expected, at=gate.currency.text) from error
    total = Decimal(0)
    for path in gate.parts:
        for at, found in _each(path, scope):
            if found.value is not None and found.value is not ABSENT:
                total = EXACT.add(total, _amount(found.value, at))
    whole = find(gate.total, scope.document, scope.fields).value
    difference = EXACT.subtract(_amount(whole, gate.total.text), total).copy_abs()
    if difference > gate.within * unit:
        allowed = f"within {gate.within * unit} {code}" if gate.within else f"to the last {unit} of {code}"
        parts = _named(tuple(path.text for path in gate.parts))
        yield _with(gate.message, f"{parts} do not add up to `{gate.total.text}`; expected it {allowed}")


def _amount(value: Any, at: str) -> Decimal:  # noqa: ANN401 a value of a document
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise UnfitError(_shape(value), "expected an amount", at=at)
    return Decimal(bounded(value))


def _shape(value: object) -> str:
    return "missing" if value is ABSENT else describe(value)


def _each(path: SourcePath, scope: Scope) -> Iterator[tuple[str, Found]]:
    """Give what a path leads to; with `[]` for every row, each under its own path."""
    if Every.ROW not in path.steps:
        yield path.text, find(path, scope.document, scope.fields)
        return
    at = path.steps.index(Every.ROW)
    rows = find_from(scope.fields, path.steps[:at]).value
    if rows is None or rows is ABSENT:
        return
    if not isinstance(rows, tuple):
        raise UnfitError(describe(rows), "expected a list", at=write_path(path.steps[:at]))
    for index, row in enumerate(rows):
        rest = SourcePath(text="", steps=path.steps[at + 1 :])
        for inner, found in _each_in(rest, row, scope):
            yield ".".join(filter(None, [write_path((*path.steps[:at], index)), inner])), found


def _each_in(path: SourcePath, row: Any, scope: Scope) -> Iterator[tuple[str, Found]]:  # noqa: ANN401 a row
    if Every.ROW not in path.steps:
        yield write_path(path.steps), find_from(row, path.steps)
        return
    inner = Scope(scope.document, None)
    inner.fields = row.fields if hasattr(row, "fields") else row
    yield from _each(path, inner)


def _with(message: str | None, found: str) -> str:
    return f"{message}: {found}" if message else found


def _named(paths: tuple[str, ...]) -> str:
    return ", ".join(f"`{path}`" for path in paths) or "no field"
