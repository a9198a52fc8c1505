"""Which operation a method and a path mean.

The path is split before it is decoded, so a key may hold `/`, `?`, `#` and `%`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import RecordAddress

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 an address
DATA_PATH = "/services/data"
UNKNOWN = "unknown"

_VERSION = re.compile(r"v(\d{1,3})\.0", re.ASCII)

RESOURCES = {
    "limits": {"GET": "limits"},
    "limits/recordCount": {"GET": "record_count"},
    "query": {"GET": "query"},
    "composite": {"POST": "composite"},
    "composite/graph": {"POST": "graph"},
    "sobjects": {"GET": "global_describe"},
    "jobs/ingest": {"GET": "bulk_list", "POST": "bulk_create"},
}
OBJECT_METHODS = {"POST": "create", "GET": "object_info"}
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
COLLECTION_READS = dict.fromkeys(("GET", "POST"), "collection_read")
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
    allowed: tuple[str, ...] = ()

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
    query = dict(parse_qsl(raw_query, keep_blank_values=True)) if raw_query else {}
    return _Reader(method, query).read(raw_path)


class _Reader:
    """Reads one path: method and query go into every target."""

    def __init__(self, method: str, query: Mapping[str, str]) -> None:
        self._method = method
        self._query = query

    def read(self, raw_path: str) -> Target:
        """Give the target of a path, still percent-encoded."""
        if raw_path == TOKEN_PATH:
            return Target(operation="token", method=self._method)
        segments = [unquote(segment) for segment in raw_path.split("/")]
        match segments:
            case ["", "services", "data"] | ["", "services", "data", ""]:
                return self._target({"GET": "versions"})
            case ["", "services", "data", version, "sobjects", str(name), *rest] if name:
                return self._record(version, name, rest)
            case ["", "services", "data", version, "composite", "sobjects", *rest]:
                return self._collection(version, rest)
            case ["", "services", "data", version, "query", locator] if locator:
                return self._target({"GET": "query"}, version, locator=locator)
            case ["", "services", "data", version, "jobs", "ingest", job, *rest] if job:
                part = "/".join(rest).rstrip("/").lower()  # real clients spell unprocessedRecords either way
                return self._target(JOB_METHODS.get(part, {}), version, locator=job, part=part)
            case ["", "services", "data", version, *rest]:
                return self._target(RESOURCES.get("/".join(rest).removesuffix("/"), {}), version)
        return Target(operation=UNKNOWN, method=self._method)

    def _record(self, version: str, name: str, segments: list[str]) -> Target:
        match segments:
            case [] | [""]:
                return self._on_object(OBJECT_METHODS, version, name)
            case ["describe"]:
                return self._on_object({"GET": "describe"}, version, name)
            case [row]:
                return self._on_object(ROW_METHODS, version, name, row)
            case [row, "VersionData"] if name.lower() == "contentversion":
                return self._on_object({"GET": "file_data"}, version, name, row)
            case [field_name, key]:
                return self._on_object(KEYED_METHODS, version, name, field_name, key)
        return self._target({}, version)

    def _collection(self, version: str, segments: list[str]) -> Target:
        match segments:
            case [] | [""]:
                return self._on_object(COLLECTION_METHODS, version)
            case [name] | [name, ""]:
                return self._on_object(COLLECTION_READS, version, name)
            case [name, field_name]:
                return self._on_object({"PATCH": "collection_upsert"}, version, name, field_name)
        return self._target({}, version)

    def _on_object(
        self,
        operations: Mapping[str, str],
        version: str,
        object_name: str = "",
        name: str = "",
        key: str | None = None,
    ) -> Target:
        address = RecordAddress(
            version=version, object_name=object_name, name=name, key=key, query=self._query
        )
        return self._target(operations, version, address)

    def _target(
        self,
        operations: Mapping[str, str],
        version: str = "",
        address: RecordAddress | None = None,
        *,
        locator: str = "",
        part: str = "",
    ) -> Target:
        return Target(
            operation=operations.get(self._method, UNKNOWN),
            method=self._method,
            version=version,
            query=self._query,
            address=address,
            locator=locator,
            part=part,
            allowed=tuple(sorted(operations)),
        )
