"""What contradicts itself in a mapping file, beyond the shape that `file.py` describes.

Reads the raw value and takes any shape, so that these mistakes and those of shape are named in one run.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from connector.mapping.value_types import CONVERSIONS, convert
from connector.mapping.words import UnfitError
from connector.yaml_source import KeyPath

_EXCLUSIVE = (("required", "optional"), ("required", "default"), ("optional", "default"))
_RESERVED = "lines"  # in the `record` of an example it holds the lines


def find_contradictions(value: object) -> list[tuple[KeyPath, str]]:
    """Give the path and the message of each, for the raw value of a file in whatever shape."""
    return list(_in_record(_keys(_keys(value).get("record"))))


def _in_record(record: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    yield from _in_fields(record, ("record",), ("key",))
    if _RESERVED in _keys(record.get("fields")):
        yield ("record", "fields", _RESERVED), f"`{_RESERVED}` cannot be a field: it holds an example's lines"
    lines = record.get("lines")
    seen: dict[object, int] = {}
    for at, line in enumerate(map(_keys, lines if isinstance(lines, list) else ())):
        where = ("record", "lines", at)
        yield from _in_fields(line, where, ("key", "parent"))
        if line.get("key") == line.get("parent") is not None:
            yield (*where, "parent"), "the same field as `key`; they are two fields of the line"
        same = repr((line.get("object"), line.get("each")))
        if same in seen:
            yield where, f"same `object` and `each` as lines[{seen[same]}]: both would have the same keys"
        seen.setdefault(same, at)


def _in_fields(
    section: Mapping[str, Any], where: KeyPath, ours: Sequence[str]
) -> Iterator[tuple[KeyPath, str]]:
    taken = {section[key]: key for key in ours if isinstance(section.get(key), str)}
    for name, rule in _keys(section.get("fields")).items():
        path = (*where, "fields", name)
        if name in taken:
            yield path, f"`{name}` is the `{taken[name]}` field, which the connector fills; remove it here"
        yield from _in_rule(_keys(rule), path)


def _in_rule(rule: Mapping[str, Any], path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for first, second in _EXCLUSIVE:
        if _is_said(rule, first) and _is_said(rule, second):
            yield (*path, second), f"`{first}` and `{second}` exclude each other; keep one"
    kind, default = rule.get("type"), rule.get("default")
    if kind not in (None, *CONVERSIONS) or not isinstance(default, str | bool | int | Decimal):
        return
    try:
        convert(kind, default)
    except UnfitError as error:
        yield (
            (*path, "default"),
            error.expected if kind is None else f"not of `type: {kind}`; {error.expected}",
        )


def _is_said(rule: Mapping[str, Any], key: str) -> bool:
    return key in rule if key == "default" else rule.get(key) is True


def _keys(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
