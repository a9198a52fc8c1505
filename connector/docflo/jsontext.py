"""JSON with every digit: numbers with a point are Decimal on the way in and plain numbers on the way out."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from connector.errors import RemoteAnswer, UnexpectedResponseError

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def read_json(body: bytes, *, status: int | None = None) -> Any:  # noqa: ANN401 any JSON
    """Read an answer's body.

    Raises: UnexpectedResponseError for HTML, an empty body or anything else that is not JSON.
    """
    try:
        return _DECODER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
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
    start = body[:200].lstrip().lower()
    if not start:
        what = "nothing"
    elif start.startswith((b"<!doctype", b"<html", b"<head", b"<body")):
        what = "an HTML page"
    else:
        what = "text that is not JSON, or is cut off"
    return UnexpectedResponseError(
        f"Docflo answered with {what} where JSON was expected",
        remedy="is docflo.base_url the address of the API? A proxy or a login page may be in between",
        remote=RemoteAnswer(status=status),
    )
