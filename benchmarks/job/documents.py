"""The invoices of the benchmark, from the generator of the sandbox: 1 to 40 lines, currencies, gaps."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from benchmarks.job.emulator import encode
from connector.sandbox.docflo.document import timestamp
from connector.sandbox.docflo.generate import generate_fields

CONTENTS = 5_000  # different ones; more documents than that repeat them under other ids


@dataclass(slots=True, kw_only=True)
class Invoice:
    """One document as the emulator holds it, and what should be in Salesforce of it."""

    id: str
    created_on: str
    before_status: bytes  # JSON of the row up to its status
    after_status: bytes  # the rest, with its two last braces open
    total: Decimal
    lines: int
    lines_total: Decimal
    status: str = "APPROVED"
    written: bytes = b""  # fields that were set, as JSON members
    record_id: str | None = None  # the id that was written back
    field_writes: int = 0
    status_writes: int = 0
    waited: float | None = None  # seconds from its creation to its last status

    def row(self) -> bytes:
        """Give it as a listing shows it."""
        return b"%b%b%b%b}}" % (self.before_status, self.status.encode(), self.after_status, self.written)


def make_invoices(count: int, *, begin: datetime, step: timedelta) -> list[Invoice]:
    """Give invoices, oldest first, one each `step`."""
    contents = [_content(place, begin) for place in range(min(count, CONTENTS))]
    return [_invoice(place, begin + step * place, contents[place % CONTENTS]) for place in range(count)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Content:
    fields: bytes  # a JSON object without its last brace
    total: Decimal
    lines: int
    lines_total: Decimal


def _content(place: int, moment: datetime) -> _Content:
    fields = generate_fields("invoice", f"benchmark {place}", moment, place)
    amounts = [row["Amount"]["value"]["amount"] for row in fields["Items"]["value"]]
    return _Content(
        fields=encode(fields)[:-1],
        total=fields["InvoiceTotal"]["value"]["amount"],
        lines=len(amounts),
        lines_total=sum(amounts, Decimal()),
    )


def _invoice(place: int, created_on: datetime, content: _Content) -> Invoice:
    identifier = f"{int(created_on.timestamp()):08x}{place:016x}"
    head = {"_id": identifier, "type": "invoice", "name": f"invoice-{place}.pdf", "source": "upload"}
    moment = timestamp(created_on)
    return Invoice(
        id=identifier,
        created_on=moment,
        before_status=encode(head)[:-1] + b',"status":"',
        after_status=f'","createdOn":"{moment}","changedOn":null,"results":'.encode() + content.fields,
        total=content.total,
        lines=content.lines,
        lines_total=content.lines_total,
    )
