"""The describe answers: what a caller can learn about objects and fields."""

from typing import Any

from connector.sandbox.salesforce.schema import Field, ObjectType, RecordType, Schema

MASTER_RECORD_TYPE = "012000000000000AAA"
BYTES_PER_CHARACTER = 3
SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "base64": "xsd:base64Binary",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "boolean": "xsd:boolean",
}


def describe_all(schema: Schema, version: str) -> dict[str, Any]:
    """Answer `GET /sobjects`."""
    return {
        "encoding": "UTF-8",
        "maxBatchSize": 200,
        "sobjects": [_summary(found, version) for found in schema],
    }


def describe(schema: Schema, found: ObjectType, version: str) -> dict[str, Any]:
    """Answer `GET /sobjects/X/describe`."""
    return {
        **_summary(found, version),
        "fields": [_field(field) for field in found.fields],
        "childRelationships": _children(schema, found),
        "recordTypeInfos": [
            _record_type(found, kind, version) for kind in (*found.record_types, _master(found))
        ],
    }


def basic(found: ObjectType, version: str) -> dict[str, Any]:
    """Answer `GET /sobjects/X`."""
    return {"objectDescribe": _summary(found, version), "recentItems": []}


def _summary(found: ObjectType, version: str) -> dict[str, Any]:
    address = f"/services/data/{version}/sobjects/{found.name}"
    return {
        "name": found.name,
        "label": found.label,
        "labelPlural": found.label_plural,
        "keyPrefix": found.key_prefix,
        "custom": _is_custom(found.name),
        "createable": found.createable,
        "updateable": found.updateable,
        "deletable": found.deletable,
        "queryable": True,
        "retrieveable": True,
        "urls": {"sobject": address, "describe": f"{address}/describe", "rowTemplate": address + "/{ID}"},
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "length": field.length,
        "byteLength": field.length * BYTES_PER_CHARACTER,
        "precision": field.precision,
        "scale": field.scale,
        "digits": 0,
        "nillable": field.nillable,
        "unique": field.unique,
        "externalId": field.external_id,
        "idLookup": field.id_lookup,
        "caseSensitive": field.case_sensitive,
        "createable": field.createable,
        "updateable": field.updateable,
        "defaultedOnCreate": field.defaulted_on_create,
        "defaultValue": field.default,
        "autoNumber": bool(field.number_format),
        "nameField": field.name_field,
        "calculated": False,
        "custom": _is_custom(field.name),
        "filterable": not field.is_long_text,
        "sortable": not field.is_long_text,
        "restrictedPicklist": bool(field.picklist) and field.restricted,
        "picklistValues": [_choice(value, field) for value in field.picklist],
        "referenceTo": [field.reference_to] if field.reference_to else [],
        "relationshipName": field.relationship_name or None,
        "relationshipOrder": 0 if field.is_master else None,
        "cascadeDelete": field.is_master,
    }


def _choice(value: str, field: Field) -> dict[str, Any]:
    return {
        "active": True,
        "defaultValue": value == field.default,
        "label": value,
        "validFor": None,
        "value": value,
    }


def _children(schema: Schema, found: ObjectType) -> list[dict[str, Any]]:
    return [
        {"childSObject": child.name, "field": field.name, "cascadeDelete": field.is_master}
        for child in schema
        for field in child.fields
        if field.reference_to == found.name
    ]


def _master(found: ObjectType) -> RecordType:
    """Give the record type that every object has; it is the default where there is no other."""
    return RecordType(
        record_type_id=MASTER_RECORD_TYPE,
        developer_name="Master",
        label="Master",
        is_default=not any(kind.is_default for kind in found.record_types),
    )


def _record_type(found: ObjectType, kind: RecordType, version: str) -> dict[str, Any]:
    layout = f"/services/data/{version}/sobjects/{found.name}/describe/layouts/{kind.record_type_id}"
    return {
        "active": True,
        "available": kind.available,
        "defaultRecordTypeMapping": kind.is_default,
        "developerName": kind.developer_name,
        "master": kind.record_type_id == MASTER_RECORD_TYPE,
        "name": kind.label,
        "recordTypeId": kind.record_type_id,
        "urls": {"layout": layout},
    }


def _is_custom(name: str) -> bool:
    return name.endswith("__c")
