"""Faults as they are written on a command line: `drop-after:path=/soap,nth=2`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from connector.sandbox.proxy.faults import Fault, Kind

KINDS: tuple[str, ...] = get_args(Kind)
FORWARDED = frozenset(
    {"truncate", "gateway", "answer", "huge", "slow-headers", "slow-body", "delay", "empty"}
)
"""Kinds whose requests reach the server when nothing is said about it."""

OPTIONS: Mapping[str, Callable[[str], Any]] = {
    "method": str,
    "path": str,
    "header": str,
    "body": str,
    "nth": int,
    "every": int,
    "rate": float,
    "times": int,
    "seconds": float,
    "size": int,
    "status": int,
    "location": str,
    "retry-after": int,
    "file": lambda text: Path(text).read_bytes(),
}
FIELDS = {"retry-after": "retry_after", "file": "content"}
COUNTED = frozenset({"nth", "every", "times"})
MUST_SAY = ("drop", "reset")


def read_fault(text: str) -> Fault:
    """Read `KIND[-before|-after][:option=value,...]`.

    Raises: ValueError that says what is wrong with it.
    """
    name, _, rest = text.partition(":")
    kind, forward = _kind(name)
    given = dict(_option(part) for part in rest.split(",") if part)
    return Fault(kind=kind, forward=forward, **given)


def _kind(name: str) -> tuple[Any, bool]:
    for suffix, forward in (("-before", False), ("-after", True)):
        if name.removesuffix(suffix) in KINDS and name.endswith(suffix):
            return name.removesuffix(suffix), forward
    if name in MUST_SAY:
        message = f"say {name}-before (the server never gets the request) or {name}-after (it does its work)"
        raise ValueError(message)
    if name not in KINDS:
        message = f'unknown fault "{name}"; known: {", ".join(KINDS)}, each with -before or -after'
        raise ValueError(message)
    return name, name in FORWARDED


def _option(part: str) -> tuple[str, Any]:
    name, equals, text = part.partition("=")
    if name not in OPTIONS or not equals:
        message = f'"{part}" is not an option; known: {", ".join(f"{known}=" for known in OPTIONS)}'
        raise ValueError(message)
    try:
        value = OPTIONS[name](text)
    except (ValueError, OSError) as error:
        message = f"{name}={text}: {error}"
        raise ValueError(message) from error
    if isinstance(value, int | float) and (value < 0 or (value == 0 and name in COUNTED)):
        message = f"{name}={text}: must be more than that"
        raise ValueError(message)
    return FIELDS.get(name, name), value
