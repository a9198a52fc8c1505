"""Look-up tables, read when the mapping is loaded and pinned by their content from then on."""

import csv
import hashlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connector.errors import ConfigError, Problem
from connector.mapping.rules import SourceFile
from connector.yaml_source import file_name, read_yaml
from connector.yaml_words import describe_kind, suggest

MAX_BYTES = 5 * 1024 * 1024
MAX_ROWS = 200_000


@dataclass(slots=True, kw_only=True)
class ReadTable:
    """A table file, or what is wrong with it."""

    entries: Mapping[str, Any] = field(default_factory=dict)
    file: SourceFile | None = None
    problems: tuple[Problem, ...] = ()


def read_table(path: Path, key: str | None, value: str | None) -> ReadTable:
    """Read a table: YAML as key: value, CSV with a header line and the names of two columns."""
    if path.suffix.lower() in {".yaml", ".yml"}:
        return _read_yaml_table(path)
    try:
        with path.open("rb") as opened:
            raw = opened.read(MAX_BYTES + 1)
    except OSError as error:
        return _refused(path, None, f"cannot read the file: {error.strerror or error.__class__.__name__}")
    if len(raw) > MAX_BYTES:
        return _refused(path, 1, f"the file is larger than {MAX_BYTES:,} bytes")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        return _refused(path, line, "not UTF-8 text; save the file with the encoding UTF-8")
    table = _read_csv(path, text, key, value)
    table.file = SourceFile(path=path, sha256=hashlib.sha256(raw).hexdigest())
    return table


def _read_yaml_table(path: Path) -> ReadTable:
    try:
        source = read_yaml(path)
    except ConfigError as error:
        return ReadTable(problems=error.problems)
    if not isinstance(source.value, dict):
        return _refused(path, 1, f"expected key: value, got {describe_kind(source.value)}")
    problems = tuple(
        source.problem((key,), f"expected a single value, got {describe_kind(value)}")
        for key, value in source.value.items()
        if isinstance(value, dict | list)
    )
    return ReadTable(
        entries=source.value, file=SourceFile(path=path, sha256=source.sha256), problems=problems
    )


def _read_csv(path: Path, text: str, key: str | None, value: str | None) -> ReadTable:
    delimiter = ";" if text.partition("\n")[0].count(";") > text.partition("\n")[0].count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = reader.fieldnames or ()
        if key is None or value is None:
            return _refused(path, 1, f"which columns? say `key` and `value`; there are {', '.join(columns)}")
        for name in (key, value):
            if name not in columns:
                return _refused(path, 1, f"no column `{name}`; {suggest(name, columns)}")
        return _collect(path, reader, key, value)
    except csv.Error as error:
        return _refused(path, reader.line_num, f"no CSV: {error}")


def _collect(path: Path, reader: "csv.DictReader[str]", key: str, value: str) -> ReadTable:
    entries: dict[str, str] = {}
    problems: list[Problem] = []
    for row in reader:
        name, entry = row.get(key), row.get(value)
        said = None
        if name is None or entry is None:
            said = "the line has too few columns"
        elif entries.get(name, entry) != entry:
            said = "a key that has another value further up; one key has one value"
        elif len(entries) >= MAX_ROWS:
            return _refused(path, reader.line_num, f"more than {MAX_ROWS:,} rows")
        if said is not None:
            problems.append(_problem(path, reader.line_num, said))
        elif name is not None and entry is not None:
            entries[name] = entry
    return ReadTable(entries=entries, problems=tuple(problems))


def _refused(path: Path, line: int | None, message: str) -> ReadTable:
    return ReadTable(problems=(_problem(path, line, message),))


def _problem(path: Path, line: int | None, message: str) -> Problem:
    place = file_name(path) if line is None else f"{file_name(path)}:{line}:1"
    return Problem(place=place, message=message)


def changed_files(files: tuple[SourceFile, ...]) -> Iterator[Path]:
    """Give the files of a mapping that are not on disk any more as they were when it was loaded."""
    for file in files:
        try:
            now = hashlib.sha256(file.path.read_bytes()).hexdigest()
        except OSError:
            now = ""
        if now != file.sha256:
            yield file.path
