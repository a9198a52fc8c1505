"""About how many calls records take, by graphs and by jobs. Pure."""

from collections.abc import Sequence
from math import ceil

from connector.adapters.salesforce.graph import MOST_NODES
from connector.adapters.salesforce.keys import kinds_of
from connector.record import Record, RecordShape, parts

USUAL_LINES = 10
"""Of each kind, where the documents were not read yet."""
_CALLS_OF_A_JOB = 9  # open, upload, close, some looks, the results
_KEYS_OF_A_QUERY = 150


def calls_of_a_load(records: Sequence[Record]) -> int:
    """Give the calls of one load of these records, if none of them is there yet."""
    companions = {companion.object for record in records for companion in record.companions}
    return _of_jobs(len(records), kinds=_kinds(records), companions=len(companions))


def calls_of_graphs(records: Sequence[Record], batch: int) -> int:
    """Give the calls of graphs of these records, so many of them at a time."""
    shares = (records[at : at + batch] for at in range(0, len(records), batch))
    return sum(
        _of_a_batch(len(share), parts=sum(1 for record in share for _ in parts(record)), kinds=_kinds(share))
        for share in shares
    )


def calls_of_documents(
    documents: int, shapes: Sequence[RecordShape], *, batch: int, bulk_from: int | None, bulk_size: int
) -> int:
    """Give the calls of so many documents, each with `USUAL_LINES` lines of each kind, none there yet."""
    kinds = sum(shape.parent_field is not None for shape in shapes)
    companions = sum(shape.is_companion and shape.parent_field is None for shape in shapes)
    each = 1 + companions + USUAL_LINES * kinds

    def by_graphs(count: int) -> int:
        whole, rest = divmod(count, batch)
        return whole * _of_a_batch(batch, parts=batch * each, kinds=kinds) + (
            _of_a_batch(rest, parts=rest * each, kinds=kinds) if rest else 0
        )

    def cheapest(count: int) -> int:
        if bulk_from is None or count < bulk_from:
            return by_graphs(count)
        return min(by_graphs(count), _of_jobs(count, kinds=kinds, companions=companions))

    loads, rest = divmod(documents, bulk_size) if bulk_from is not None else (0, documents)
    return loads * cheapest(bulk_size) + cheapest(rest)


def _of_jobs(documents: int, *, kinds: int, companions: int) -> int:
    return (companions + 1 + kinds + 1) * _CALLS_OF_A_JOB + ceil(documents / _KEYS_OF_A_QUERY)


def _of_a_batch(documents: int, *, parts: int, kinds: int) -> int:
    return ceil(parts / MOST_NODES) + kinds * ceil(documents / _KEYS_OF_A_QUERY)


def _kinds(records: Sequence[Record]) -> int:
    return len({kind for record in records for kind in kinds_of(record)})
