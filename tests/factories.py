"""Values for tests, each complete and valid; a test names only what it is about."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connector.document import Document, Field, Row
from connector.ledger.delivery import Failure, Found
from connector.record import Line, Receipt, Record

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass
class HandClock:
    """A clock that a test moves by hand."""

    now: datetime = field(default=NOON)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, by: timedelta) -> None:
        self.now += by


def make_found(document_id: str = "65f0c0ffee0000000000d0c1", **parts: Any) -> Found:
    """Give a document as discovery hands it to the ledger."""
    values = {
        "document_type": "invoice",
        "digest": "digest 1",
        "snapshot": b'{"id": "snapshot 1"}',
        "created_on": NOON - timedelta(days=1),
    }
    return Found(document_id=document_id, **{**values, **parts})


def make_failure(**parts: Any) -> Failure:
    """Give a reason why a delivery is not further."""
    return Failure(
        **{"error_class": "RejectedError", "reason": "the period is closed", "code": "PERIOD", **parts}
    )


def make_receipt(**parts: Any) -> Receipt:
    """Give what a target answers."""
    return Receipt(**{"id": "a01", "url": "https://acme.my.salesforce.com/a01", "created": True, **parts})


def make_line(key: str = "key-1:row-1", **parts: Any) -> Line:
    """Give one line of an invoice record."""
    values = {
        "object": "Invoice_Line__c",
        "key_field": "Docflo_Key__c",
        "key": key,
        "parent_field": "Invoice__c",
        "fields": {"Description__c": "Paper"},
    }
    return Line(**{**values, **parts})


def make_record(key: str = "key-1", **parts: Any) -> Record:
    """Give an invoice record without lines."""
    values = {
        "object": "Invoice__c",
        "key_field": "Docflo_Id__c",
        "key": key,
        "fields": {"Number__c": "R-1"},
    }
    return Record(**{**values, **parts})


def make_document(
    document_id: str = "65f0c0ffee0000000000d0c1", *, fields: Any = None, **parts: Any
) -> Document:
    """Give a document from plain values: dicts are objects, tuples of dicts are rows with their `_id`."""
    values = {
        "type": "invoice",
        "status": "APPROVED",
        "created_on": NOON - timedelta(days=1),
        "fields": {name: Field(value=_field_value(value)) for name, value in (fields or {}).items()},
    }
    return Document(id=document_id, **{**values, **parts})


def _field_value(value: Any) -> Any:
    if isinstance(value, tuple) and value and all(isinstance(entry, dict) for entry in value):
        return tuple(_row(entry) for entry in value)
    return value


def _row(entry: dict[str, Any]) -> Row:
    fields = {name: Field(value=_field_value(inner)) for name, inner in entry.items() if name != "_id"}
    return Row(id=entry.get("_id"), fields=fields)
