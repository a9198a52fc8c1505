"""Which operation a method and path mean. Keys in a path keep their `/`, `?`, `#` and `%` until they are decoded here."""

import re
from collections.abc import Container
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.records import RecordAddress

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 an address
DATA_PATH = "/services/data"
UNKNOWN = "unknown"

_VERSION = re.compile(r"v(\d{1,3})\.0", re.ASCII)

ROW_METHODS = {"GET": "read", "PATCH": "update", "DELETE": "delete"}
KEYED_METHODS = {**ROW_METHODS, "PATCH": "upsert"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request is for. `allowed` names the methods when the resource exists and the operation does not."""

    operation: str
    version: str = ""
    address: RecordAddress | None = None
    locator: str = ""  # of a query's next page
    allowed: str = ""

    def check_version(self, known: Container[int]) -> None:
        """Refuse an API version that the org does not offer.

        Raises: ApiError 410 for a version older than all, 404 for one that never was.
        """
        match = _VERSION.fullmatch(self.version)
        number = int(match[1]) if match else 0
        if number in known:
            return
        raise errors.not_found()


def target_of(method: str, raw_path: str, raw_query: str = "") -> Target:
    """Read the method and the path as it was sent, still percent-encoded."""
    if raw_path == TOKEN_PATH:
        return Target(operation="token")
    segments = [unquote(segment) for segment in raw_path.split("/")]
    if segments[:3] != DATA_PATH.split("/"):
        return Target(operation=UNKNOWN)
    match segments[3:]:
        case [] | [""]:
            return _only("versions", method, "GET", "")
        case [version, "limits"]:
            return _only("limits", method, "GET", version)
        case [version, "query" | "query/"]:
            return _only("query", method, "GET", version)
        case [version, "query", locator]:
            return Target(operation="query" if method == "GET" else UNKNOWN, version=version, locator=locator)
        case [version, "composite", "graph"]:
            return _only("graph", method, "POST", version)
        case [version, "sobjects", *rest]:
            return _record_target(method, version, rest, dict(parse_qsl(raw_query, keep_blank_values=True)))
        case [version, *_]:
            return Target(operation=UNKNOWN, version=version)
    return Target(operation=UNKNOWN)


def _record_target(method: str, version: str, segments: list[str], query: dict[str, str]) -> Target:
    match segments:
        case [] | [""]:
            return _only("global_describe", method, "GET", version)
        case [name] | [name, ""]:
            address = RecordAddress(version=version, object_name=name, query=query)
            operation, allowed = ({"POST": "create"}, "POST")
        case [name, "describe"]:
            address = RecordAddress(version=version, object_name=name, query=query)
            operation, allowed = ({"GET": "describe"}, "GET")
        case [name, record_id]:
            address = RecordAddress(version=version, object_name=name, name=record_id, query=query)
            operation, allowed = (ROW_METHODS, "DELETE,GET,PATCH")
        case [name, field, key]:
            address = RecordAddress(version=version, object_name=name, name=field, key=key, query=query)
            operation, allowed = (KEYED_METHODS, "DELETE,GET,PATCH")
        case _:
            return Target(operation=UNKNOWN, version=version)
    return Target(
        operation=operation.get(method, UNKNOWN), version=version, address=address, allowed=allowed
    )


def _only(operation: str, method: str, allowed: str, version: str) -> Target:
    return Target(operation=operation if method == allowed else UNKNOWN, version=version, allowed=allowed)
