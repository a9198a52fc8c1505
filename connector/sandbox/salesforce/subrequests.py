"""What graphs and composites have in common: how a part is written, checked and answered."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connector.sandbox.salesforce import errors

HALTED = "The transaction was rolled back since another operation in the same transaction failed."

_REFERENCE_ID = re.compile(r"[A-Za-z0-9]\w*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One request of several. `url` and `body` may hold `@{other.id}` anywhere."""

    method: str
    url: str
    reference_id: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case names


def read_node(item: object) -> Node:
    """Read one part.

    Raises: ApiError 400 INVALID_INPUT.
    """
    reference_id = text(item, "referenceId")
    if not _REFERENCE_ID.fullmatch(reference_id):
        message = (
            f"Provided referenceId ('{reference_id}') must start with a letter or a number, "
            "and it can contain only letters, numbers and underscores ('_')."
        )
        raise errors.invalid_input(message)
    entries: Mapping[str, Any] = item if isinstance(item, dict) else {}
    headers = entries.get("httpHeaders") or {}
    return Node(
        method=text(item, "method"),
        url=text(item, "url"),
        reference_id=reference_id,
        body=entries.get("body"),
        headers={name.lower(): str(value) for name, value in headers.items()},
    )


def node_answer(node: Node, status: int, body: object, headers: Mapping[str, str]) -> dict[str, Any]:
    """Give the answer to one part."""
    return {"body": body, "httpHeaders": headers, "httpStatusCode": status, "referenceId": node.reference_id}


def listed(item: object, name: str) -> list[Any]:
    """Give a list that may be neither absent nor empty."""
    found = item.get(name) if isinstance(item, dict) else None
    if not isinstance(found, list) or not found:
        raise errors.invalid_input(f"'{name}' must be a list that is not empty")
    return found


def text(item: object, name: str) -> str:
    """Give a text that may be neither absent nor empty."""
    found = item.get(name) if isinstance(item, dict) else None
    if not isinstance(found, str) or not found:
        raise errors.invalid_input(f"'{name}' is required")
    return found


def refuse_repeated(what: str, names: Sequence[str]) -> None:
    """Refuse names that occur twice."""
    if len(set(names)) < len(names):
        raise errors.invalid_input(f"Each {what} must be unique")


def refuse_beyond(request: str, what: str, count: int, most: int) -> None:
    """Refuse a request with more of something than it may have."""
    if count > most:
        message = f"The {request} request has {count} {what}; the limit is {most}"
        raise errors.refusal(400, "LIMIT_EXCEEDED", message)
