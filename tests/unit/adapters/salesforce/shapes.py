"""Described objects for tests, as Salesforce would answer."""

from typing import Any

from connector.adapters.salesforce.describe import ObjectShape, read_object


def field(name: str, kind: str = "string", **parts: Any) -> dict[str, Any]:
    """Give one field of a describe answer; a test names only what it is about."""
    values = {
        "name": name,
        "type": kind,
        "createable": True,
        "updateable": True,
        "nillable": True,
        "defaultedOnCreate": False,
        "externalId": False,
        "idLookup": False,
        "unique": False,
        "caseSensitive": False,
        "length": 255 if kind == "string" else 0,
        "precision": 0,
        "scale": 0,
        "digits": 0,
        "restrictedPicklist": False,
        "picklistValues": [],
        "referenceTo": [],
        "relationshipName": None,
    }
    return {**values, **parts}


def key(name: str, **parts: Any) -> dict[str, Any]:
    """Give a field that is fit to be a key."""
    return field(name, **{"externalId": True, "idLookup": True, "unique": True, **parts})


def money(name: str, scale: int = 2, precision: int = 18) -> dict[str, Any]:
    """Give a currency field."""
    return field(name, "currency", precision=precision, scale=scale)


def reference(name: str, to: str, relationship: str, **parts: Any) -> dict[str, Any]:
    """Give a field that refers to another object."""
    return field(name, "reference", referenceTo=[to], relationshipName=relationship, **parts)


def described(name: str, *fields: dict[str, Any], **parts: Any) -> dict[str, Any]:
    """Give a describe answer."""
    return {"name": name, "createable": True, "updateable": True, "fields": list(fields), **parts}


PRIORITIES = [{"value": "High", "active": True}, {"value": "Old", "active": False}, {"value": "Low"}]

INVOICE = described(
    "Invoice__c",
    field("Id", "id", createable=False, updateable=False, nillable=False),
    key("Docflo_Id__c"),
    field("Number__c"),
    money("Total__c"),
    field("Priority__c", "picklist", restrictedPicklist=True, picklistValues=PRIORITIES),
    reference("Vendor__c", "Account", "Vendor__r"),
)

LINE = described(
    "Invoice_Line__c",
    key("Docflo_Key__c"),
    field("Description__c"),
    field("Quantity__c", "int", digits=8),
    money("Amount__c"),
    reference("Invoice__c", "Invoice__c", "Invoice__r", updateable=False, nillable=False),
)

ACCOUNT = described("Account", key("Tax_Id__c"), field("Phone__c"), field("Name", nillable=False))

DESCRIBED = {answer["name"]: answer for answer in (INVOICE, LINE, ACCOUNT)}


def shape(answer: dict[str, Any]) -> ObjectShape:
    """Give a describe answer as the adapter reads it."""
    return read_object(answer)


SHAPES = {name: shape(answer) for name, answer in DESCRIBED.items()}
