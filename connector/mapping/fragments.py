"""Files that mappings include: found, read once each, and refused when they go in circles."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.errors import ConfigError, Problem
from connector.yaml_source import KeyPath, YamlSource, file_name, read_yaml

MAX_FILES = 50


@dataclass(slots=True, kw_only=True)
class Fragments:
    """The fragments of one mapping, by their resolved path, in the order in which they were met."""

    sources: dict[Path, YamlSource] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def of(self, source: YamlSource, names: Sequence[str]) -> Iterator[Path]:
        """Give the fragments that these names stand for, each after those that it includes itself."""
        for name in names:
            path = _resolve(source, name)
            fragment = self.sources[path]
            yield from self.of(fragment, _names(fragment.value))
            yield path


def read_fragments(source: YamlSource) -> Fragments:
    """Read what a mapping includes, and what that includes."""
    fragments = Fragments()
    for where, names in _includes(source.value, ()):
        for at, name in enumerate(names):
            _read(fragments, source, (*where, at), name, (source.path.resolve(),))
    return fragments


def _includes(value: object, where: KeyPath) -> Iterator[tuple[KeyPath, list[str]]]:
    """Give each `include` of a mapping file, in whatever shape the file is."""
    if not isinstance(value, dict):
        return
    if isinstance(value.get("include"), list):
        yield (*where, "include"), _names(value)
    yield from _includes(value.get("record"), (*where, "record"))
    for key in ("companions", "lines"):
        entries = value.get(key)
        for at, entry in enumerate(entries if isinstance(entries, list) else ()):
            yield from _includes(entry, (*where, key, at))


def _read(
    fragments: Fragments, source: YamlSource, where: KeyPath, name: str, around: tuple[Path, ...]
) -> None:
    path = _resolve(source, name)
    if path in around:
        circle = " -> ".join(file_name(each) for each in (*around[around.index(path) :], path))
        fragments.problems.append(
            source.problem(where, f"the files include each other in a circle: {circle}")
        )
        return
    if path in fragments.sources:
        return
    if len(fragments.sources) >= MAX_FILES:
        fragments.problems.append(source.problem(where, f"more than {MAX_FILES} included files"))
        return
    try:
        read = read_yaml(source.path.parent / name)
    except ConfigError as error:
        for problem in error.problems:
            # Without a line it is about the file as such: the line that names it is the place to look.
            is_of_file = ":" not in problem.place
            message = f"{problem.place}: {problem.message}"
            fragments.problems.append(source.problem(where, message) if is_of_file else problem)
        return
    fragments.sources[path] = read
    for at, inner in enumerate(_names(read.value)):
        _read(fragments, read, ("include", at), inner, (*around, path))


def _resolve(source: YamlSource, name: str) -> Path:
    return (source.path.parent / name).resolve()


def _names(value: Mapping[str, Any] | object) -> list[str]:
    listed = value.get("include") if isinstance(value, dict) else None
    return [name for name in listed if isinstance(name, str) and name] if isinstance(listed, list) else []
