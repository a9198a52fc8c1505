"""Document types and the fields each may have: what Docflo checks edits against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

DATA_TYPES = (
    "string",
    "boolean",
    "number",
    "currency",
    "date",
    "object",
    "array",
    "address",
    "prompt",
    "country",
    "list",
    "dynamic_list",
)

DOCUMENT_TYPES = (
    "invoice",
    "receipt",
    "contract",
    "payStub",
    "unclassified",
    "carLicense",
    "idDocument",
    "check",
    "bankStatement",
    "creditCard",
    "incoInvoice4",
    "purchaseOrder",
    "financialReportIL",
    "bankStatement.us",
    "freightInvoice",
    "creditCardStatement",
    "goodsReceipt",
    "deliveryInvoice",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSchema:
    """One field of a document type; `fields` are those of a row."""

    name: str
    type: str
    fields: tuple["FieldSchema", ...] = ()
    visible: bool = True
    extraction_method: str = "ai"
    extraction_settings: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Give the field as `types/{type}` shows it."""
        return {
            "name": self.name,
            "type": self.type,
            "visible": self.visible,
            "extractionMethod": self.extraction_method,
            "extractionSettings": dict(self.extraction_settings),
            "fields": [inner.as_json() for inner in self.fields],
        }


TypeSchema: TypeAlias = Mapping[str, FieldSchema]


def _rows(**types: str) -> FieldSchema:
    return FieldSchema(
        name="Items",
        type="array",
        fields=tuple(FieldSchema(name=name, type=kind) for name, kind in types.items()),
    )


def _type_schema(items: FieldSchema, *custom: FieldSchema, **types: str) -> TypeSchema:
    extracted = (FieldSchema(name=name, type=kind) for name, kind in types.items())
    return {entry.name: entry for entry in (*extracted, items, *custom)}


def _custom(name: str, kind: str) -> FieldSchema:
    return FieldSchema(name=name, type=kind, extraction_method="manual")


_LINE = {
    "Description": "string",
    "Quantity": "number",
    "Unit": "string",
    "UnitPrice": "currency",
    "ProductCode": "string",
    "Tax": "currency",
    "Amount": "currency",
}

ENABLED_TYPES: Mapping[str, TypeSchema] = {
    "invoice": _type_schema(
        _rows(**_LINE),
        _custom("ErpId", "string"),
        _custom("ErpUrl", "string"),
        _custom("SyncedOn", "date"),
        _custom("SyncError", "string"),
        VendorName="string",
        VendorTaxId="string",
        InvoiceId="string",
        InvoiceDate="date",
        DueDate="date",
        PurchaseOrder="string",
        SubTotal="currency",
        TotalTax="currency",
        InvoiceTotal="currency",
    ),
    "purchaseOrder": _type_schema(
        _rows(**_LINE),
        VendorName="string",
        VendorTaxId="string",
        PurchaseOrder="string",
        OrderDate="date",
        DueDate="date",
        SubTotal="currency",
        TotalTax="currency",
        OrderTotal="currency",
    ),
    "receipt": _type_schema(
        _rows(Description="string", Quantity="number", UnitPrice="currency", Amount="currency"),
        MerchantName="string",
        TransactionDate="date",
        SubTotal="currency",
        TotalTax="currency",
        Total="currency",
    ),
}
"""The types a new sandbox has enabled. The names follow the models Docflo's defaults descend from."""
