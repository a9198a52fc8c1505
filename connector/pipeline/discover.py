"""From Docflo's listing into the ledger: what there is, and how far we have looked.

A listing is read to its end before anything in it is worked on, and its rows are stored in one transaction
with the checkpoint. Nothing is delivered here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import product

import structlog

from connector.clock import Clock
from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.document import Document, PlainValue, plain_fields
from connector.ledger.delivery import Checkpoint, Found, Headline
from connector.ledger.listing import Listed
from connector.ledger.store import Store
from connector.pipeline.definition import Pipeline

log = structlog.get_logger(__name__)

MAX_PAGES = 10_000  # a guard against a server that never ends its list


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """What one listing brought."""

    pipeline: str
    matched: int  # documents that the pipeline wants
    listed: Listed


def discover(pipeline: Pipeline, docflo: DocfloClient, store: Store, *, clock: Clock) -> Discovered:
    """List what was created since the checkpoint less `lookback`, and store it with the new checkpoint.

    Raises: what the client raises; then nothing is stored and the checkpoint stays where it was.
    """
    checkpoint = store.checkpoint(pipeline.name)
    start = pipeline.since
    if checkpoint is not None and checkpoint.listed_until is not None:
        start = max(start, checkpoint.listed_until - pipeline.lookback)
    return _list_from(start, pipeline, docflo, store, clock)


def sweep(pipeline: Pipeline, docflo: DocfloClient, store: Store, *, clock: Clock) -> Discovered:
    """List everything since `pipeline.since`: finds what was approved long after it was created."""
    return _list_from(pipeline.since, pipeline, docflo, store, clock)


def _list_from(
    start: datetime, pipeline: Pipeline, docflo: DocfloClient, store: Store, clock: Clock
) -> Discovered:
    # Taken before the first request: a document created while we list belongs to the next listing.
    began = clock()
    documents = tuple(_listing(start, pipeline, docflo))
    found = tuple(found_document(document, pipeline) for document in documents)
    checkpoint = Checkpoint(pipeline=pipeline.name, listed_until=began, moved_at=clock())
    listed = store.record_listing(pipeline.name, found, checkpoint)
    log.info(
        "discover.listed",
        pipeline=pipeline.name,
        created_from=start.isoformat(),
        matched=len(found),
        new=listed.new,
        changed=listed.changed,
    )
    return Discovered(pipeline=pipeline.name, matched=len(found), listed=listed)


def _listing(start: datetime, pipeline: Pipeline, docflo: DocfloClient) -> Iterator[Document]:
    """Give each wanted document once, with its fields."""
    seen: set[str] = set()
    for type_, status in product(pipeline.types, pipeline.statuses):
        query = DocumentQuery(type=type_, status=status, created_from=start, include_results=True)
        for document in _pages(query, docflo):
            if document.id in seen or not _is_wanted(document, pipeline):
                continue
            seen.add(document.id)
            yield document if document.has_fields else docflo.document(document.id)


def _pages(query: DocumentQuery, docflo: DocfloClient) -> Iterator[Document]:
    """Read page after page until one is empty or holds nothing new. A short page ends nothing."""
    seen: set[str] = set()
    skip = 0
    for _ in range(MAX_PAGES):
        page = docflo.list_documents(query.page(skip))
        fresh = [document for document in page.documents if document.id not in seen]
        if not fresh:
            return
        seen.update(document.id for document in fresh)
        # By rows received, not by rows asked for: a server may cap a page silently.
        skip += len(page.documents)
        yield from fresh


def _is_wanted(document: Document, pipeline: Pipeline) -> bool:
    """Judge again what the query asked for: a server may ignore a filter it does not know."""
    if document.status is not None and document.status not in pipeline.statuses:
        return False
    if document.type is not None and document.type not in pipeline.types:
        return False
    return document.created_on is None or document.created_on >= pipeline.since


def found_document(document: Document, pipeline: Pipeline) -> Found:
    """Give a document as the ledger takes it."""
    return Found(
        document_id=document.id,
        document_type=document.type,
        digest=digest(document, ignoring=pipeline.own_fields),
        snapshot=document.raw,
        created_on=document.created_on,
        headline=headline(document),
    )


def digest(document: Document, *, ignoring: frozenset[str]) -> str:
    """Give the fingerprint of what the document says, without the fields that this connector writes.

    Confidences, the order of keys and trailing zeros do not count: they change without anybody's edit.
    """
    content = {name: value for name, value in plain_fields(document).items() if name not in ignoring}
    return sha256(f"{document.type}\n{_canonical(content)}".encode()).hexdigest()


def _canonical(value: PlainValue) -> str:
    match value:
        case Mapping():
            return "{" + ",".join(f"{key!r}:{_canonical(value[key])}" for key in sorted(value)) + "}"
        case tuple():
            return "[" + ",".join(_canonical(inner) for inner in value) + "]"
        case Decimal() if value.is_finite():
            return _plain_number(value)
        case bool():
            return str(value)
        case int():
            return _plain_number(Decimal(value))
        case _:
            return repr(value)


def _plain_number(value: Decimal) -> str:
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    stripped = text.rstrip("0")
    if not stripped or not isinstance(exponent, int):
        return "0"
    # Digits and exponent rather than plain notation: 1E+999999 must not become a megabyte of zeros.
    return f"{'-' if sign else ''}{stripped}e{exponent + len(text) - len(stripped)}"


# The names of Docflo's default models; a tenant with other names sees blanks in lists, nothing more.
_NUMBER = ("InvoiceId", "PurchaseOrder", "ReceiptNumber", "DocumentNumber")
_PARTY = ("VendorName", "MerchantName", "CustomerName")
_AMOUNT = ("InvoiceTotal", "OrderTotal", "Total", "AmountDue")
_DATE = ("InvoiceDate", "OrderDate", "TransactionDate", "Date")


def headline(document: Document) -> Headline:
    """Give what a person recognises the document by, where the usual fields are there."""
    fields = plain_fields(document)
    amount, currency = _money(_first(fields, _AMOUNT))
    return Headline(
        number=_text(_first(fields, _NUMBER)),
        party=_text(_first(fields, _PARTY)),
        amount=amount,
        currency=currency,
        date=_day(_first(fields, _DATE)),
    )


def _first(fields: Mapping[str, PlainValue], names: tuple[str, ...]) -> PlainValue:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _text(value: PlainValue) -> str | None:
    return str(value)[:255] if isinstance(value, str | int | Decimal) else None


def _money(value: PlainValue) -> tuple[Decimal | None, str | None]:
    match value:
        case {"amount": int() | Decimal() as amount, **rest} if not isinstance(amount, bool):
            code = rest.get("currencyCode")
            return Decimal(amount), code[:10] if isinstance(code, str) else None
        case _:
            return None, None


def _day(value: PlainValue) -> date | None:
    try:
        return date.fromisoformat(value[:10]) if isinstance(value, str) else None
    except ValueError:
        return None
