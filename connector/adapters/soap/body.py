"""The tree under `body:`: what an element holds, when it is left out, what repeats. Reads no schema.

Name: text with ${...}          a value           $type: p:VendorBill   which type an abstract element is
Name: {A: ..., B: ...}          an element        $when: record.Currency != settings.currency
Name: [..., ...]                one after another $each: record.Lines, $as: line
$nil: true                      xsi:nil           $xml / $json          a subtree as text
$value: ...                     a value beside $when, $each, attributes       $file: a file in base64
"""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any, Protocol, TypeAlias

from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.made import Branch, Leaf, Made, Many, Nil
from connector.adapters.soap.template import (
    ABSENT,
    Absent,
    Condition,
    Path,
    Scope,
    Template,
    Value,
    find,
    parse_condition,
    parse_path,
    parse_template,
)
from connector.adapters.soap.text_tree import as_json, as_xml
from connector.yaml_source import KeyPath
from connector.yaml_words import suggest


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A value that a filter refused: which element it was for."""

    path: tuple[str, ...]
    source: str
    message: str


@dataclass(slots=True)
class Making:
    """One making of a body: its values that did not fit."""

    unfit: list[Unfit] = field(default_factory=list)


At: TypeAlias = "tuple[At, str] | tuple[()]"
"""Where an element stands: where the one around it does, and its name. Cheap: each element has one."""


class Node(Protocol):
    """A part of a body that can be made of values."""

    def make(self, scope: Scope, at: At, making: Making) -> Made | Absent:
        """Give what it makes; ABSENT when it is to be left out."""
        ...

    def reads(self) -> Iterator["Reading"]:
        """Give every path that is read, and what loops it stands in."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """A path that is read, and the loops around it: alias -> what it runs over."""

    path: Path
    loops: tuple[tuple[str, Path], ...] = ()


@dataclass(frozen=True, slots=True)
class LiteralNode:
    """The same value each time."""

    value: Value

    def make(self, _scope: Scope, _at: At, _making: Making) -> Made | Absent:
        """Give the value; nothing at all for null."""
        return ABSENT if self.value is None else Leaf(self.value)

    def reads(self) -> Iterator[Reading]:
        """Read nothing."""
        return iter(())


@dataclass(frozen=True, slots=True)
class TextNode:
    """A text with expressions."""

    template: Template

    def make(self, scope: Scope, at: At, making: Making) -> Made | Absent:
        """Give the value; null becomes xsi:nil where the schema allows it, else it is left out."""
        try:
            found = self.template.value(scope)
        except UnfitValueError as error:
            making.unfit.append(Unfit(path=_path(at), source=self.template.source, message=str(error)))
            return ABSENT
        return found if isinstance(found, Absent) else Leaf(found, self.template.source)

    def reads(self) -> Iterator[Reading]:
        """Give the paths of the expressions."""
        return (Reading(path) for path in self.template.paths())


@dataclass(frozen=True, slots=True)
class BranchNode:
    """An element with others in it."""

    fields: Mapping[str, Node]
    type: str | None = None

    def make(self, scope: Scope, at: At, making: Making) -> Made | Absent:
        """Give the element with what is not absent."""
        made = ((name, node.make(scope, (at, name), making)) for name, node in self.fields.items())
        fields = {name: each for name, each in made if not isinstance(each, Absent)}
        # An element of which nothing is known is left out; one that is written `{}` is wanted empty.
        return Branch(fields, self.type) if fields or not self.fields else ABSENT

    def reads(self) -> Iterator[Reading]:
        """Give what its parts read."""
        return (reading for node in self.fields.values() for reading in node.reads())


@dataclass(frozen=True, slots=True)
class ListNode:
    """Elements of one name, each written out."""

    items: tuple[Node, ...]

    def make(self, scope: Scope, at: At, making: Making) -> Made | Absent:
        """Give those that are not absent; a list in the list joins it."""
        return Many(list(_flat(node.make(scope, at, making) for node in self.items)))

    def reads(self) -> Iterator[Reading]:
        """Give what its parts read."""
        return (reading for node in self.items for reading in node.reads())


@dataclass(frozen=True, slots=True)
class EachNode:
    """One element for each line."""

    over: Path
    alias: str
    node: Node

    def make(self, scope: Scope, at: At, making: Making) -> Made | Absent:
        """Give one element a line; no lines, no elements."""
        rows: object = find(self.over, scope)
        if not isinstance(rows, tuple):
            return Many([])
        made = [
            self.node.make({**scope, self.alias: row}, _entry(at, position), making)
            for position, row in enumerate(rows)
        ]
        if isinstance(
            self.node, BranchNode
        ):  # an empty line is a line: leaving one out would change a document
            made = [Branch({}, self.node.type) if isinstance(each, Absent) else each for each in made]
        return Many(list(_flat(made)))

    def reads(self) -> Iterator[Reading]:
        """Give what the element reads, inside of this loop."""
        yield Reading(self.over)
        loop = (self.alias, self.over)
        yield from (Reading(each.path, (loop, *each.loops)) for each in self.node.reads())


@dataclass(frozen=True, slots=True)
class WhenNode:
    """Something that is there under a condition."""

    condition: Condition
    node: Node

    def make(self, scope: Scope, at: At, making: Making) -> Made | Absent:
        """Give it when the condition holds."""
        return self.node.make(scope, at, making) if self.condition.holds(scope) else ABSENT

    def reads(self) -> Iterator[Reading]:
        """Give what the condition and the node read."""
        yield from (Reading(path) for path in self.condition.paths())
        yield from self.node.reads()


@dataclass(frozen=True, slots=True)
class NilNode:
    """xsi:nil."""

    def make(self, _scope: Scope, _at: At, _making: Making) -> Made | Absent:
        """Give it."""
        return Nil()

    def reads(self) -> Iterator[Reading]:
        """Read nothing."""
        return iter(())


@dataclass(frozen=True, slots=True)
class WrittenNode:
    """A subtree that travels as a text: XML or JSON inside of the XML."""

    node: Node
    form: str  # "$xml", "$json"
    ns: Mapping[str, str]

    def make(self, scope: Scope, at: At, making: Making) -> Made | Absent:
        """Give the text."""
        made = self.node.make(scope, at, making)
        if isinstance(made, Absent):
            return ABSENT
        try:
            return Leaf(as_xml(made, self.ns) if self.form == "$xml" else as_json(made))
        except UnfitValueError as error:
            making.unfit.append(Unfit(path=_path(at), source=self.form, message=str(error)))
            return ABSENT

    def reads(self) -> Iterator[Reading]:
        """Give what the subtree reads."""
        return self.node.reads()


class BodyError(Exception):
    """What is wrong with a body, each with its place in the file."""

    def __init__(self, problems: Sequence[tuple[KeyPath, str]]) -> None:
        super().__init__()
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """Makes nodes of plain YAML; collects what is wrong."""

    ns: Mapping[str, str]
    folder: FilePath
    problems: list[tuple[KeyPath, str]]

    def node(self, value: Any, at: KeyPath) -> Node:
        """Give the node of a value."""
        match value:
            case dict():
                return self._mapping(value, at)
            case list():
                return ListNode(tuple(self.node(each, (*at, place)) for place, each in enumerate(value)))
            case str():
                return self._text(value, at)
            case _:
                return LiteralNode(value)

    def _text(self, value: str, at: KeyPath) -> Node:
        try:
            parsed = parse_template(value)
        except ValueError as error:
            self.problems.append((at, str(error)))
            return NilNode()
        return LiteralNode(parsed) if isinstance(parsed, str) else TextNode(parsed)

    def _mapping(self, value: dict[str, Any], at: KeyPath) -> Node:
        words = {key: inner for key, inner in value.items() if key.startswith("$")}
        fields = {key: inner for key, inner in value.items() if not key.startswith("$")}
        for key in words:
            if key not in _KEYWORDS:
                self.problems.append(((*at, key), f"unknown keyword `{key}`; {suggest(key, _KEYWORDS)}"))
        node = self._content(words, fields, at)
        if "$each" in words:
            node = self._each(words, node, at)
        if "$when" in words:
            node = self._when(words["$when"], node, (*at, "$when"))
        return node

    def _content(self, words: dict[str, Any], fields: dict[str, Any], at: KeyPath) -> Node:
        contents = [key for key in ("$value", "$nil", "$xml", "$json", "$file") if key in words]
        if len(contents) > 1 or (contents and fields):
            names = ", ".join([*contents, *list(fields)[:1]])
            self.problems.append((at, f"only one of {names} can be the content"))
        if not contents:
            made = {name: self.node(inner, (*at, name)) for name, inner in fields.items()}
            return BranchNode(made, words.get("$type"))
        [kind, *_] = contents
        where = (*at, kind)
        if kind == "$nil":
            return NilNode()
        if kind == "$file":
            return self._file(words[kind], where)
        inner = self.node(words[kind], where)
        return inner if kind == "$value" else WrittenNode(inner, kind, self.ns)

    def _file(self, name: object, at: KeyPath) -> Node:
        path = self.folder / str(name)
        try:
            return LiteralNode(base64.b64encode(path.read_bytes()).decode())
        except OSError as error:
            self.problems.append((at, f"cannot read the file: {error.strerror}"))
            return NilNode()

    def _each(self, words: dict[str, Any], node: Node, at: KeyPath) -> Node:
        alias = words.get("$as", "line")
        try:
            return EachNode(parse_path(str(words["$each"])), str(alias), node)
        except ValueError as error:
            self.problems.append(((*at, "$each"), str(error)))
            return node

    def _when(self, condition: object, node: Node, at: KeyPath) -> Node:
        try:
            return WhenNode(parse_condition(str(condition)), node)
        except ValueError as error:
            self.problems.append((at, str(error)))
            return node


_KEYWORDS = ("$type", "$each", "$as", "$when", "$nil", "$xml", "$json", "$file", "$value")


def _path(at: At) -> tuple[str, ...]:
    names: list[str] = []
    while at:
        at, name = at
        names.append(name)
    return tuple(reversed(names))


def _entry(at: At, position: int) -> At:
    return (at[0], f"{at[1]}[{position}]") if at else at


def _flat(made: "Iterable[Made | Absent]") -> Iterator[Made]:
    for each in made:
        if isinstance(each, Many):
            yield from each.items
        elif not isinstance(each, Absent):
            yield each
