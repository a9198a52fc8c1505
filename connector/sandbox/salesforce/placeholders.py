"""`@{hdr.id}` in a graph's node: a value from the answer of a node before it."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from connector.sandbox.salesforce import errors

_PLACEHOLDER = re.compile(r"@\{([^}]*)\}")
_REFERENCE = re.compile(r"(?P<node>[A-Za-z0-9]\w*)(?P<path>(?:\.\w+|\[\d+\])+)", re.ASCII)
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]", re.ASCII)


def resolved(value: object, bodies: Mapping[str, Any]) -> Any:  # noqa: ANN401 a JSON value of any shape
    """Give the value with every placeholder replaced; a text that is nothing else takes the value's type.

    Raises: ApiError 400 PROCESSING_HALTED for a placeholder without a value, wherever the text came from.
    """
    match value:
        case str():
            return _resolved_text(value, bodies)
        case list():
            return [resolved(item, bodies) for item in value]
        case dict():
            return {name: resolved(item, bodies) for name, item in value.items()}
    return value


def depth_of(nodes: Mapping[str, Any]) -> int:
    """Count the nodes of the longest chain of references."""
    depths: dict[str, int] = {}
    for name, value in nodes.items():
        # Only what stands before a node can be referred to, so one pass is enough.
        depths[name] = 1 + max((depths.get(parent, 0) for parent in mentioned(value)), default=0)
    return max(depths.values(), default=0)


def _resolved_text(text: str, bodies: Mapping[str, Any]) -> Any:  # noqa: ANN401 as resolved
    whole = _PLACEHOLDER.fullmatch(text)
    if whole:
        return _looked_up(whole[1], bodies)
    return _PLACEHOLDER.sub(lambda match: str(_looked_up(match[1], bodies)), text)


def _looked_up(reference: str, bodies: Mapping[str, Any]) -> Any:  # noqa: ANN401 as resolved
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise _no_value(reference, reference)
    value: Any = bodies.get(match["node"])
    for name, place in _STEP.findall(match["path"]):
        try:
            value = value[name] if name else value[int(place)]
        except (KeyError, IndexError, TypeError):
            raise _no_value(reference, match["node"]) from None
    if value is None:
        raise _no_value(reference, match["node"])
    return value


def mentioned(value: object) -> Iterator[str]:
    """Give the names of the nodes that a value refers to."""
    match value:
        case str():
            yield from (
                found["node"] for found in map(_REFERENCE.fullmatch, _PLACEHOLDER.findall(value)) if found
            )
        case list():
            for item in value:
                yield from mentioned(item)
        case dict():
            yield from mentioned(list(value.values()))


def _no_value(reference: str, node: str) -> errors.ApiError:
    message = f"Invalid reference specified. No value for {reference} found in {node}."
    return errors.refusal(400, "PROCESSING_HALTED", message)
