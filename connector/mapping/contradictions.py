"""What contradicts itself in a mapping file, beyond the shape that `file.py` describes.

Reads the raw value and takes any shape, so that these mistakes and those of shape are named in one run.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.mapping.expression import ExpressionError, compile_expression
from connector.mapping.file import SOURCES, CompanionFile, FieldFile, LineFile, RecordFile
from connector.mapping.path import Origin, Place, parse_path
from connector.mapping.policy import Tables
from connector.mapping.value_types import CONVERSIONS, convert
from connector.mapping.words import UnfitError
from connector.yaml_source import KeyPath, Remark
from connector.yaml_words import suggest

_EXCLUSIVE = (
    ("required", "optional"),
    ("required", "default"),
    ("optional", "default"),
    ("value", "optional"),
    ("value", "required"),
    ("value", "default"),
)
_RESERVED = "lines"  # in the `record` of an example it holds the lines
_SECTION_KEYS = frozenset(
    name
    for model in (FieldFile, LineFile, RecordFile, CompanionFile)
    for name in (field.alias or key for key, field in model.model_fields.items())  # as files spell it
)
_GATES = ("expr", "confidence", "sum", "required")
_NEEDS = {
    "expr": ("message",),
    "sum": ("equals", "currency"),
    "equals": ("sum",),
    "currency": ("sum",),
    "within": ("sum",),
    "unless_edited": ("confidence",),
    "unknown": ("confidence",),
}


def find_contradictions(value: object, tables: Tables, lookups: Sequence[str]) -> list[Remark]:
    """Give each with its place, for the raw value of a file in whatever shape.

    `tables` and `lookups`: what `lookup` can name, also from included files.
    """
    whole = _keys(value)
    finder = _Finder(tables, lookups)
    found = [*finder.in_lookups(_keys(whole.get("lookups")))]
    if "record" not in whole and "document" not in whole:  # a fragment
        return [*found, *finder.in_fields(whole, (), (), HEADER)]
    found += finder.in_record(_keys(whole.get("record")), ("record",))
    for at, companion in enumerate(_entries(whole.get("companions"))):
        found += finder.in_record(companion, ("companions", at))
        if "key_from" in companion:
            where = ("companions", at, "key_from")
            found += finder.in_rule(_keys(companion["key_from"]), companion["key_from"], where, HEADER)
    for at, gate in enumerate(_entries(whole.get("gates"))):
        found += finder.in_gate(gate, ("gates", at))
    for at, example in enumerate(_entries(whole.get("examples"))):
        found += _in_example(example, ("examples", at))
    return found


HEADER = Place()


class _Finder:
    """Goes through the parts of one file."""

    def __init__(self, tables: Tables, lookups: Sequence[str]) -> None:
        self._tables = tables
        self._lookups = lookups

    def in_lookups(self, lookups: Mapping[str, Any]) -> Iterator[Remark]:
        for name, lookup in lookups.items():
            said = _keys(lookup)
            kinds = [key for key in ("file", "values", "object") if key in said]
            where = ("lookups", name)
            if isinstance(lookup, dict) and len(kinds) != 1:
                yield Remark(where, "expected exactly one of `file`, `values` and `object`")
            if kinds == ["object"] and not ("key" in said and "value" in said):
                yield Remark(where, "a question to the target needs `key` and `value`, two of its fields")

    def in_record(self, record: Mapping[str, Any], where: KeyPath) -> Iterator[Remark]:
        yield from self.in_fields(record, where, ("key",), HEADER)
        yield from _no_fields(record, where)
        if _RESERVED in _keys(record.get("fields")):
            message = f"`{_RESERVED}` cannot be a field: it holds an example's lines"
            yield Remark((*where, "fields", _RESERVED), message)
        yield from self._expression(record.get("when"), (*where, "when"), HEADER)
        yield from self.in_lines(record.get("lines"), (*where, "lines"), 1)

    def in_lines(self, lines: object, where: KeyPath, rows: int) -> Iterator[Remark]:
        seen: dict[object, int] = {}
        for at, line in enumerate(map(_keys, lines if isinstance(lines, list) else ())):
            here = (*where, at)
            yield from self.in_fields(line, here, ("key", "parent"), Place(rows=rows))
            yield from _no_fields(line, here)
            if line.get("key") == line.get("parent") is not None:
                yield Remark((*here, "parent"), "the same field as `key`; they are two fields of the line")
            same = repr((line.get("object"), line.get("each")))
            if same in seen:
                message = f"same `object` and `each` as lines[{seen[same]}]: both would have the same keys"
                yield Remark(here, message)
            seen.setdefault(same, at)
            yield from self._expression(line.get("when"), (*here, "when"), Place(rows=rows))
            yield from self.in_lines(line.get("lines"), (*here, "lines"), rows + 1)

    def in_fields(
        self, section: Mapping[str, Any], where: KeyPath, ours: Sequence[str], place: Place
    ) -> Iterator[Remark]:
        taken = {section[key]: key for key in ours if isinstance(section.get(key), str)}
        for name, rule in _keys(section.get("fields")).items():
            path = (*where, "fields", name)
            if name in taken:
                message = f"`{name}` is the `{taken[name]}` field, which the connector fills; remove it here"
                yield Remark(path, message)
            yield from self.in_rule(_keys(rule), rule, path, place)

    def in_rule(self, rule: Mapping[str, Any], raw: object, path: KeyPath, place: Place) -> Iterator[Remark]:
        if isinstance(raw, str):
            yield from _parent_outside([raw], path, place)
            yield from _unreduced([raw], path)
            return
        if not isinstance(raw, dict):
            return
        yield from _source_remarks(rule, path)
        for first, second in _EXCLUSIVE:
            if _is_said(rule, first) and _is_said(rule, second):
                yield Remark((*path, second), f"`{first}` and `{second}` exclude each other; keep one")
        paths = rule.get("from")
        listed = paths if isinstance(paths, list) else [paths]
        yield from _parent_outside(listed, (*path, "from"), place)
        if "with" not in rule:
            yield from _unreduced(listed, (*path, "from"))
        for key in ("expr", "when"):
            yield from self._expression(rule.get(key), (*path, key), place)
        yield from self._lookup_remarks(rule, path)
        yield from _number_remarks(rule, path)
        for key in ("default", "value"):
            yield from _misfit(rule, key, path)

    def _lookup_remarks(self, rule: Mapping[str, Any], path: KeyPath) -> Iterator[Remark]:
        name = rule.get("lookup")
        if isinstance(name, str) and name not in self._lookups:
            hint = suggest(name, self._lookups) if self._lookups else "the file has no `lookups`"
            yield Remark((*path, "lookup"), f"no `{name}` under `lookups`; {hint}")
        if "missing" in rule and "lookup" not in rule:
            yield Remark((*path, "missing"), "only with `lookup`; a path's value is `default` or `optional`")
        if rule.get("missing") == "default" and "default" not in rule:
            yield Remark((*path, "missing"), "`missing: default` needs a `default`")

    def in_gate(self, gate: Mapping[str, Any], where: KeyPath) -> Iterator[Remark]:
        kinds = [key for key in _GATES if key in gate]
        if gate and len(kinds) != 1:
            yield Remark(where, "expected exactly one of `expr`, `confidence`, `sum` and `required`")
        for key, needed in _NEEDS.items():
            for other in needed:
                if key in gate and other not in gate:
                    yield Remark((*where, key), f"`{key}` needs `{other}` beside it")
        for key in ("expr", "when"):
            yield from self._expression(gate.get(key), (*where, key), HEADER)

    def _expression(self, text: object, path: KeyPath, place: Place) -> Iterator[Remark]:
        if not isinstance(text, str) or not text:
            return
        try:
            compile_expression(text, place, self._tables)
        except ExpressionError as error:
            for flaw in error.flaws:
                yield Remark(path, flaw.message, flaw.at)


def _no_fields(section: Mapping[str, Any], where: KeyPath) -> Iterator[Remark]:
    said = [key for key in section if key in ("fields", "include")]
    if section and not said and not any(_is_misspelt(key, ("fields",)) for key in section):
        yield Remark((*where, "fields"), "key `fields` is missing")


def _is_misspelt(key: str, known: Sequence[str]) -> bool:
    return key not in _SECTION_KEYS and suggest(key, known).startswith("did you mean")


def _source_remarks(rule: Mapping[str, Any], path: KeyPath) -> Iterator[Remark]:
    said = [source for source in SOURCES if source in rule]
    if not said and not any(_is_misspelt(key, SOURCES) for key in rule):
        yield Remark((*path, "from"), "key `from` is missing")
    for source in said[1:]:
        yield Remark((*path, source), f"`{said[0]}` and `{source}` exclude each other; keep one")


def _number_remarks(rule: Mapping[str, Any], path: KeyPath) -> Iterator[Remark]:
    if "rounding" in rule and "places" not in rule:
        yield Remark((*path, "rounding"), "`rounding` needs `places` beside it")
    if "places" in rule and rule.get("type") != "decimal":
        yield Remark((*path, "places"), "`places` needs `type: decimal` beside it")


def _misfit(rule: Mapping[str, Any], key: str, path: KeyPath) -> Iterator[Remark]:
    kind, default = rule.get("type"), rule.get(key)
    if kind not in (None, *CONVERSIONS) or not isinstance(default, str | bool | int | Decimal):
        return
    try:
        convert(kind, default)
    except UnfitError as error:
        message = error.expected if kind is None else f"not of `type: {kind}`; {error.expected}"
        yield Remark((*path, key), message)


def _parent_outside(paths: Sequence[object], where: KeyPath, place: Place) -> Iterator[Remark]:
    """Refuse what a path cannot begin with here; what is no path at all is told by `file.py`."""
    for text in paths:
        if not isinstance(text, str):
            continue
        try:
            path = parse_path(text)
        except ValueError:
            continue
        if path.origin is Origin.PARENT and place.rows == 1:
            message = f"`{text}`: the header's fields are document.fields.X; `parent` is for nested lines"
            yield Remark(where, message)


def _unreduced(paths: Sequence[object], where: KeyPath) -> Iterator[Remark]:
    for text in paths:
        if isinstance(text, str) and "[]" in text:
            message = f"`{text}` gives a list; `with` makes one value of it: join, sum, first, count"
            yield Remark(where, message)


def _in_example(example: Mapping[str, Any], where: KeyPath) -> Iterator[Remark]:
    said = [key for key in ("record", "skipped", "refused") if example.get(key) not in (None, False)]
    if "record" in example and example["record"] == {} and "record" not in said:
        said.append("record")
    if example and not said:
        yield Remark((*where, "record"), "key `record` is missing")
    for key in said[1:]:
        yield Remark((*where, key), f"`{said[0]}` and `{key}` exclude each other; keep one")


def _is_said(rule: Mapping[str, Any], key: str) -> bool:
    return key in rule if key in ("default", "value") else rule.get(key) is True


def _entries(value: object) -> list[Mapping[str, Any]]:
    return [_keys(entry) for entry in value] if isinstance(value, list) else []


def _keys(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
