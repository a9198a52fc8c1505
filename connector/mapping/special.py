"""What expressions read: values of the document, what is known of a field, and tables.

Unlike the functions of the library, these are given paths or arguments that are not computed yet, so that a
value that is missing can be asked about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.document import Field, Row
from connector.mapping.operators import unwrapped
from connector.mapping.path import ABSENT, Found, SourcePath, Step, find, find_from, write_path
from connector.mapping.scope import Here, Read, Scope
from connector.mapping.value_types import convert
from connector.mapping.words import UnfitError

ANY_NUMBER = range(1, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Special:
    """One of them, for the reference page and for messages."""

    signature: str
    summary: str
    example: str
    counts: range  # of arguments
    call: Callable[..., Any]


def _present(value: Callable[[], Any]) -> bool:
    try:
        return value() is not None
    except UnfitError as error:
        if error.is_missing:
            return False
        raise


def _default(*values: Callable[[], Any]) -> Any:  # noqa: ANN401 values of expressions
    for position, value in enumerate(values, start=1):
        try:
            computed = value()
        except UnfitError as error:
            if error.is_missing and position < len(values):
                continue
            raise
        if computed is not None or position == len(values):
            return computed
    return None


def _never(*_: Any) -> Any:  # noqa: ANN401 replaced when the expression is compiled
    raise UnfitError("a call", "expected a path")


NAMES: Mapping[str, Special] = {
    "present": Special(
        signature="present(value)",
        summary="Tell whether a value is there and not null.",
        example='present("x") = True',
        counts=range(1, 2),
        call=_present,
    ),
    "default": Special(
        signature="default(value, ...)",
        summary="Give the first of these that is there and not null.",
        example='default(first([]), "none") = "none"',
        counts=ANY_NUMBER,
        call=_default,
    ),
    "confidence": Special(
        signature="confidence(path)",
        summary="Give how sure Docflo is of a field, from 0 to 1; missing where Docflo does not say.",
        example="default(confidence(InvoiceTotal), 1) = 1",
        counts=range(1, 2),
        call=_never,
    ),
    "edited": Special(
        signature="edited(path)",
        summary="Tell whether a person edited a field in Docflo.",
        example="edited(InvoiceTotal) = False",
        counts=range(1, 2),
        call=_never,
    ),
    "lookup": Special(
        signature='lookup("table", key, otherwise)',
        summary="Give the entry of a table of this mapping; without one, `otherwise`, which may be left out.",
        example='default(first([]), "none") = "none"',
        counts=range(2, 4),
        call=_never,
    ),
}
"""By the name that expressions call them by."""


def path_reader(text: str, read: Read) -> Callable[[Here, Scope], Any]:
    """Give the function that reads a path of an expression, or says that it is missing."""

    def value(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of the document
        found = read(here, scope)
        if found is None:
            raise UnfitError(
                "missing or null", "expected a value, or default() around it", at=text, is_missing=True
            )
        return found

    return value


def entry_reader(text: str, steps: Sequence[Step]) -> Callable[[Any], Any]:
    """Give the function that reads from what a `for` walks over, or from what a function gave."""
    if not steps:
        return unwrapped
    names = tuple(steps)

    def value(entry: Any) -> Any:  # noqa: ANN401 a value of the document
        found = entry.fields if type(entry) is Row else unwrapped(entry)
        for step in names:
            try:
                found = found[step] if type(found) is dict else None
            except KeyError:
                found = None
            if type(found) is Field:
                found = found.value
            if found is None:
                return slowly(entry)
        return found

    def slowly(entry: Any) -> Any:  # noqa: ANN401 a value of the document
        try:
            found = _found(entry, names).value
        except UnfitError as error:
            raise UnfitError(error.shape, error.expected, at=text or None) from error
        if found is not None and found is not ABSENT:
            return found
        raise UnfitError(
            "missing or null", "expected a value, or default() around it", at=text or None, is_missing=True
        )

    return value


def about(name: str, path: SourcePath) -> Callable[[Here, Scope], Any]:
    """Give the function that tells the confidence of a field, or whether it was edited."""
    tell = _TELL[name]
    return lambda here, scope: tell(find(path, scope.document, here, scope.parent), path.text)


def about_entry(name: str, steps: Sequence[Step]) -> Callable[[Any], Any]:
    """Give the same for a field of what a `for` walks over."""
    tell = _TELL[name]
    return lambda entry: tell(_found(entry, steps), write_path(steps))


def in_table(name: str, entries: Mapping[str, Any]) -> Callable[..., Any]:
    """Give the function that looks a key up in a table."""

    def look_up(key: Callable[[], Any], otherwise: Callable[[], Any] | None = None) -> Any:  # noqa: ANN401 a value of the table
        wanted = convert("string", key())
        if isinstance(wanted, str) and wanted in entries:
            return entries[wanted]
        if otherwise is not None:
            return otherwise()
        raise no_entry(name, len(entries), wanted)

    return look_up


def no_entry(name: str, count: int, key: object) -> UnfitError:
    """Give the error for a key that a table does not have."""
    length = len(key) if isinstance(key, str) else 0
    shape = f"text, {length} character{'' if length == 1 else 's'}"
    return UnfitError(shape, f"expected a key of the table `{name}`, which has {count}", is_missing=True)


def _found(entry: Any, steps: Sequence[Step]) -> Found:  # noqa: ANN401 a value of the document
    return find_from(entry.value if isinstance(entry, Field) else entry, steps)


def _confidence(found: Found, text: str) -> Any:  # noqa: ANN401 a value of an expression
    if found.confidence is None:
        raise UnfitError(
            "a field without a confidence", "expected one, or default() around it", at=text, is_missing=True
        )
    return found.confidence


def _edited(found: Found, _text: str) -> bool:
    return found.field is not None and found.field.changed_on is not None


_TELL: Mapping[str, Callable[[Found, str], Any]] = {"confidence": _confidence, "edited": _edited}
