"""For any document of the sandbox: amounts keep their digits, dates their days, records their bytes."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.docflo.fields import read_fields
from connector.document import Document
from connector.mapping.apply import apply_mapping
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping
from connector.pipeline.stored_record import write_record
from connector.sandbox.docflo.generate import generate_fields

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
TEXT = """version: 1
document: invoice
record:
  object: Invoice
  key: Key
  fields:
    Total: {from: InvoiceTotal.amount, type: decimal}
    Total_As_It_Is: InvoiceTotal.amount
    Total_Computed: {expr: InvoiceTotal.amount}
    Lines_Total: {expr: sum(i.Amount.amount for i in Items)}
    Lines_Chained: {from: 'Items[].Amount.amount', with: sum}
    Issued: {from: InvoiceDate, type: date}
    Issued_By_Format: {from: InvoiceDate, with: {parse_date: YYYY-MM-DD}}
    Issued_Computed: {expr: date(InvoiceDate)}
    Issued_As_Text: {expr: 'format_date(date(InvoiceDate), "YYYY-MM-DD")'}
  lines:
    - object: Line
      each: Items
      key: Key
      fields:
        Amount: {from: Amount.amount, type: decimal}
        Doubled: {expr: Amount.amount + Amount.amount}
examples:
  - {name: none, document: {}, refused: missing}
"""
ZONES = ("UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Jerusalem", "America/New_York")


@pytest.fixture(scope="module")
def mapping(tmp_path_factory: pytest.TempPathFactory) -> Mapping:
    path = tmp_path_factory.mktemp("purity") / "mapping.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return load_mapping(path)


@pytest.fixture
def zone() -> Iterator[None]:
    """Put the zone back that the test changes."""
    before = os.environ.get("TZ")
    yield
    if before is None:
        os.environ.pop("TZ", None)
    else:
        os.environ["TZ"] = before
    time.tzset()


def document(seed: int) -> tuple[dict[str, Any], Document]:
    raw = generate_fields("invoice", f"seed {seed}", NOON, seed % 500)
    return raw, Document(id="d", type="invoice", status="APPROVED", created_on=NOON, fields=read_fields(raw))


SEEDS = st.integers(min_value=0, max_value=10**9)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_amounts_in_the_record_are_those_of_the_source(mapping: Mapping, seed: int) -> None:
    raw, read = document(seed)

    record = apply_mapping(mapping, read, "key")

    total = raw["InvoiceTotal"]["value"]["amount"]
    amounts = [row["Amount"]["value"]["amount"] for row in raw["Items"]["value"]]
    for name in ("Total", "Total_As_It_Is", "Total_Computed"):
        assert str(record.fields[name]) == str(total)
    assert record.fields["Lines_Total"] == record.fields["Lines_Chained"] == sum(amounts, Decimal(0))
    assert [str(line.fields["Amount"]) for line in record.lines] == [str(amount) for amount in amounts]
    assert [line.fields["Doubled"] for line in record.lines] == [amount * 2 for amount in amounts]


@pytest.mark.parametrize("name", ZONES)
@pytest.mark.usefixtures("zone")
def test_no_zone_of_this_machine_moves_a_date(mapping: Mapping, name: str) -> None:
    os.environ["TZ"] = name
    time.tzset()
    for seed in range(40):
        raw, read = document(seed)
        written = raw["InvoiceDate"]["value"]

        fields = apply_mapping(mapping, read, "key").fields

        issued = date.fromisoformat(written)
        assert fields["Issued"] == fields["Issued_By_Format"] == fields["Issued_Computed"] == issued
        assert fields["Issued_As_Text"] == written


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_the_same_document_gives_the_same_bytes(mapping: Mapping, seed: int) -> None:
    _, one = document(seed)
    _, again = document(seed)

    assert write_record(apply_mapping(mapping, one, "k")) == write_record(apply_mapping(mapping, again, "k"))


@settings(max_examples=50, deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20))
def test_any_amount_is_kept_or_refused_and_never_changed(mapping: Mapping, amount: Decimal) -> None:
    raw, _ = document(1)
    raw["InvoiceTotal"]["value"]["amount"] = amount
    read = Document(id="d", type="invoice", status="APPROVED", created_on=NOON, fields=read_fields(raw))

    if amount.as_tuple().exponent < -60:  # type: ignore[operator]  # finite, so a number
        return
    fields = apply_mapping(mapping, read, "key").fields

    assert str(fields["Total"]) == str(fields["Total_Computed"]) == str(amount)
