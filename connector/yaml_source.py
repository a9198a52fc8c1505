"""YAML files as plain values that know their places, so that every problem names file, line and column.

Scalars follow the core rules of YAML 1.2, narrowed so that nothing is guessed: `true`, `false`, `null`, whole
numbers, and numbers with a dot, which become Decimal. All else is text as written: `no`, dates, `007`, `1e5`.
Anchors, aliases, merge keys and tags are refused, so a file never means more than a reader sees.
What a file must contain is said by pydantic models; `validate` turns their errors into words.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import yaml
from pydantic import BaseModel, ValidationError

from connector.errors import ConfigError, Problem
from connector.yaml_words import describe_errors

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 50
MAX_VALUES = 50_000

KeyPath = tuple[str | int, ...]


class Remark(NamedTuple):
    """Something wrong at a place of a file."""

    path: KeyPath
    message: str
    character: int | None = None  # of the text there, from 0


ModelT = TypeVar("ModelT", bound=BaseModel)

_TAG = "tag:yaml.org,2002:"
# Longer runs of digits stay text: Python refuses to read very long ones, and no amount needs them.
_NUMBER = r"[-+]?(?:0|[1-9][0-9]{0,99})"
_READ: Mapping[str, Callable[[str], Any]] = {
    f"{_TAG}null": lambda _: None,
    f"{_TAG}bool": lambda text: text.lower() == "true",
    f"{_TAG}int": int,
    f"{_TAG}float": Decimal,
    f"{_TAG}str": str,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlSource:
    """One file: its plain value (dict, list, str, int, Decimal, bool, None) and where each part stands."""

    path: Path
    value: Any
    sha256: str  # of the file's bytes
    marks: Mapping[KeyPath, tuple[int, int]] = field(repr=False)  # line and column, from 1
    scalars: Mapping[KeyPath, yaml.ScalarNode] = field(default_factory=dict, repr=False)  # where values begin

    def mark(self, path: Sequence[str | int]) -> tuple[int, int]:
        """Give line and column of a key or a list entry; of its nearest parent if it is not there."""
        here = tuple(path)
        while here not in self.marks and here:
            here = here[:-1]
        return self.marks.get(here, (1, 1))

    def place(self, path: Sequence[str | int]) -> str:
        """Give `file:line:column` of a key or a list entry; of its nearest parent if it is not there."""
        line, column = self.mark(path)
        return f"{file_name(self.path)}:{line}:{column}"

    def place_in(self, path: Sequence[str | int], character: int) -> str:
        """Give `file:line:column` of a character (from 0) of a text; of its begin where YAML folds lines."""
        line, column = self._mark_in(tuple(path), character)
        return f"{file_name(self.path)}:{line}:{column}"

    def _mark_in(self, path: KeyPath, character: int) -> tuple[int, int]:
        node = self.scalars.get(path)
        if node is None:
            return self.mark(path)
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        if node.start_mark.line != node.end_mark.line or node.style not in (None, "'", '"'):
            return line, column
        if node.style == "'":
            character += str(node.value)[:character].count("'")
        return line, column + character + (0 if node.style is None else 1)

    def problem(self, path: Sequence[str | int], message: str, character: int | None = None) -> Problem:
        """Give a problem at `path`: `config.yaml:14:3: targets.erp.adapter` and the message."""
        name = dotted(path)
        place = self.place(path) if character is None else self.place_in(path, character)
        return Problem(place=f"{place}: {name}" if name else place, message=message)


def dotted(path: Sequence[str | int]) -> str:
    """Give a path as people write it: `record.lines[0].key`."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".")


def read_yaml(path: Path, text: bytes | None = None) -> YamlSource:
    """Read one YAML file, or a text that stands for it.

    Raises: ConfigError with the place of what is not UTF-8, not YAML, or not wanted here.
    """
    raw = _read_bytes(path) if text is None else text
    root = _compose(_decode(raw, path), path)
    marks: dict[KeyPath, tuple[int, int]] = {}
    scalars: dict[KeyPath, yaml.ScalarNode] = {}
    problems: list[tuple[yaml.Mark, str]] = []
    value = _construct(root, (), _Notes(marks, scalars, problems))
    if problems:
        raise _refused(path, [(mark.line + 1, mark.column + 1, message) for mark, message in problems])
    return YamlSource(
        path=path, value=value, sha256=hashlib.sha256(raw).hexdigest(), marks=marks, scalars=scalars
    )


def validate(
    model: type[ModelT],
    source: YamlSource,
    context: Mapping[str, Any] | None = None,
    *,
    also: Sequence[Remark | tuple[KeyPath, str]] = (),
) -> ModelT:
    """Read the file's value as `model`. `also` are problems that are known already.

    Raises: ConfigError listing every problem in the order of the file, with place and what was expected.
    """
    valid, found = check(model, source, context, also=also)
    if valid is not None and not found:
        return valid
    raise problems_error(source.path, found)


def check(
    model: type[ModelT],
    source: YamlSource,
    context: Mapping[str, Any] | None = None,
    *,
    also: Sequence[Remark | tuple[KeyPath, str]] = (),
) -> tuple[ModelT | None, tuple[Problem, ...]]:
    """Give the file's value as `model`, if it is one, and all problems in the order of the file."""
    found = [Remark(*each) for each in also]
    valid: ModelT | None = None
    try:
        valid = model.model_validate(source.value, context=dict(context or {}))
    except ValidationError as error:
        # Not raised from here: pydantic's own message quotes the input, which may be confidential.
        found += [Remark(*each) for each in describe_errors(error, model, source.value)]
    found.sort(key=lambda each: source.mark(each.path))
    return valid, tuple(source.problem(each.path, each.message, each.character) for each in found)


