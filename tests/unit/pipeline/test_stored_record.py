"""The record in the ledger is the record that was sent, to the last digit."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from connector.pipeline.stored_record import read_record, write_record
from connector.record import LineKind, RecordValue
from tests.factories import make_line, make_record

VALUES = (
    Decimal("12.50"),
    Decimal("1E+5"),
    Decimal("99999999999999.99"),
    10**30,
    True,
    None,
    "",
    "חשבונית \U0001d518",
    date(2026, 3, 2),
    datetime(2026, 3, 2, 12, tzinfo=UTC),
)


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_was(value: RecordValue) -> None:
    line = make_line(fields={"Value__c": value})
    record = make_record(fields={"Value__c": value}, lines=(line,))

    again = read_record(write_record(record))

    assert again == record
    assert type(again.fields["Value__c"]) is type(value)
    assert str(again.fields["Value__c"]) == str(value)


def test_nested_lines_and_companions_come_back() -> None:
    inner = make_line("key-1:a:b", parent_field=None, fields={"Amount__c": Decimal("0.10")})
    line = make_line("key-1:a", lines=(inner,))
    vendor = make_record("vendor", object="Vendor__c", lines=(make_line("vendor:a"),))
    kind = LineKind(object="Tax_Line__c", key_field="Docflo_Key__c", parent_field="Invoice__c")
    record = make_record(lines=(line,), companions=(vendor,), line_kinds=(kind,))

    assert read_record(write_record(record)) == record


def test_a_record_that_an_earlier_version_stored_is_read() -> None:
    stored = (
        b'{"object":"Invoice__c","key_field":"Docflo_Id__c","key":"key-1","fields":{"Number__c":"R-1"},'
        b'"lines":[{"object":"Invoice_Line__c","key_field":"Docflo_Key__c","key":"key-1:row-1",'
        b'"parent_field":"Invoice__c","fields":{"Description__c":"Paper"}}]}'
    )

    assert read_record(stored) == make_record(lines=(make_line(),))
