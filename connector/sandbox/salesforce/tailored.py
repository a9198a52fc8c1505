"""The standard org, with what somebody writes into objects and fields of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from connector.sandbox.salesforce.catalog import (
    auto_number,
    key,
    long_text,
    master,
    number,
    standard_objects,
    system_fields,
)
from connector.sandbox.salesforce.schema import Field, FieldType, ObjectType


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
    for place, (name, wish) in enumerate(wanted.items()):
        found = objects.get(name) or _bare(name, f"a{place + 10:02}")
        missing = [each for each in _wished(wish) if found.field(each.name) is None]
        objects[name] = replace(found, fields=(*found.fields, *missing))
    return tuple(objects.values())


def _bare(name: str, prefix: str) -> ObjectType:
    fields = (*system_fields(), auto_number(name, "N"))
    return ObjectType(name=name, label=name, label_plural=name, key_prefix=prefix, fields=fields)


def _wished(wish: Wanted) -> tuple[Field, ...]:
    fields = [_typed(name, kind) for name, kind in wish.fields.items() if "." not in name]
    if wish.parent is not None:
        name, parent = wish.parent
        fields.append(
            replace(
                master("Parent"),
                name=name,
                label=name,
                reference_to=parent,
                relationship_name=_related(name),
            )
        )
    return (key(wish.key_field, wish.key_field, 255), *fields)


def _related(name: str) -> str:
    return f"{name.removesuffix('__c')}__r"


def _typed(name: str, kind: FieldType) -> Field:
    match kind:
        case "double":
            return number(name, name, 6)
        case "textarea":
            return long_text(name, name)
        case "boolean":
            return Field(
                name=name, label=name, type=kind, nillable=False, defaulted_on_create=True, default=False
            )
        case _:
            return Field(name=name, label=name, type=kind)
