"""Files: every version has its document, and a document is linked to the records that show it."""

import hashlib
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.row_keys import Row
from connector.sandbox.salesforce.store import Store

VERSION = "ContentVersion"
DOCUMENT = "ContentDocument"
LINK = "ContentDocumentLink"


class Files:
    """What the org does by itself when a file is written."""

    def __init__(self, store: Store, system_values: Mapping[str, Any]) -> None:
        """Take what every new row is stamped with."""
        self._schema = store.schema
        self._store = store
        self._system_values = system_values

    def insert_version(self, values: Row) -> str:
        """Add a version: the first of a new document, or the next of the one that is named.

        Raises: ApiError 400 when it names a document and a place of first publication as well, or is neither
        a file nor a link.
        """
        document, place = values.get("ContentDocumentId"), values.get("FirstPublishLocationId")
        if document and place:
            message = "You cannot specify both ContentDocumentId and FirstPublishLocationId"
            entry = errors.entry("FIELD_INTEGRITY_EXCEPTION", message, "FirstPublishLocationId")
            raise errors.ApiError(400, [entry])
        _require_contents(values)
        title = values.get("Title") or PurePosixPath(values["PathOnClient"]).stem
        described = {**values, **_measured(values), "Title": title}
        is_new = document is None
        document = document or self._add(DOCUMENT, {"Title": title})
        number = self._retire(document) + 1
        version = self._add(
            VERSION,
            {**described, "ContentDocumentId": document, "VersionNumber": str(number), "IsLatest": True},
        )
        self._store.update(
            self._schema.object(DOCUMENT), document, {"LatestPublishedVersionId": version, "Title": title}, {}
        )
        if is_new and place:
            self._add(LINK, {"ContentDocumentId": document, "LinkedEntityId": place, "ShareType": "V"})
        return version

    def refuse_second_link(self, values: Row) -> None:
        """Refuse to link a document to a record that it is linked to.

        Raises: ApiError 400 DUPLICATE_VALUE.
        """
        found = self._schema.object(LINK)
        field = found.field("ContentDocumentId")
        if field is None:
            return
        for row in self._store.find(found, field, values["ContentDocumentId"]):
            if row["LinkedEntityId"] == values["LinkedEntityId"]:
                raise errors.duplicate("LinkedEntityId", row["Id"][:15])

    def _retire(self, document: str) -> int:
        """Make the latest version one of the older ones; give its number."""
        found = self._schema.object(VERSION)
        field = found.field("ContentDocumentId")
        number = 0
        for row in self._store.find(found, field, document) if field else ():
            number = max(number, int(row["VersionNumber"]))
            if row["IsLatest"]:
                self._store.update(found, row["Id"], {"IsLatest": False}, {})
        return number

    def _add(self, name: str, values: Row) -> str:
        return self._store.insert(self._schema.object(name), {**values, **self._system_values})


def _require_contents(values: Row) -> None:
    """Refuse a file without contents and path, and a link without a title."""
    needed = ("Title",) if values.get("ContentUrl") else ("PathOnClient", "VersionData")
    missing = [name for name in needed if not values.get(name)]
    if missing:
        raise errors.required_missing(missing)


def _measured(values: Row) -> dict[str, Any]:
    content: bytes | None = values.get("VersionData")
    if content is None:
        return {"ContentSize": 0}
    return {
        "Checksum": hashlib.md5(content, usedforsecurity=False).hexdigest(),
        "ContentSize": len(content),
        "FileExtension": PurePosixPath(values["PathOnClient"]).suffix.removeprefix(".") or None,
    }
