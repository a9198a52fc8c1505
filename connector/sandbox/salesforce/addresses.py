"""Which operation a method and a path mean.

The path is split before it is decoded, so a key may hold `/`, `?`, `#` and `%`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import parse_qsl, unquote

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.records import RecordAddress

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 an address
DATA_PATH = "/services/data"
UNKNOWN = "unknown"

_VERSION = re.compile(r"v(\d{1,3})\.0", re.ASCII)

RESOURCES = {
    "limits": ("limits", "GET"),
    "limits/recordCount": ("record_count", "GET"),
    "query": ("query", "GET"),
    "composite": ("composite", "POST"),
    "composite/graph": ("graph", "POST"),
    "sobjects": ("global_describe", "GET"),
    "jobs/ingest": ("bulk_list", "GET"),
}
ROW_METHODS = {"GET": "read", "PATCH": "update", "DELETE": "delete"}
COLLECTION_METHODS = {
    "POST": "collection_create",
    "PATCH": "collection_update",
    "DELETE": "collection_delete",
}
RESULTS = {"GET": "bulk_results"}
JOB_METHODS = {
    "": {"GET": "bulk_info", "PATCH": "bulk_patch", "DELETE": "bulk_delete"},
    "batches": {"PUT": "bulk_upload"},
    "successfulresults": RESULTS,
    "failedresults": RESULTS,
    "unprocessedrecords": RESULTS,
}
KEYED_METHODS = {**ROW_METHODS, "PATCH": "upsert"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request is for. `allowed` names the methods of a resource that exists."""

    operation: str
    method: str = ""
    version: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    address: RecordAddress | None = None
    locator: str = ""  # of a query's next page; the id of a job
    part: str = ""  # of a job's results: "failedresults"
    allowed: str = ""

    @property
    def is_collection(self) -> bool:
        """Many records in one call."""
        return self.operation.startswith("collection_")

    def check_version(self, known: range) -> None:
        """Refuse an API version that the org does not offer.

        Raises: ApiError 410 for a version older than all, 404 for one that never was.
        """
        match = _VERSION.fullmatch(self.version)
        number = int(match[1]) if match else 0
        if number in known:
            return
        if 0 < number < known.start:
            raise errors.version_retired(self.version)
        raise errors.not_found()


def target_of(method: str, raw_path: str, raw_query: str = "") -> Target:
    """Read the method and the path as it was sent, still percent-encoded."""
    query = dict(parse_qsl(raw_query, keep_blank_values=True))
    return replace(_target(raw_path, method, query), method=method, query=query)


def _target(raw_path: str, method: str, query: Mapping[str, str]) -> Target:
    if raw_path == TOKEN_PATH:
        return Target(operation="token")
    segments = [unquote(segment) for segment in raw_path.split("/")]
    match segments:
        case ["", "services", "data"] | ["", "services", "data", ""]:
            return _only("versions", method, "GET", "")
        case ["", "services", "data", version, "sobjects", str(name), *rest] if name:
            return _record_target(method, RecordAddress(version=version, object_name=name, query=query), rest)
        case ["", "services", "data", version, "composite", "sobjects", *rest]:
            return _collection_target(
                method, RecordAddress(version=version, object_name="", query=query), rest
            )
        case ["", "services", "data", version, "query", locator] if locator:
            return replace(_only("query", method, "GET", version), locator=locator)
        case ["", "services", "data", version, "jobs", "ingest", *rest] if rest not in ([], [""]):
            return _job_target(method, version, rest)
        case ["", "services", "data", version, *rest]:
            path = "/".join(rest).removesuffix("/")
            if (method, path) == ("POST", "jobs/ingest"):
                return Target(operation="bulk_create", version=version)
            operation, allowed = RESOURCES.get(path, (UNKNOWN, ""))
            return _only(operation, method, allowed, version)
    return Target(operation=UNKNOWN)


def _record_target(method: str, address: RecordAddress, segments: list[str]) -> Target:
    match segments:
        case [] | [""]:
            operations = {"POST": "create", "GET": "object_info"}
        case ["describe"]:
            operations = {"GET": "describe"}
        case [name]:
            operations, address = ROW_METHODS, replace(address, name=name)
        case [name, "VersionData"] if address.object_name.lower() == "contentversion":
            operations, address = {"GET": "file_data"}, replace(address, name=name)
        case [field, key]:
            operations, address = KEYED_METHODS, replace(address, name=field, key=key)
        case _:
            return Target(operation=UNKNOWN, version=address.version)
    return _target_in(operations, method, address)


def _job_target(method: str, version: str, segments: list[str]) -> Target:
    job, *rest = segments
    part = "/".join(rest).rstrip("/").lower()  # real clients spell unprocessedRecords either way
    operations = JOB_METHODS.get(part, {})
    return Target(
        operation=operations.get(method, UNKNOWN),
        version=version,
        locator=job,
        part=part,
        allowed=",".join(sorted(operations)),
    )


def _collection_target(method: str, address: RecordAddress, segments: list[str]) -> Target:
    match segments:
        case [] | [""]:
            operations = COLLECTION_METHODS
        case [name] | [name, ""]:
            operations = dict.fromkeys(("GET", "POST"), "collection_read")
            address = replace(address, object_name=name)
        case [name, field_name]:
            operations = {"PATCH": "collection_upsert"}
            address = replace(address, object_name=name, name=field_name)
        case _:
            return Target(operation=UNKNOWN, version=address.version)
    return _target_in(operations, method, address)


def _target_in(operations: Mapping[str, str], method: str, address: RecordAddress) -> Target:
    return Target(
        operation=operations.get(method, UNKNOWN),
        version=address.version,
        address=address,
        allowed=",".join(sorted(operations)),
    )


def _only(operation: str, method: str, allowed: str, version: str) -> Target:
    return Target(operation=operation if method == allowed else UNKNOWN, version=version, allowed=allowed)
