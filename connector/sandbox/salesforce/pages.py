"""Query results in pages: the whole is found once, and each page names the address of the next."""

from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.ids import make_id
from connector.sandbox.salesforce.query import Found

LOCATOR_PREFIX = "01g"


class Pages:
    """Results that were begun and not read to their end."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._found: dict[str, Found] = {}

    def first(self, found: Found, root: str) -> dict[str, Any]:
        """Give the first page, and keep the rest for `next`."""
        cursor = make_id(LOCATOR_PREFIX, len(self._found) + 1)
        if len(found.records) > self._size:
            self._found[cursor] = found
        return self._page(found, cursor, 0, root)

    def next(self, locator: str, root: str) -> dict[str, Any]:
        """Give the page that a `nextRecordsUrl` ends with.

        Raises: ApiError 400 INVALID_QUERY_LOCATOR.
        """
        cursor, _, start = locator.rpartition("-")
        found = self._found.get(cursor)
        if found is None or not start.isdecimal():
            raise errors.refusal(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(found, cursor, int(start), root)

    def _page(self, found: Found, cursor: str, start: int, root: str) -> dict[str, Any]:
        end = start + self._size
        page = {
            "totalSize": found.total,
            "done": end >= len(found.records),
            "records": found.records[start:end],
        }
        if page["done"]:
            return page
        return {**page, "nextRecordsUrl": f"{root}/query/{cursor}-{end}"}