def file_name(path: Path) -> str:
    """Give a file as messages name it: as given, but without the folders of this machine."""
    return path.name if path.is_absolute() else str(path)


def problems_error(path: Path, problems: Sequence[Problem]) -> ConfigError:
    """Give the one error that lists all problems of a file."""
    message = f"{file_name(path)} has {len(problems)} problem{'s' if len(problems) != 1 else ''}"
    return ConfigError(message, problems=problems, remedy=f"edit {path}")


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        message = f"cannot read the file: {error.strerror or error.__class__.__name__}"
        raise problems_error(path, [Problem(place=file_name(path), message=message)]) from error
    if len(raw) > MAX_BYTES:
        raise _refused(path, [(1, 1, f"the file is larger than {MAX_BYTES:,} bytes")])
    return raw


def _decode(raw: bytes, path: Path) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", errors="replace")
        place = _count(before)
    raise _refused(path, [(*place, "not UTF-8 text; save the file with the encoding UTF-8")])


def _count(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Loader(yaml.BaseLoader):
    """PyYAML's pure-Python parser with our scalars and without what could hide or multiply content."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._count = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]  # the stubs leave it out
        _refuse_hidden(event)
        if self._depth >= MAX_DEPTH:
            _stop(f"nested deeper than {MAX_DEPTH} levels", event)
        self._count += 1
        if self._count > MAX_VALUES:
            _stop(f"more than {MAX_VALUES:,} values in one file", event)
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _kind, _pattern, _first in (
    ("null", r"(?:null|Null|NULL|~|)\Z", ["n", "N", "~", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    ("int", rf"{_NUMBER}\Z", list("-+0123456789")),
    ("float", rf"{_NUMBER}\.[0-9]{{1,100}}\Z", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), _first)


def _refuse_hidden(event: yaml.Event) -> None:
    if getattr(event, "anchor", None) is not None:
        _stop("anchors (&name) and aliases (*name) are not supported; write the value out", event)
    tag = getattr(event, "tag", None)
    if tag is not None and not (isinstance(event, yaml.ScalarEvent) and tag == f"{_TAG}str"):
        _stop("tags (!name) are not supported; put text in quotes instead", event)


def _stop(message: str, event: yaml.Event) -> None:
    raise yaml.MarkedYAMLError(problem=message, problem_mark=cast("yaml.Mark", event.start_mark))


def _compose(text: str, path: Path) -> yaml.Node:
    loader: _Loader | None = None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        message = f"the character U+{error.character:04X} is not allowed in YAML"
        raise _refused(path, [(*_count(text[: error.position]), message)]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _refused(path, [(*place, _syntax_words(error))]) from error
    except (ValueError, OverflowError) as error:  # PyYAML lets these through, for "\U00110000" among others
        place = _count(text[: loader.index]) if loader else (1, 1)
        raise _refused(path, [(*place, "a number or an escape that YAML does not have")]) from error
    if root is None:
        raise _refused(path, [(1, 1, "the file is empty")])
    return root


def _syntax_words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "not valid YAML"
    if "'\\t'" in problem:
        return "a tab; YAML is indented with spaces"
    if "mapping values are not allowed" in problem:
        return "a colon where none can be: check the indentation, or put text that contains `: ` in quotes"
    if "single document" in (error.context or ""):
        return "a second YAML document (---); one file holds one"
    if problem.startswith("expected <block end>"):
        return "the indentation is off, or something follows a value that has ended"
    if error.context and error.context_mark:
        begin = error.context_mark
        return f"{problem} ({error.context} that begins at {begin.line + 1}:{begin.column + 1})"
    return problem


class _Notes(NamedTuple):
    """What is learnt of a file beside its value."""

    marks: dict[KeyPath, tuple[int, int]]
    scalars: dict[KeyPath, yaml.ScalarNode]
    problems: list[tuple[yaml.Mark, str]]


def _construct(node: yaml.Node, path: KeyPath, notes: _Notes) -> Any:  # noqa: ANN401 whatever the file holds
    notes.marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*path, at), notes) for at, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        entries = _entries(node, path, notes)
        return {key: _construct(value, (*path, key), notes) for key, value in entries}
    if isinstance(node, yaml.ScalarNode):
        notes.scalars[path] = node
    if not _is_unicode(node.value):
        notes.problems.append((node.start_mark, "half of a surrogate pair, which is not a character"))
    return _READ[node.tag](node.value)


def _entries(node: yaml.MappingNode, path: KeyPath, notes: _Notes) -> Iterator[tuple[str, yaml.Node]]:
    # Keys are text as written: `1:`, `no:` and `2026-01-01:` name things, they are no numbers or dates.
    seen: dict[str, yaml.Mark] = {}
    marks, problems = notes.marks, notes.problems
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            problems.append((key.start_mark, "a key must be plain text, not a list or keys and values"))
        elif key.value == "<<":
            problems.append((key.start_mark, "merge keys (<<) are not supported; write the keys out"))
        elif key.value in seen:
            first = seen[key.value]
            message = f"key `{key.value}` is written twice; first at {first.line + 1}:{first.column + 1}"
            problems.append((key.start_mark, message))
        elif not _is_unicode(key.value):
            problems.append((key.start_mark, "half of a surrogate pair, which is not a character"))
        else:
            seen[key.value] = key.start_mark
            marks[*path, key.value] = (key.start_mark.line + 1, key.start_mark.column + 1)
            yield key.value, value


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _refused(path: Path, found: Sequence[tuple[int, int, str]]) -> ConfigError:
    problems = [
        Problem(place=f"{file_name(path)}:{line}:{column}", message=message)
        for line, column, message in found
    ]
    return problems_error(path, problems)
