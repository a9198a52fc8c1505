"""JSON with every digit: numbers with a point are Decimal on the way in and plain numbers on the way out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from connector.errors import RemoteAnswer, UnexpectedResponseError

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder(decimal_format="number")
_HOLDERS = frozenset({dict, list})

MAX_DEPTH = 100
"""Deeper than any answer; what reads it afterwards recurses."""


def read_json(body: bytes, *, status: int | None = None) -> Any:  # noqa: ANN401 any JSON
    """Read an answer's body.

    Raises: UnexpectedResponseError for HTML, an empty body or anything else that is not JSON.
    """
    value = _decode(body, status)
    _check_depth(value)
    return value


def read_again(stored: bytes) -> Any:  # noqa: ANN401 any JSON
    """Read what `read_json` has read before, so that it is not too deep.

    Raises: UnexpectedResponseError as `read_json` does
    """
    return _decode(stored, None)


def read_outline(body: bytes, levels: int = 2) -> Any:  # noqa: ANN401 any JSON
    """Read an answer that holds a list, `levels` deep, and leave the entries of lists as they came, as bytes.

    A page of documents is larger than a processor's cache: one after the other they are read in less time,
    and one that cannot be read hides no other.
    Raises: UnexpectedResponseError as `read_json` does
    """
    start = body.lstrip()[:1]
    if start == b"[":
        return [bytes(entry) for entry in _decode(body, None, _ENTRIES)]
    if start == b"{" and levels:
        members = _decode(body, None, _MEMBERS)
        return {name: read_outline(bytes(value), levels - 1) for name, value in members.items()}
    return read_json(body)


def _decode(body: bytes, status: int | None, decoder: msgspec.json.Decoder[Any] = _DECODER) -> Any:  # noqa: ANN401 any JSON
    try:
        return decoder.decode(body)
    # ArithmeticError: an exponent that is too large even for Decimal.
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError) as error:
        raise _not_json(body, status) from error


def write_json(value: object) -> bytes:
    """Write a value as JSON; a Decimal becomes a number with the same digits."""
    return _ENCODER.encode(value)


def shape(value: object) -> str:
    """Name the shape of an answer, keys and types and never values, for an error that people may pass on."""
    match value:
        case Mapping():
            keys = ", ".join(f"{key}: {_type_name(inner)}" for key, inner in list(value.items())[:20])
            return f"an object with {keys}" if keys else "an empty object"
        case list():
            kinds = sorted({_type_name(inner) for inner in value})
            return f"an array of {', '.join(kinds)}" if kinds else "an empty array"
        case _:
            return _type_name(value)


def is_html(body: bytes) -> bool:
    """Tell whether a body is a page for people, or other markup, and so no answer of an API."""
    return body[:200].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _check_depth(value: Any) -> None:  # noqa: ANN401 any JSON
    level: list[Any] = [value] if type(value) in _HOLDERS else []
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) in _HOLDERS  # exactly these are what the decoder makes
        ]
        if not level:
            return
    message = f"Docflo answered with values nested more than {MAX_DEPTH} deep"
    raise UnexpectedResponseError(message)


def _type_name(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int() | Decimal():
            return "number"
        case str():
            return "text"
        case list():
            return "array"
        case _:
            return "object"


def _not_json(body: bytes, status: int | None) -> UnexpectedResponseError:
    if not body.strip():
        what = "nothing"
    elif is_html(body):
        what = "HTML"
    else:
        what = "text that is not JSON, or is cut off"
    return UnexpectedResponseError(
        f"Docflo answered with {what} where JSON was expected",
        remedy="is docflo.base_url the address of the API? A proxy or a login page may be in between",
        remote=RemoteAnswer(status=status),
    )
