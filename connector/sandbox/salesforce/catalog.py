"""The objects this org is set up with: accounts, and the three documents with their lines."""

from collections.abc import Sequence

from connector.sandbox.salesforce.file_objects import file_objects
from connector.sandbox.salesforce.schema import Field, FieldType, ObjectType

CURRENCIES = ("EUR", "USD", "GBP", "ILS", "JPY", "KWD", "CHF")
LONG_TEXT = 32_768


def standard_objects(currencies: Sequence[str] = CURRENCIES) -> tuple[ObjectType, ...]:
    """Give the org's objects. The first currency is the corporate one."""
    currency = _currency(currencies)
    return (
        _account(currency),
        _document("Invoice__c", "Invoice", "INV", "a01", (*_invoice_fields(), currency, *_totals())),
        _line("Invoice", "ILN", "a02", currency),
        _document(
            "Purchase_Order__c", "Purchase Order", "PO", "a03", (*_order_fields(), currency, *_totals())
        ),
        _line("Purchase_Order", "PLN", "a04", currency),
        _document("Receipt__c", "Receipt", "RCP", "a05", (*_receipt_fields(), currency, *_totals())),
        _line("Receipt", "RLN", "a06", currency),
        *file_objects(system_fields(), key("Docflo_File_Key__c", "Docflo File Key", 255)),
    )


def _account(currency: Field) -> ObjectType:
    name = Field(
        name="Name", label="Account Name", type="string", length=255, nillable=False, name_field=True
    )
    return ObjectType(
        name="Account",
        label="Account",
        label_plural="Accounts",
        key_prefix="001",
        fields=(*system_fields(), name, key("Tax_Id__c", "Tax Id", 40), currency),
    )


def _document(name: str, label: str, numbers: str, prefix: str, fields: tuple[Field, ...]) -> ObjectType:
    return ObjectType(
        name=name,
        label=label,
        label_plural=f"{label}s",
        key_prefix=prefix,
        fields=(
            *system_fields(),
            auto_number(label, numbers),
            key("Docflo_Id__c", "Docflo Id", 255),
            *fields,
        ),
    )


def _line(parent: str, numbers: str, prefix: str, currency: Field) -> ObjectType:
    label = f"{parent.replace('_', ' ')} Line"
    return ObjectType(
        name=f"{parent}_Line__c",
        label=label,
        label_plural=f"{label}s",
        key_prefix=prefix,
        fields=(
            *system_fields(),
            auto_number(label, numbers),
            key("Docflo_Key__c", "Docflo Key", 255),
            master(parent),
            currency,
            long_text("Description__c", "Description"),
            text("Product_Code__c", "Product Code", 80),
            number("Quantity__c", "Quantity", 4),
            text("Unit__c", "Unit", 40),
            number("Unit_Price__c", "Unit Price", 6),
            number("Tax__c", "Tax", 4),
            number("Amount__c", "Amount", 4),
        ),
    )


def _invoice_fields() -> tuple[Field, ...]:
    return (
        text("Number__c", "Number", 80),
        text("Vendor_Name__c", "Vendor Name", 255),
        text("Vendor_Tax_Id__c", "Vendor Tax Id", 40),
        Field(
            name="Vendor__c",
            label="Vendor",
            type="reference",
            length=18,
            reference_to="Account",
            relationship_name="Vendor__r",
            locks_target=True,
        ),
        _date("Date__c", "Date"),
        _date("Due_Date__c", "Due Date"),
        text("PO_Number__c", "PO Number", 80),
        long_text("Notes__c", "Notes"),
    )


def _order_fields() -> tuple[Field, ...]:
    return (
        text("Number__c", "Number", 80),
        text("Vendor_Name__c", "Vendor Name", 255),
        text("Vendor_Tax_Id__c", "Vendor Tax Id", 40),
        _date("Date__c", "Date"),
        _date("Delivery_Date__c", "Delivery Date"),
    )


def _receipt_fields() -> tuple[Field, ...]:
    return (
        text("Merchant_Name__c", "Merchant Name", 255),
        _date("Date__c", "Date"),
        text("Category__c", "Category", 80),
    )


def _totals() -> tuple[Field, ...]:
    return (
        number("Subtotal__c", "Subtotal", 4),
        number("Tax__c", "Tax", 4),
        number("Total__c", "Total", 4),
    )


def system_fields() -> tuple[Field, ...]:
    """Give the fields that every object has."""
    return (
        _read_only("Id", "Record ID", "id", length=18, id_lookup=True),
        _read_only("IsDeleted", "Deleted", "boolean"),
        _read_only("CreatedDate", "Created Date", "datetime"),
        _read_only("LastModifiedDate", "Last Modified Date", "datetime"),
        _read_only("SystemModstamp", "System Modstamp", "datetime"),
    )


def _read_only(name: str, label: str, kind: FieldType, *, length: int = 0, id_lookup: bool = False) -> Field:
    return Field(
        name=name,
        label=label,
        type=kind,
        length=length,
        nillable=False,
        createable=False,
        updateable=False,
        defaulted_on_create=True,
        id_lookup=id_lookup,
    )


def auto_number(label: str, numbers: str) -> Field:
    """Give the name that the org makes up for every record."""
    return Field(
        name="Name",
        label=f"{label} No.",
        type="string",
        length=80,
        nillable=False,
        createable=False,
        updateable=False,
        defaulted_on_create=True,
        id_lookup=True,
        name_field=True,
        number_format=numbers + "-{:08d}",
    )


def key(name: str, label: str, length: int) -> Field:
    """Give a field that records are upserted by."""
    return Field(
        name=name, label=label, type="string", length=length, unique=True, external_id=True, id_lookup=True
    )


def master(parent: str) -> Field:
    """Give a detail's reference to its master, fixed once it is set."""
    return Field(
        name=f"{parent}__c",
        label=parent.replace("_", " "),
        type="reference",
        length=18,
        nillable=False,
        updateable=False,
        reference_to=f"{parent}__c",
        relationship_name=f"{parent}__r",
        is_master=True,
    )


def _currency(currencies: Sequence[str]) -> Field:
    return Field(
        name="CurrencyIsoCode",
        label="Currency ISO Code",
        type="picklist",
        length=3,
        nillable=False,
        defaulted_on_create=True,
        default=currencies[0],
        picklist=tuple(currencies),
    )


def text(name: str, label: str, length: int) -> Field:
    """Give a field for text."""
    return Field(name=name, label=label, type="string", length=length)


def long_text(name: str, label: str) -> Field:
    """Give a field for text that can be neither filtered nor sorted by."""
    return Field(name=name, label=label, type="textarea", length=LONG_TEXT)


def number(name: str, label: str, scale: int) -> Field:
    """Give a field for numbers."""
    return Field(name=name, label=label, type="double", precision=18, scale=scale)


def _date(name: str, label: str) -> Field:
    return Field(name=name, label=label, type="date")
