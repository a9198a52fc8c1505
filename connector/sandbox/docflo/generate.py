"""Documents as varied as real ones, the same for the same seed."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from connector.sandbox.docflo.amounts import Amounts, Line, amounts, every
from connector.sandbox.docflo.document import SOURCES, SandboxDocument, Step, object_id, settled, timestamp
from connector.sandbox.docflo.fields import UNSURE, field, money, rows
from connector.sandbox.docflo.words import COMPANIES, UNITS

REVIEWER = "reviewer"
APPROVERS = ("64b0c0ffee0000000000a001", "64b0c0ffee0000000000a002", "64b0c0ffee0000000000a003")


def generate_documents(
    count: int,
    *,
    seed: object,
    now: datetime,
    kind: str = "invoice",
    status: str = "APPROVED",
    days: int = 20,
    timeline: tuple[Step, ...] | None = None,
) -> list[SandboxDocument]:
    """Give documents of one kind, oldest first, spread over the last `days`.

    Shape: every tenth and the two after it have the same creation time. `timeline` stands in for `status`.
    """
    rng = random.Random(f"{seed}/{kind}/{status}/{count}")
    steps = settled(status) if timeline is None else timeline
    moments = _creation_times(count, now, days, rng)
    return [_document(place, kind, moment, steps, rng) for place, moment in enumerate(moments)]


def generate_fields(kind: str, seed: object, moment: datetime, place: int = 0) -> dict[str, Any]:
    """Give what would be read from one document."""
    build = _BUILDERS.get(kind)
    return build(place, moment, random.Random(f"{seed}/{kind}")) if build else {}


def _creation_times(count: int, now: datetime, days: int, rng: random.Random) -> list[datetime]:
    span = timedelta(days=days) / max(count, 1)
    moments = [_to_the_millisecond(now - (count - place - rng.random()) * span) for place in range(count)]
    return [moments[place - place % 10] if place % 10 in (1, 2) else moments[place] for place in range(count)]


def _to_the_millisecond(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _document(
    place: int, kind: str, moment: datetime, timeline: tuple[Step, ...], rng: random.Random
) -> SandboxDocument:
    fields = _BUILDERS[kind](place, moment, rng)
    number = f"{kind}-{moment:%Y%m%d}-{place + 1:04d}"
    return SandboxDocument(
        id=object_id(moment, rng),
        type=kind,
        name=f"חשבונית {number}.pdf" if every(place, 8, 1) else f"{number}.pdf",
        created_on=moment,
        timeline=timeline,
        fields={} if timeline[-1][1] == "FAILED" else fields,
        source=SOURCES[place % len(SOURCES)],
        favorite=every(place, 12, 0),
        approver_ids=(APPROVERS[place % len(APPROVERS)],),
    )


def _invoice(place: int, moment: datetime, rng: random.Random) -> dict[str, Any]:
    content = amounts(place, rng)
    fields = {
        **_parties(place, rng),
        "InvoiceId": _text(f"INV-{moment:%y%m}-{place + 1:05d}", rng),
        "InvoiceDate": _date(moment - timedelta(days=place % 6), rng),
        "DueDate": _date(None if every(place, 6, 2) else moment + timedelta(days=30), rng),
        **_order_number(place, rng),
        **_totals("InvoiceTotal", content, rng),
        "Items": rows([_row(line, content.currency, rng) for line in content.lines], _sure(rng)),
    }
    if every(place, 5, 3):
        fields["InvoiceTotal"]["confidence"] = UNSURE
        fields["VendorName"]["confidence"] = UNSURE
    if every(place, 13, 6):
        fields["InvoiceId"].update(changedOn=timestamp(moment + timedelta(hours=1)), changedBy=REVIEWER)
    return fields


def _purchase_order(place: int, moment: datetime, rng: random.Random) -> dict[str, Any]:
    content = amounts(place, rng)
    return {
        **_parties(place, rng),
        "PurchaseOrder": _text(f"PO-{place + 4001}", rng),
        "OrderDate": _date(moment, rng),
        "DueDate": _date(moment + timedelta(days=14), rng),
        **_totals("OrderTotal", content, rng),
        "Items": rows([_row(line, content.currency, rng) for line in content.lines], _sure(rng)),
    }


def _receipt(place: int, moment: datetime, rng: random.Random) -> dict[str, Any]:
    content = amounts(place, rng)
    wanted = ("_id", "Description", "Quantity", "UnitPrice", "Amount")
    full = [_row(line, content.currency, rng) for line in content.lines]
    return {
        "MerchantName": _text(COMPANIES[place % len(COMPANIES)], rng),
        "TransactionDate": _date(moment, rng),
        **_totals("Total", content, rng),
        "Items": rows([{name: row[name] for name in wanted} for row in full], _sure(rng)),
    }


_BUILDERS: dict[str, Callable[[int, datetime, random.Random], dict[str, Any]]] = {
    "invoice": _invoice,
    "purchaseOrder": _purchase_order,
    "receipt": _receipt,
}
GENERATED = frozenset(_BUILDERS)
"""Kinds of documents that can be generated."""


def _parties(place: int, rng: random.Random) -> dict[str, Any]:
    vendor = {"VendorName": _text(COMPANIES[place % len(COMPANIES)], rng)}
    if every(place, 9, 7):
        return vendor
    return {**vendor, "VendorTaxId": _text(f"{rng.randint(0, 10**9 - 1):09d}", rng)}


def _order_number(place: int, rng: random.Random) -> dict[str, Any]:
    match place % 4:
        case 0:
            return {}
        case 1:
            return {"PurchaseOrder": _text(None, rng)}
        case _:
            return {"PurchaseOrder": _text(f"PO-{rng.randint(1000, 9999)}", rng)}


def _totals(total: str, content: Amounts, rng: random.Random) -> dict[str, Any]:
    sums = {"SubTotal": content.subtotal, "TotalTax": content.tax, total: content.total}
    return {name: money(amount, content.currency, _sure(rng)) for name, amount in sums.items()}


def _row(line: Line, currency: str, rng: random.Random) -> dict[str, Any]:
    product = {
        "present": {"ProductCode": _text(f"SKU-{rng.randint(1, 99999):05d}", rng)},
        "null": {"ProductCode": _text(None, rng)},
        "missing": {},
    }
    return {
        "_id": f"{rng.getrandbits(96):024x}",
        "Description": _text(line.description, rng),
        "Quantity": field("number", line.quantity, _sure(rng)),
        "Unit": _text(rng.choice((*UNITS, None)), rng),
        "UnitPrice": money(line.unit_price, currency, _sure(rng)),
        **product[rng.choice(("present", "present", "present", "null", "missing"))],
        "Tax": money(line.tax, currency, _sure(rng)),
        "Amount": money(line.amount, currency, _sure(rng)),
    }


def _text(value: str | None, rng: random.Random) -> dict[str, Any]:
    return field("string", value, _sure(rng))


def _date(moment: datetime | None, rng: random.Random) -> dict[str, Any]:
    if moment is None:
        return field("date", None, _sure(rng))
    return field("date", f"{moment:%Y-%m-%d}", _sure(rng), f"{moment:%d/%m/%Y}")


def _sure(rng: random.Random) -> Decimal:
    return Decimal(rng.randint(860, 999)).scaleb(-3)
