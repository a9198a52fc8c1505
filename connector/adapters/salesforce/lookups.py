"""Values that mappings ask the org for, such as the id of a vendor with a tax number. Reads only."""

from collections.abc import Callable, Mapping, Sequence

from connector.adapters.salesforce.describe import ObjectShape
from connector.adapters.salesforce.keys import fold
from connector.adapters.salesforce.soql import Question, Read, Row, select
from connector.errors import UnexpectedResponseError
from connector.record import TargetQuery


def answer(
    read: Read, version: str, queries: Sequence[TargetQuery], shape_of: Callable[[str], ObjectShape | None]
) -> Mapping[TargetQuery, tuple[str, ...]]:
    """Give the wanted values of each query, with as few requests as the longest address allows.

    Raises: any `ConnectorError` when Salesforce cannot tell.
    """
    groups: dict[tuple[str, str, str], list[TargetQuery]] = {}
    for query in queries:
        groups.setdefault((query.object, query.field, query.wanted), []).append(query)
    found: dict[TargetQuery, tuple[str, ...]] = {}
    for (object_name, field, wanted), members in groups.items():
        shape = shape_of(object_name)
        question = Question(object=object_name, fields=tuple(dict.fromkeys((field, wanted))), where=field)
        rows = list(select(read, version, question, [query.value for query in members]))
        for query in members:
            key = fold(query.value, field, shape)
            same = [row for row in rows if fold(_text(row, field) or "", field, shape) == key]
            found[query] = tuple(text for row in same if (text := _text(row, wanted)) is not None)
    return found


def _text(row: Row, name: str) -> str | None:
    value = row.get(name.lower())
    if isinstance(value, dict | list):
        raise UnexpectedResponseError(f"query result {name}: expected a single value")
    return None if value is None or value == "" else str(value)
