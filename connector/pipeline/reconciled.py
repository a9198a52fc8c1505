"""A comparison as JSON and as lines of CSV. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from connector.pipeline.comparing import by_kind
from connector.pipeline.reconcile import Reconciliation
from connector.pipeline.sides import Difference
from connector.spreadsheet import MARK, line

COLUMNS = (
    *("pipeline", "kind", "document", "number", "party", "amount", "currency", "date", "key"),
    *("target_ids", "target_amount", "target_currency", "what", "delivery", "state"),
)

CONTENTS = ("number", "party", "amount", "currency", "date", "what")
"""Parts of a difference that tell what a document says."""


def as_json(found: Reconciliation) -> dict[str, Any]:
    """Give it as JSON values; the keys are promised to scripts."""
    return {
        "pipeline": found.pipeline,
        "target": found.target,
        "begin": found.begin,
        "end": found.end,
        "as_of": found.as_of,
        "even": found.is_even,
        "counts": {kind.value: count for kind, count in by_kind(found.compared.differences)},
        "unmapped": found.unmapped,
        "unwanted": found.unwanted,
        "cannot_know": list(found.cannot_know),
        "totals": [asdict(each) for each in found.compared.totals],
        "differences": [_difference(each) for each in found.compared.differences],
    }


def _difference(each: Difference) -> dict[str, Any]:
    return {
        "kind": each.kind.value,
        "what": each.words,
        "document": each.document_id,
        "key": each.key,
        "delivery": each.delivery_id,
        "state": each.state,
        "number": each.headline.number,
        "party": each.headline.party,
        "amount": each.headline.amount if each.values.amount is None else each.values.amount,
        "currency": each.values.currency or each.headline.currency,
        "date": each.values.date or each.headline.date,
        "held": [asdict(held) for held in each.held],
    }


def as_csv(found: Mapping[str, Any]) -> Iterator[str]:
    """Give the differences of `as_json`, a line each."""
    yield MARK + line(COLUMNS)
    for each in found["differences"]:
        held = each["held"]
        first = held[0] if held else {}
        yield line(
            (
                found["pipeline"],
                *(
                    each[name]
                    for name in ("kind", "document", "number", "party", "amount", "currency", "date")
                ),
                each["key"],
                " ".join(one["id"] for one in held),
                first.get("amount"),
                first.get("currency"),
                *(each[name] for name in ("what", "delivery", "state")),
            )
        )
