"""Record types: a field on the objects that have some, and an object in which they can be queried."""

from collections.abc import Iterable
from dataclasses import replace

from connector.sandbox.salesforce.catalog import system_fields, text
from connector.sandbox.salesforce.schema import RECORD_TYPE, RECORD_TYPE_ID, Field, ObjectType


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
        *(text(name, name, 80) for name in ("Name", "DeveloperName", "SobjectType")),
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
