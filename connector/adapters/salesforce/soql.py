"""Asking Salesforce which keys it has. The pages are fetched by whoever passes `read`; the rest is pure."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from urllib.parse import quote

from simple_salesforce.format import format_soql

from connector.adapters.salesforce.json_text import expected
from connector.errors import UnexpectedResponseError

_LONGEST_QUERY = 12_000  # characters of address; Salesforce answers 414 above 16,384

_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")

Read = Callable[[str], object]


def find_by_key(
    read: Read, version: str, object_name: str, key_field: str, keys: Collection[str]
) -> dict[str, list[str]]:
    """Give the ids of the records that have one of the keys, by the key as Salesforce spells it.

    Raises: any `ConnectorError` when Salesforce cannot tell; an incomplete answer is never "absent".
    """
    found: dict[str, list[str]] = {}
    for path in _queries(version, object_name, key_field, keys):
        for row in _rows(read, path):
            # The answer spells fields as the org does, whatever the query said.
            values = {name.lower(): value for name, value in row.items()}
            key = expected(values.get(key_field.lower()), str, f"query result {key_field}")
            found.setdefault(key, []).append(expected(values.get("id"), str, "query result Id"))
    return found


def find_by_id(read: Read, version: str, object_name: str, record_id: str) -> str | None:
    """Give the id as Salesforce spells it; None when there is no such record, or it can be no id at all.

    Raises: any `ConnectorError` when Salesforce cannot tell.
    """
    if _ID.fullmatch(record_id) is None:
        return None  # a query with it would be refused as a whole
    soql = format_soql("SELECT Id FROM {object:literal} WHERE Id = {id}", object=object_name, id=record_id)
    rows = _rows(read, f"/services/data/v{version}/query?q={quote(soql, safe='')}")
    found = [
        expected({name.lower(): value for name, value in row.items()}.get("id"), str, "query result Id")
        for row in rows
    ]
    return found[0] if found else None


def _queries(version: str, object_name: str, key_field: str, keys: Collection[str]) -> Iterator[str]:
    batch: list[str] = []
    for key in dict.fromkeys(keys):
        if batch and len(_query(version, object_name, key_field, [*batch, key])) > _LONGEST_QUERY:
            yield _query(version, object_name, key_field, batch)
            batch = []
        batch.append(key)
    if batch:
        yield _query(version, object_name, key_field, batch)


def _query(version: str, object_name: str, key_field: str, keys: list[str]) -> str:
    soql = format_soql(
        "SELECT Id, {key:literal} FROM {object:literal} WHERE {key:literal} IN {keys}",
        key=key_field,
        object=object_name,
        keys=keys,
    )
    return f"/services/data/v{version}/query?q={quote(soql, safe='')}"


def _rows(read: Read, path: str) -> Iterator[Mapping[str, object]]:
    seen = set()
    while path:
        seen.add(path)
        page = expected(read(path), dict, "query")
        for row in expected(page.get("records"), list, "query records"):
            yield expected(row, dict, "query record")
        if page.get("done") is True:
            return
        path = expected(page.get("nextRecordsUrl"), str, "query nextRecordsUrl")
        if path in seen or not path.startswith("/services/"):
            raise UnexpectedResponseError("query: the address of the next page leads nowhere new")
