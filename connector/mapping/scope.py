"""What a compiled rule is computed from, and paths compiled to functions that read it.

A reader takes the fast way for what nearly every document has: keys spelt as in the mapping, values there.
Anything else, it leaves to `find`, which knows every case and says what is wrong.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from connector.document import Document, Field, Row
from connector.mapping.path import ABSENT, Every, Origin, SourcePath, find, property_of, row_fields
from connector.mapping.words import UnfitError
from connector.record import TargetQuery

MAX_STEPS = 1_000_000
"""Entries that the expressions of one document may walk over, all together."""

Answers: TypeAlias = Mapping[TargetQuery, tuple[str, ...]]
"""What the target said to each query."""

Here: TypeAlias = Mapping[str, Any]
"""The fields by name that paths begin at: of the document, or of a row."""

Read: TypeAlias = Callable[[Here, "Scope"], Any]
"""Reads one value; None when it is missing or null."""


class Scope:
    """One document while it is mapped, and how much work its expressions have done."""

    __slots__ = ("answers", "document", "fields", "parent", "steps")

    def __init__(self, document: Document, answers: Answers | None, parent: Here | None = None) -> None:
        self.document = document
        self.fields: Here = document.fields
        self.answers = answers  # None: the target is not asked
        self.parent = parent  # the outer row of a nested line
        self.steps = [0]  # one count for the document, also in nested lines

    def within(self, row: Here) -> "Scope":
        """Give the scope of the lines nested in a row."""
        inner = Scope(self.document, self.answers, row)
        inner.steps = self.steps
        return inner

    def spend(self, steps: int) -> None:
        """Count entries that are about to be walked over.

        Raises: UnfitError when a document makes its expressions work without end.
        """
        self.steps[0] += steps
        if self.steps[0] > MAX_STEPS:
            raise UnfitError(
                "a document of this size", f"expected at most {MAX_STEPS:,} steps of expressions"
            )


def start_of(row: object, *, with_id: bool) -> Here | None:
    """Give where paths of a row begin; None for what is no row. `with_id`: one of them reads its `_id`."""
    if type(row) is Row:
        return row_fields(row) if with_id else row.fields
    return row if isinstance(row, Mapping) else None


def compile_path(path: SourcePath) -> Read:
    """Give the function that reads a path."""
    if path.origin is Origin.PROPERTY:
        name = str(path.steps[0])
        return lambda _here, scope: property_of(scope.document, name)
    if path.origin is Origin.DOCUMENT:
        read = _reader(path)
        return lambda _here, scope: read(scope.fields, scope)
    if path.origin is Origin.PARENT:
        read = _reader(path)
        return lambda _here, scope: read(scope.parent if scope.parent is not None else scope.fields, scope)
    return _reader(path)


def _reader(path: SourcePath) -> Read:
    def slowly(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of a document
        found = find(path, scope.document, here, scope.parent).value
        return None if found is ABSENT else found

    match path.steps:
        case (str() as name,):
            return _reader_of_one(name, slowly)
        case (str() as name, str() as part):
            return _reader_of_two(name, part, slowly)
        case _ if Every.ROW not in path.steps:
            return _reader_of_many(path, slowly)
        case _:
            return slowly


def _reader_of_one(name: str, slowly: Read) -> Read:
    folded = name.casefold()

    def read(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of a document
        field = here.get(name)
        if type(field) is Field:
            return field.value
        if field is None and folded not in map(str.casefold, here):
            return None
        return slowly(here, scope)

    return read


def _reader_of_two(name: str, part: str, slowly: Read) -> Read:
    folded = name.casefold()

    def read(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of a document
        field = here.get(name)
        if type(field) is Field:
            whole = field.value
            if type(whole) is dict:
                value = whole.get(part)
                if value is not None and type(value) is not Field:
                    return value
            elif whole is None:
                return None
        elif field is None and folded not in map(str.casefold, here):
            return None
        return slowly(here, scope)

    return read


def _reader_of_many(path: SourcePath, slowly: Read) -> Read:
    steps = path.steps

    def read(here: Here, scope: Scope) -> Any:  # noqa: ANN401 a value of a document
        value: Any = here
        for step in steps:
            kind = type(value)
            if kind is Row:
                value = value.fields
            elif kind is not dict and not (kind is tuple and type(step) is int):
                return slowly(here, scope)
            try:
                value = value[step]
            except (KeyError, IndexError):
                return slowly(here, scope)
            if type(value) is Field:
                value = value.value
        return value

    return read
