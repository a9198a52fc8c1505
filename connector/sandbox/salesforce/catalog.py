"""The objects this org is set up with: accounts, and the three documents with their lines."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from connector.sandbox.salesforce.file_objects import file_objects
from connector.sandbox.salesforce.schema import RECORD_TYPE, RECORD_TYPE_ID, Field, FieldType, ObjectType

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
        *file_objects(system_fields(), _key("Docflo_File_Key__c", "Docflo File Key", 255)),
    )


def with_record_types(objects: Iterable[ObjectType]) -> tuple[ObjectType, ...]:
    """Give the objects with fields for their record types, and beside them the object RecordType."""
    given = tuple(objects)
    if not any(found.record_types for found in given):
        return given
    return (*(_typed_object(found) for found in given), _record_type_object())


def _typed_object(found: ObjectType) -> ObjectType:
    if not found.record_types or found.field(RECORD_TYPE_ID):
        return found
    kind = Field(
        name=RECORD_TYPE_ID,
        label="Record Type ID",
        type="reference",
        length=18,
        defaulted_on_create=True,
        reference_to=RECORD_TYPE,
        relationship_name=RECORD_TYPE,
    )
    return replace(found, fields=(*found.fields, kind))


def _record_type_object() -> ObjectType:
    fields = (
        *system_fields(),
        *(_text(name, name, 80) for name in ("Name", "DeveloperName", "SobjectType")),
    )
    return ObjectType(
        name=RECORD_TYPE,
        label="Record Type",
        label_plural="Record Types",
        key_prefix="012",
        fields=fields,
        createable=False,
        updateable=False,
        deletable=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What somebody writes into an object of their own."""

    key_field: str
    fields: Mapping[str, FieldType] = field(default_factory=dict)
    parent: tuple[str, str] | None = None  # the field that refers to the header, and the header's object


def tailored_objects(wanted: Mapping[str, Wanted]) -> tuple[ObjectType, ...]:
    """Give the org's objects, and beside them every object and field that is wanted and not there.

    Fields with a dot refer to records that nobody has put in: they are left out, and refused when written.
    """
    objects = {found.name: found for found in standard_objects()}
    for number, (name, wish) in enumerate(wanted.items()):
        found = objects.get(name) or _bare(name, f"a{number + 10:02}")
        missing = [each for each in _wished(wish) if found.field(each.name) is None]
        objects[name] = replace(found, fields=(*found.fields, *missing))
    return tuple(objects.values())


def _bare(name: str, prefix: str) -> ObjectType:
    fields = (*system_fields(), _auto_number(name, "N"))
    return ObjectType(name=name, label=name, label_plural=name, key_prefix=prefix, fields=fields)


def _wished(wish: Wanted) -> tuple[Field, ...]:
    fields = [_typed(name, kind) for name, kind in wish.fields.items() if "." not in name]
    if wish.parent is not None:
        name, parent = wish.parent
        fields.append(
            replace(
                _master("Parent"),
                name=name,
                label=name,
                reference_to=parent,
                relationship_name=_related(name),
            )
        )
    return (_key(wish.key_field, wish.key_field, 255), *fields)


def _related(name: str) -> str:
    return f"{name.removesuffix('__c')}__r"


def _typed(name: str, kind: FieldType) -> Field:
    match kind:
        case "double":
            return _number(name, name, 6)
        case "textarea":
            return _long_text(name, name)
        case "boolean":
            return Field(
                name=name, label=name, type=kind, nillable=False, defaulted_on_create=True, default=False
            )
        case _:
            return Field(name=name, label=name, type=kind)


def _account(currency: Field) -> ObjectType:
    name = Field(
        name="Name", label="Account Name", type="string", length=255, nillable=False, name_field=True
    )
    return ObjectType(
        name="Account",
        label="Account",
        label_plural="Accounts",
        key_prefix="001",
        fields=(*system_fields(), name, _key("Tax_Id__c", "Tax Id", 40), currency),
    )


def _document(name: str, label: str, numbers: str, prefix: str, fields: tuple[Field, ...]) -> ObjectType:
    return ObjectType(
        name=name,
        label=label,
        label_plural=f"{label}s",
        key_prefix=prefix,
        fields=(
            *system_fields(),
            _auto_number(label, numbers),
            _key("Docflo_Id__c", "Docflo Id", 255),
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
            _auto_number(label, numbers),
            _key("Docflo_Key__c", "Docflo Key", 255),
            _master(parent),
            currency,
            _long_text("Description__c", "Description"),
            _text("Product_Code__c", "Product Code", 80),
            _number("Quantity__c", "Quantity", 4),
            _text("Unit__c", "Unit", 40),
            _number("Unit_Price__c", "Unit Price", 6),
            _number("Tax__c", "Tax", 4),
            _number("Amount__c", "Amount", 4),
        ),
    )


def _invoice_fields() -> tuple[Field, ...]:
    return (
        _text("Number__c", "Number", 80),
        _text("Vendor_Name__c", "Vendor Name", 255),
        _text("Vendor_Tax_Id__c", "Vendor Tax Id", 40),
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
        _text("PO_Number__c", "PO Number", 80),
        _long_text("Notes__c", "Notes"),
    )


def _order_fields() -> tuple[Field, ...]:
    return (
        _text("Number__c", "Number", 80),
        _text("Vendor_Name__c", "Vendor Name", 255),
        _text("Vendor_Tax_Id__c", "Vendor Tax Id", 40),
        _date("Date__c", "Date"),
        _date("Delivery_Date__c", "Delivery Date"),
    )


def _receipt_fields() -> tuple[Field, ...]:
    return (
        _text("Merchant_Name__c", "Merchant Name", 255),
        _date("Date__c", "Date"),
        _text("Category__c", "Category", 80),
    )


def _totals() -> tuple[Field, ...]:
    return (
        _number("Subtotal__c", "Subtotal", 4),
        _number("Tax__c", "Tax", 4),
        _number("Total__c", "Total", 4),
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


def _auto_number(label: str, numbers: str) -> Field:
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


def _key(name: str, label: str, length: int) -> Field:
    return Field(
        name=name, label=label, type="string", length=length, unique=True, external_id=True, id_lookup=True
    )


def _master(parent: str) -> Field:
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


def _text(name: str, label: str, length: int) -> Field:
    return Field(name=name, label=label, type="string", length=length)


def _long_text(name: str, label: str) -> Field:
    return Field(name=name, label=label, type="textarea", length=LONG_TEXT)


def _number(name: str, label: str, scale: int) -> Field:
    return Field(name=name, label=label, type="double", precision=18, scale=scale)


def _date(name: str, label: str) -> Field:
    return Field(name=name, label=label, type="date")
