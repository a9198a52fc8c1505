"""From a mapping file, and what it includes, to a `Mapping`, or to all of their problems at once."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from connector.errors import Problem
from connector.mapping import rules
from connector.mapping.contradictions import find_contradictions
from connector.mapping.evaluate import compiled
from connector.mapping.example_files import make_example
from connector.mapping.expression import compile_expression
from connector.mapping.file import (
    CompanionFile,
    FieldFile,
    FragmentFile,
    GateFile,
    LineFile,
    LookupFile,
    MappingFile,
    RecordFile,
)
from connector.mapping.fragments import Fragments, read_fragments
from connector.mapping.path import ABSENT, HEADER, Place, parse_path
from connector.mapping.policy import Tables
from connector.mapping.tables import ReadTable, read_table
from connector.mapping.value_types import convert
from connector.yaml_source import KeyPath, YamlSource, check, problems_error, read_yaml


def load_mapping(path: Path, text: bytes | None = None) -> rules.Mapping:
    """Read a mapping file with the fragments and tables that it names; or a text that stands for the file.

    Raises: ConfigError listing every problem, file by file in their order, each with file, line and column.
    """
    source = read_yaml(path, text)
    fragments = read_fragments(source)
    tables = _read_tables([source, *fragments.sources.values()])
    names = list(tables)
    entries = {name: table.entries for name, table in tables.items() if not table.is_question}
    file, problems = check(MappingFile, source, also=find_contradictions(source.value, entries, names))
    found = [*problems, *fragments.problems]
    read: dict[Path, FragmentFile] = {}
    for at, each in fragments.sources.items():
        fragment, problems = check(FragmentFile, each, also=find_contradictions(each.value, entries, names))
        found += problems
        if fragment is not None:
            read[at] = fragment
    found += [problem for table in tables.values() for problem in table.problems]
    if file is None or found:
        raise problems_error(path, found)
    lookups = {name: _lookup(name, table) for name, table in tables.items()}
    builder = _Builder(
        source=source, fragments=fragments, read=read, tables=tables, entries=entries, lookups=lookups
    )
    return builder.build(file)


@dataclass(slots=True, kw_only=True)
class _Table(ReadTable):
    """A look-up as it was read."""

    place: str
    raw: Mapping[str, Any]  # what the file says of it
    path: Path | None = None
    is_question: bool = False  # to the target


def _read_tables(sources: Sequence[YamlSource]) -> dict[str, _Table]:
    tables: dict[str, _Table] = {}
    for source in sources:
        lookups = source.value.get("lookups") if isinstance(source.value, dict) else None
        for name, raw in lookups.items() if isinstance(lookups, dict) else ():
            if not isinstance(raw, dict):
                continue
            table = _read_lookup(raw, source, ("lookups", name))
            if name in tables:
                message = f"the table `{name}` is also at {tables[name].place}; rename one"
                table.problems = (*table.problems, source.problem(("lookups", name), message))
            tables[name] = table
    return tables


def _read_lookup(raw: Mapping[str, Any], source: YamlSource, where: KeyPath) -> _Table:
    table = _Table(place=source.place(where), raw=raw)
    values, file = raw.get("values"), raw.get("file")
    if isinstance(values, dict):
        table.entries = values
    elif isinstance(file, str) and file:
        table.path = source.path.parent / file
        key, value = raw.get("key"), raw.get("value")
        read = read_table(
            table.path, key if isinstance(key, str) else None, value if isinstance(value, str) else None
        )
        table.entries, table.file = read.entries, read.file
        # Where the file cannot be read at all, the line that names it is the place to look.
        table.problems = tuple(
            source.problem((*where, "file"), f"{problem.place}: {problem.message}")
            if ":" not in problem.place
            else problem
            for problem in read.problems
        )
    else:
        table.is_question = "object" in raw
    return table


@dataclass(kw_only=True)
class _Builder:
    """Makes rules of files that have no problem."""

    source: YamlSource
    fragments: Fragments
    read: Mapping[Path, FragmentFile]
    tables: Mapping[str, _Table]
    entries: Tables
    lookups: Mapping[str, rules.Lookup]
    problems: list[Problem] = field(default_factory=list)

    def build(self, file: MappingFile) -> rules.Mapping:
        """Give the mapping.

        Raises: ConfigError for what only shows when the files are put together.
        """
        record = self._record(file.record, ("record",))
        companions = tuple(
            self._companion(each, ("companions", at)) for at, each in enumerate(file.companions)
        )
        gates = tuple(self._gate(gate, ("gates", at)) for at, gate in enumerate(file.gates))
        if self.problems:
            raise problems_error(self.source.path, self.problems)
        files = (
            rules.SourceFile(path=self.source.path, sha256=self.source.sha256),
            *(
                rules.SourceFile(path=each.path, sha256=each.sha256)
                for each in self.fragments.sources.values()
            ),
            *(table.file for table in self.tables.values() if table.file is not None),
        )
        return rules.Mapping(
            path=self.source.path,
            sha256=_digest(files),
            document=file.document,
            record=record,
            companions=companions,
            gates=gates,
            lookups=self.lookups,
            files=files,
            examples=tuple(
                make_example(example, ("examples", at), file.document, self.source, self.lookups)
                for at, example in enumerate(file.examples)
            ),
        )

    def _record(self, file: RecordFile | CompanionFile, where: KeyPath) -> rules.RecordRule:
        return rules.RecordRule(
            object=file.object,
            key_field=file.key,
            fields=self._fields(file, where, HEADER, {file.key: "key"}),
            lines=self._lines(file.lines, (*where, "lines"), 1),
            when=self._expression(file.when, self.source, (*where, "when"), HEADER),
            place=self.source.place((*where, "object")),
        )

    def _companion(self, file: CompanionFile, where: KeyPath) -> rules.RecordRule:
        record = self._record(file, where)
        key = self._field(file.key, file.key_from, self.source, (*where, "key_from"), HEADER)
        return replace(record, key=key)

    def _lines(self, files: Sequence[LineFile], where: KeyPath, rows: int) -> tuple[rules.LineRule, ...]:
        return tuple(self._line(file, (*where, at), rows) for at, file in enumerate(files))

    def _line(self, file: LineFile, where: KeyPath, rows: int) -> rules.LineRule:
        place = Place(rows=rows)
        ours = {file.key: "key", **({file.parent: "parent"} if file.parent else {})}
        return rules.LineRule(
            object=file.object,
            each=parse_path(file.each, Place(rows=rows - 1)),
            key_field=file.key,
            parent_field=file.parent,
            fields=self._fields(file, where, place, ours),
            place=self.source.place((*where, "each")),
            optional=file.optional,
            when=self._expression(file.when, self.source, (*where, "when"), place),
            lines=self._lines(file.lines, (*where, "lines"), rows + 1),
        )

    def _fields(
        self,
        file: RecordFile | CompanionFile | LineFile,
        where: KeyPath,
        place: Place,
        ours: Mapping[str, str],
    ) -> tuple[rules.FieldRule, ...]:
        found: dict[str, rules.FieldRule] = {}
        for source, base, fields in self._sources_of(file, where):
            for name, rule in fields.items():
                at = (*base, "fields", name)
                if name in found:
                    message = f"`{name}` is also at {found[name].place}; a field has one rule"
                    self.problems.append(source.problem(at, message))
                elif source is not self.source and name in ours:
                    message = f"`{name}` is the `{ours[name]}` field, which the connector fills"
                    self.problems.append(source.problem(at, message))
                else:
                    found[name] = self._field(name, rule, source, at, place)
        return tuple(found.values())

    def _sources_of(
        self, file: RecordFile | CompanionFile | LineFile, where: KeyPath
    ) -> Iterator[tuple[YamlSource, KeyPath, Mapping[str, FieldFile]]]:
        for path in self.fragments.of(self.source, file.include):
            yield self.fragments.sources[path], (), self.read[path].fields
        yield self.source, where, file.fields

    def _field(
        self, name: str, file: FieldFile, source: YamlSource, where: KeyPath, place: Place
    ) -> rules.FieldRule:
        rule = rules.FieldRule(
            target=name,
            place=source.place(where),
            paths=tuple(parse_path(text, place) for text in file.from_),
            expression=self._expression(file.expr, source, (*where, "expr"), place),
            constant=_converted(file, "value"),
            when=self._expression(file.when, source, (*where, "when"), place),
            steps=tuple(file.with_),
            lookup=self.lookups[file.lookup] if file.lookup is not None else None,
            missing=file.missing,
            type=file.type,
            places=file.places,
            rounding=file.rounding,
            default=_converted(file, "default"),
            required=file.required,
            optional=file.optional,
            blank=file.blank,
        )
        return compiled(rule)

    def _expression(
        self, text: str | None, source: YamlSource, where: KeyPath, place: Place
    ) -> rules.Expression | None:
        if text is None:
            return None
        compute, reads = compile_expression(text, place, self.entries)
        return rules.Expression(text=text, place=source.place_in(where, 0), reads=reads, compute=compute)

    def _gate(self, file: GateFile, where: KeyPath) -> rules.Gate:
        place = self.source.place(where)
        when = self._expression(file.when, self.source, (*where, "when"), HEADER)
        expression = self._expression(file.expr, self.source, (*where, "expr"), HEADER)
        if expression is not None:
            return rules.ExpressionGate(
                place=place, message=file.message or "", expression=expression, when=when
            )
        if file.confidence is not None:
            return rules.ConfidenceGate(
                place=place,
                floors=tuple((parse_path(text, HEADER), floor) for text, floor in file.confidence.items()),
                unless_edited=file.unless_edited,
                unknown=file.unknown,
                message=file.message,
                when=when,
            )
        if file.sum is not None:
            return rules.SumGate(
                place=place,
                parts=tuple(parse_path(text, HEADER) for text in file.sum),
                total=parse_path(file.equals or "", HEADER),
                currency=parse_path(file.currency or "", HEADER),
                within=file.within,
                message=file.message,
                when=when,
            )
        paths = tuple(parse_path(text, HEADER) for text in file.required or ())
        return rules.RequiredGate(place=place, paths=paths, message=file.message, when=when)


def _lookup(name: str, table: _Table) -> rules.Lookup:
    file = LookupFile.model_validate(dict(table.raw))
    if file.object is None:
        return rules.TableLookup(name=name, place=table.place, entries=table.entries, file=table.path)
    return rules.TargetLookup(
        name=name,
        place=table.place,
        object=file.object,
        key=file.key or "",
        wanted=file.value or "",
        many=file.many,
    )


def _converted(file: FieldFile, key: str) -> Any:  # noqa: ANN401 a value of the record, or ABSENT
    if key not in file.model_fields_set:
        return ABSENT
    value = file.default if key == "default" else file.value
    return None if value is None else convert(file.type, value)


def _digest(files: Sequence[rules.SourceFile]) -> str:
    if len(files) == 1:
        return files[0].sha256
    return hashlib.sha256("\n".join(file.sha256 for file in files).encode()).hexdigest()
