"""`${record.Total | decimal(2)}`: values from named places, through a fixed list of filters.

A text that is one expression keeps the type of its value; anything around it makes text of it. What is absent
makes the whole text absent.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from connector.adapters.soap.filters import FILTERS, UnfitValueError
from connector.yaml_words import suggest

Path: TypeAlias = tuple[str, ...]
Value: TypeAlias = str | bool | int | Decimal | date | datetime | bytes | None
Argument: TypeAlias = Path | str | int


class Absent:
    """There is no value here: the element is left out."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = Absent()

Scope: TypeAlias = Mapping[str, object]
"""Names that expressions begin with -> a mapping of names, or a value."""

_SEGMENT = r'(?:@?[A-Za-z_][\w-]*|"[^"]+")'
_PATH = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})*")
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_EXPRESSION = re.compile(r"\$\$\{|\$\{((?:[^{}'\"]|'[^']*'|\"[^\"]*\")*)\}")
_TOKENS = re.compile(rf"\s*(?:(?P<path>{_PATH.pattern})|(?P<number>-?\d+)|'(?P<text>[^']*)')\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One filter with its arguments."""

    name: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A path and the filters that its value goes through."""

    path: Path
    filters: tuple[Filter, ...] = ()

    @property
    def source(self) -> str:
        """Give the path as people write it."""
        return ".".join(self.path)

    def value(self, scope: Scope) -> Value | Absent:
        """Give the value.

        Raises: UnfitValueError when a filter refuses it.
        """
        found = find(self.path, scope)
        if not self.filters:
            return found
        for each in self.filters:
            if found is ABSENT and each.name != "default":
                return ABSENT
            arguments = [_argument(argument, scope) for argument in each.arguments]
            found = FILTERS[each.name].apply(None if found is ABSENT else found, *arguments)
        return found

    def paths(self) -> tuple[Path, ...]:
        """Give every path that is read."""
        inner = (argument for each in self.filters for argument in each.arguments)
        return (self.path, *(argument for argument in inner if isinstance(argument, tuple)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Text with expressions in it; a single expression alone keeps its type."""

    parts: tuple[str | Expression, ...]

    def value(self, scope: Scope) -> Value | Absent:
        """Give the value, or ABSENT when a part of it is absent.

        Raises: UnfitValueError when a filter refuses a value.
        """
        if len(self.parts) == 1 and isinstance(self.parts[0], Expression):
            return self.parts[0].value(scope)
        texts: list[str] = []
        for part in self.parts:
            found = part if isinstance(part, str) else part.value(scope)
            if isinstance(found, Absent) or found is None:
                return ABSENT
            texts.append(as_text(found))
        return "".join(texts)

    @property
    def source(self) -> str:
        """Give the paths in it, for messages."""
        return ", ".join(part.source for part in self.parts if isinstance(part, Expression))

    def paths(self) -> tuple[Path, ...]:
        """Give every path that is read."""
        return tuple(path for part in self.parts if isinstance(part, Expression) for path in part.paths())


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """`record.Currency != settings.currency`, `not record.Total`, several joined by `and`."""

    tests: tuple["Test", ...]

    def holds(self, scope: Scope) -> bool:
        """Tell whether all of it holds."""
        return all(test.holds(scope) for test in self.tests)

    def paths(self) -> tuple[Path, ...]:
        """Give every path that is read."""
        sides = (side for test in self.tests for side in (test.left, test.right))
        return tuple(side for side in sides if isinstance(side, tuple))


@dataclass(frozen=True, slots=True, kw_only=True)
class Test:
    """One comparison, or whether there is something at all."""

    left: Path
    operator: str  # "==", "!=", "has", "has not"
    right: Argument | None = None

    def holds(self, scope: Scope) -> bool:
        """Tell whether it holds. Something empty counts as nothing."""
        left = find(self.left, scope)
        if self.operator in {"has", "has not"}:
            is_nothing = left is ABSENT or left is None or left is False or left == ""
            return is_nothing is (self.operator == "has not")
        right = None if self.right is None else _argument(self.right, scope)
        return (_comparable(left) == _comparable(right)) is (self.operator == "==")


def parse_template(text: str) -> Template | str:
    """Read a text; without an expression in it, it stays text.

    Raises: ValueError that says what is wrong.
    """
    parts: list[str | Expression] = []
    end = 0
    for match in _EXPRESSION.finditer(text):
        parts.append(text[end : match.start()])
        parts.append("${" if match[1] is None else parse_expression(match[1]))
        end = match.end()
    parts.append(text[end:])
    if (
        "${" in "".join(part for part in parts if isinstance(part, str)).replace("$${", "")
        and "$${" not in text
    ):
        message = "`${` without its `}`; write `$${` for the characters themselves"
        raise ValueError(message)
    joined = _joined(parts)
    if not any(isinstance(part, Expression) for part in joined):
        return "".join(part for part in joined if isinstance(part, str))
    return Template(parts=tuple(joined))


def parse_expression(text: str) -> Expression:
    """Read `path | filter | filter(argument, ...)`.

    Raises: ValueError that says what is wrong.
    """
    head, *rest = _split(text, "|")
    return Expression(path=parse_path(head), filters=tuple(_filter(each) for each in rest))


def parse_path(text: str) -> Path:
    """Read `record.Total`; names with odd characters stand in quotes: `record."Net-Total"`.

    Raises: ValueError that says what is wrong.
    """
    text = text.strip()
    if _PATH.fullmatch(text) is None:
        message = f"`{text}` is no path; expected names with dots between them, such as record.Total"
        raise ValueError(message)
    return tuple(segment.strip('"') for segment in re.findall(_SEGMENT, text))


def parse_condition(text: str) -> Condition:
    """Read `path`, `not path`, `path == value`, `path != value`, joined by `and`.

    Raises: ValueError that says what is wrong.
    """
    return Condition(tests=tuple(_test(each) for each in re.split(r"\s+and\s+", text.strip())))


def find(path: Path, scope: Scope) -> Value | Absent:
    """Give what stands at a path; ABSENT where a name leads nowhere."""
    found: object = scope
    for name in path:
        if (
            not isinstance(found, (dict, Mapping)) or name not in found
        ):  # dict first: most are, and it is quick
            return ABSENT
        found = found[name]
    return found  # type: ignore[return-value]


def as_text(value: Value) -> str:
    """Give a value as text: whole decimals without exponent, ISO dates, true and false."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case _:
            return str(value)


def _filter(text: str) -> Filter:
    name, bracket, rest = text.strip().partition("(")
    name = name.strip()
    if name not in FILTERS:
        message = f"unknown filter `{name}`; {suggest(name, FILTERS)}"
        raise ValueError(message)
    if bracket and not rest.rstrip().endswith(")"):
        message = f"`{text.strip()}` lacks its closing bracket"
        raise ValueError(message)
    inner = rest.rstrip().removesuffix(")").strip() if bracket else ""
    arguments = tuple(parse_argument(each) for each in _split(inner, ",")) if inner else ()
    FILTERS[name].check(name, len(arguments))
    return Filter(name=name, arguments=arguments)


def parse_argument(text: str) -> Argument:
    """Read a path, a whole number or a text in single quotes.

    Raises: ValueError that says what is wrong.
    """
    match = _TOKENS.fullmatch(text)
    if match is None:
        message = f"`{text.strip()}` is neither a path, nor a whole number, nor a text in single quotes"
        raise ValueError(message)
    if match["path"] is not None:
        return parse_path(match["path"])
    return int(match["number"]) if match["number"] is not None else match["text"]


def _test(text: str) -> Test:
    for operator in ("==", "!="):
        left, found, right = text.partition(operator)
        if found:
            return Test(left=parse_path(left), operator=operator, right=parse_argument(right))
    negated = re.fullmatch(r"\s*not\s+(.+)", text)
    if negated is not None:
        return Test(left=parse_path(negated[1]), operator="has not")
    return Test(left=parse_path(text), operator="has")


def _split(text: str, separator: str) -> list[str]:
    """Split outside of quotes."""
    return re.findall(rf"(?:[^'\"{re.escape(separator)}]|'[^']*'|\"[^\"]*\")+", text) or [""]


def _joined(parts: Sequence[str | Expression]) -> list[str | Expression]:
    joined: list[str | Expression] = []
    for part in parts:
        if isinstance(part, str) and joined and isinstance(joined[-1], str):
            joined[-1] += part
        elif part != "":
            joined.append(part)
    return joined


def _argument(argument: Argument, scope: Scope) -> Value:
    if not isinstance(argument, tuple):
        return argument
    found = find(argument, scope)
    if isinstance(found, Absent):
        message = f"there is no `{'.'.join(argument)}`"
        raise UnfitValueError(message)
    return found


def _comparable(value: object) -> object:
    return (
        as_text(value) if isinstance(value, bool | date) else None if value is ABSENT else _number_or(value)
    )


def _number_or(value: object) -> object:
    return Decimal(value) if isinstance(value, int) else value
