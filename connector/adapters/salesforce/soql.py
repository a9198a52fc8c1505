"""Asking Salesforce what it has. The pages are fetched by whoever passes `read`; the rest is pure."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote_plus

from simple_salesforce.format import format_soql, quote_soql_value

from connector.adapters.salesforce.json_text import expected
from connector.errors import UnexpectedResponseError

_LONGEST_QUERY = 12_000  # characters of address; Salesforce answers 414 above 16,384

_ID = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")

Read = Callable[[str], object]
Row = Mapping[str, object]
"""A row by lower-case names: the answer spells fields as the org does, whatever the query said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which fields of which records: those whose field `where` has one of several values."""

    object: str
    fields: Sequence[str]
    where: str


def select(read: Read, version: str, question: Question, values: Collection[str]) -> Iterator[Row]:
    """Give the rows with one of the values, in as few queries as the longest address allows.

    Raises: any `ConnectorError` when Salesforce cannot tell; an incomplete answer is never "absent".
    """
    for path in _queries(version, question, values):
        for row in _rows(read, path):
            yield _folded(row)


def select_begun(read: Read, version: str, question: Question, prefix: str, since: datetime) -> Iterator[Row]:
    """Give the rows created at or after `since` of which `where` begins with `prefix`.

    Raises: any `ConnectorError` when Salesforce cannot tell.
    """
    soql = format_soql(
        "SELECT {fields:literal} FROM {object:literal} "
        "WHERE {where:literal} LIKE '{prefix:like}%' AND CreatedDate >= {since:literal}",
        fields=", ".join(question.fields),
        object=question.object,
        where=question.where,
        prefix=prefix,
        since=since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    for row in _rows(read, _address(version, soql)):
        yield _folded(row)


def find_by_key(
    read: Read, version: str, object_name: str, key_field: str, keys: Collection[str]
) -> dict[str, list[str]]:
    """Give the ids of the records that have one of the keys, by the key as Salesforce spells it.

    Raises: any `ConnectorError` when Salesforce cannot tell.
    """
    question = Question(object=object_name, fields=("Id", key_field), where=key_field)
    found: dict[str, list[str]] = {}
    for row in select(read, version, question, keys):
        found.setdefault(text_in(row, key_field), []).append(text_in(row, "Id"))
    return found


def find_by_id(read: Read, version: str, object_name: str, record_id: str) -> str | None:
    """Give the id as Salesforce spells it; None when there is no such record, or it can be no id at all.

    Raises: any `ConnectorError` when Salesforce cannot tell.
    """
    if _ID.fullmatch(record_id) is None:
        return None  # a query with it would be refused as a whole
    question = Question(object=object_name, fields=("Id",), where="Id")
    found = [text_in(row, "Id") for row in select(read, version, question, [record_id])]
    return found[0] if found else None


def text_in(row: Row, path: str) -> str:
    """Give the text at a path such as `Invoice__r.Docflo_Id__c`.

    Raises: UnexpectedResponseError when there is none.
    """
    *relationships, name = path.lower().split(".")
    for relationship in relationships:
        row = _folded(expected(row.get(relationship), dict, f"query result {path}"))
    return expected(row.get(name), str, f"query result {path}")


def _folded(row: Row) -> Row:
    return {name.lower(): value for name, value in row.items()}


def _queries(version: str, question: Question, values: Collection[str]) -> Iterator[str]:
    soql = format_soql(
        "SELECT {fields:literal} FROM {object:literal} WHERE {where:literal} IN (",
        fields=", ".join(question.fields),
        object=question.object,
        where=question.where,
    )
    head = _address(version, soql)
    batch: list[str] = []
    length = bare = len(head) + 1
    for value in dict.fromkeys(values):
        written = _in_address(quote_soql_value(value))
        longer = len(written) + 1
        if batch and length + longer > _LONGEST_QUERY:
            yield f"{head}{','.join(batch)})"
            batch, length = [], bare
        batch.append(written)
        length += longer
    if batch:
        yield f"{head}{','.join(batch)})"


def _address(version: str, soql: str) -> str:
    return f"/services/data/v{version}/query?q={_in_address(soql)}"


def _in_address(text: str) -> str:
    # What a query may hold as it is (RFC 3986, 3.4) makes addresses shorter. Those without any "%" are not
    # looked at letter by letter on their way, three times.
    return quote_plus(text, safe="':,()")


def _rows(read: Read, path: str) -> Iterator[Row]:
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
