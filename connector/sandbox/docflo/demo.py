"""The documents of the demo: two hundred to carry over, four of which cannot go, and some to leave alone."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from connector.sandbox.docflo.document import Fields, SandboxDocument, settled
from connector.sandbox.docflo.fields import field
from connector.sandbox.docflo.generate import generate_documents

DEMO_SEED = "demo"
APPROVED_INVOICES = 200
UNKNOWN_CURRENCY = "XQX"

_LEFT_ALONE = (
    ("invoice", "REQUIRES_VALIDATION", 8),
    ("invoice", "ANALYZED", 6),
    ("invoice", "PROCESSING", 4),
    ("invoice", "FAILED", 4),
    ("invoice", "CONFIRMED", 6),
    ("purchaseOrder", "APPROVED", 6),
    ("receipt", "APPROVED", 6),
)


def demo_documents(
    now: datetime, seed: object = DEMO_SEED, *, invoices: int = APPROVED_INVOICES
) -> list[SandboxDocument]:
    """Give approved invoices over the last 20 days, 200 unless told, and 40 documents nobody should touch.

    Of the invoices two have no total (once the field is missing, once its value) and two an unknown currency.
    """
    approved = generate_documents(invoices, seed=seed, now=now)
    spoiled = {
        34: _without_total,
        71: _with_null_total,
        112: _in_unknown_currency,
        165: _in_unknown_currency,
    }
    for of_200, spoil in spoiled.items():
        place = of_200 * invoices // APPROVED_INVOICES
        approved[place] = replace(approved[place], fields=spoil(approved[place].fields))
    others = [
        document
        for kind, status, count in _LEFT_ALONE
        for document in generate_documents(count, seed=seed, now=now, kind=kind, status=status)
    ]
    return sorted((*approved, *others), key=lambda document: document.created_on)


def documents_without_total(documents: Iterable[SandboxDocument]) -> tuple[str, ...]:
    """Give the ids of approved invoices that have no total."""
    return tuple(document.id for document in _approved(documents) if _total(document.fields) is None)


def documents_without_known_currency(documents: Iterable[SandboxDocument]) -> tuple[str, ...]:
    """Give the ids of approved invoices whose currency no one knows."""
    return tuple(
        document.id
        for document in _approved(documents)
        if (_total(document.fields) or {}).get("currencyCode") == UNKNOWN_CURRENCY
    )


def _approved(documents: Iterable[SandboxDocument]) -> Iterable[SandboxDocument]:
    approved = settled("APPROVED")
    return (
        document for document in documents if document.type == "invoice" and document.timeline == approved
    )


def _total(fields: Fields) -> Mapping[str, Any] | None:
    value: Mapping[str, Any] | None = fields.get("InvoiceTotal", {}).get("value")
    return value


def _without_total(fields: Fields) -> Fields:
    return {name: value for name, value in fields.items() if name != "InvoiceTotal"}


def _with_null_total(fields: Fields) -> Fields:
    total = fields["InvoiceTotal"]
    return {**fields, "InvoiceTotal": field(total["type"], None, total["confidence"])}


def _in_unknown_currency(value: Any) -> Any:  # noqa: ANN401 any JSON
    match value:
        case {"currencyCode": _}:
            return {**value, "currencyCode": UNKNOWN_CURRENCY}
        case dict():
            return {name: _in_unknown_currency(inner) for name, inner in value.items()}
        case list():
            return [_in_unknown_currency(inner) for inner in value]
        case _:
            return value
