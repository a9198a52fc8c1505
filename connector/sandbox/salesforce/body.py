"""From a request's body to a row's values: fields known and writeable, types right, references resolved."""

from collections.abc import Mapping
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.ids import CASE_SENSITIVE_LENGTH, full_id
from connector.sandbox.salesforce.row_keys import Row
from connector.sandbox.salesforce.schema import RECORD_TYPE_ID, Field, ObjectType, Schema
from connector.sandbox.salesforce.store import Store
from connector.sandbox.salesforce.values import ValueRefusedError, stored_value, wrong_type

ATTRIBUTES = "attributes"
NO_BODY = "The HTTP entity body is required, but this request has no entity body"


def read_for_insert(schema: Schema, store: Store, found: ObjectType, body: object) -> dict[str, Any]:
    """Give the values of a new row.

    Raises: ApiError with everything wrong that Salesforce would report together.
    """
    fields = _named_fields(found, body)
    if any(field.name == "Id" for field, _ in fields):
        message = "cannot specify Id in an insert call"
        raise errors.ApiError(400, [errors.entry("INVALID_FIELD_FOR_INSERT_UPDATE", message, "Id")])
    _refuse_unwriteable([field for field, _ in fields if not field.createable])
    values = _default_record_type(found) | _stored(schema, store, fields)
    _require([field for field in found.required if values.get(field.name) is None])
    _check_references(schema, store, found, values)
    return values


def read_for_update(schema: Schema, store: Store, found: ObjectType, body: object) -> dict[str, Any]:
    """Give the values that an update sets; the rest stays. A detail's master cannot be named here."""
    fields = _named_fields(found, body)
    if any(field.name == "Id" for field, _ in fields):
        raise errors.field_in_body("Id")
    _refuse_unwriteable([field for field, _ in fields if not field.updateable])
    values = _stored(schema, store, fields)
    _require([field for field in found.required if values.get(field.name, "") is None])
    _check_references(schema, store, found, values)
    return values


def body_without_key(body: object, key: Field) -> Mapping[str, Any]:
    """Give an upsert's body, known to be an object that does not repeat the external id of its address.

    Raises: ApiError 400 INVALID_FIELD when it does.
    """
    if not isinstance(body, dict):
        raise errors.json_unreadable(NO_BODY)
    if any(name.lower() == key.name.lower() for name in body):
        raise errors.field_in_body(key.name)
    return body


def check_unique(store: Store, found: ObjectType, values: Mapping[str, Any], own_id: str | None) -> None:
    """Refuse a value that another row has in a unique field.

    Raises: ApiError 400 DUPLICATE_VALUE naming the other row.
    """
    for field in found.unique:
        value = values.get(field.name)
        if value is None:
            continue
        others = [row["Id"] for row in store.find(found, field, value) if row["Id"] != own_id]
        if others:
            raise errors.duplicate(field.name, others[0][:CASE_SENSITIVE_LENGTH])


def _named_fields(found: ObjectType, body: object) -> list[tuple[Field, Any]]:
    """Pair each entry of the body with its field; a relationship's entry keeps its nested object."""
    if not isinstance(body, dict):
        raise errors.json_unreadable(NO_BODY)
    named: dict[str, tuple[Field, Any]] = {}
    for name, value in body.items():
        if name == ATTRIBUTES:
            continue
        field = found.field(name)
        if field is None:
            field, value = _by_relationship(found, name, value)  # noqa: PLW2901 the same entry, read as a reference
        if field.name in named and field.reference_to:
            message = (
                f"Cannot specify both an external ID reference {field.relationship_name} "
                f"and a salesforce id, {field.name}"
            )
            raise errors.invalid_field(message)
        named[field.name] = (field, value)
    return list(named.values())


def _by_relationship(found: ObjectType, name: str, value: object) -> tuple[Field, Any]:
    field = found.relationship(name)
    if field is None:
        raise errors.no_such_column(name, found.name)
    if value is not None and not isinstance(value, dict):
        raise wrong_type("sobject", value)
    return field, value


def _stored(schema: Schema, store: Store, fields: list[tuple[Field, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    refused: list[errors.Entry] = []
    for field, value in fields:
        try:
            if field.reference_to and isinstance(value, dict):
                values[field.name] = _referenced_id(schema, store, field, value)
            else:
                values[field.name] = stored_value(field, value)
        except ValueRefusedError as error:
            refused.append(error.entry)
    if refused:
        raise errors.ApiError(400, refused)
    return values


def _referenced_id(schema: Schema, store: Store, field: Field, reference: Mapping[str, Any]) -> str:
    """Find the record that `{"Tax_Id__c": "51"}` means: exactly one field, an external id."""
    names = [name for name in reference if name != ATTRIBUTES]
    if len(names) != 1:
        message = f"The reference {field.relationship_name} must name exactly one external ID field"
        raise errors.invalid_field(message)
    target = _target(schema, field)
    key = target.field(names[0])
    if key is None or not (key.external_id or key.id_lookup):
        message = (
            f"Field name provided, {names[0]} does not match an External ID, Salesforce Id, "
            f"or indexed field for {target.name}"
        )
        raise errors.invalid_field(message)
    value = stored_value(key, reference[names[0]]) if key.type != "id" else full_id(str(reference[names[0]]))
    rows = _rows_with(store, target, key, value)
    if not rows:
        raise errors.parent_not_found(value, key.name, target.name)
    if len(rows) > 1:
        raise errors.invalid_field(
            f"More than one record found for external id field: {[row['Id'] for row in rows]}"
        )
    return str(rows[0]["Id"])


def _rows_with(store: Store, target: ObjectType, key: Field, value: str | None) -> tuple[Row, ...]:
    if value is None:
        return ()
    if key.type != "id":
        return store.find(target, key, value)
    row = store.get(target, value)
    return () if row is None else (row,)


def _check_references(schema: Schema, store: Store, found: ObjectType, values: Mapping[str, Any]) -> None:
    for field in found.references:
        record_id = values.get(field.name)
        if record_id is None:
            continue
        if field.name == RECORD_TYPE_ID:
            _check_record_type(found, record_id)
            continue
        target = _target(schema, field) if field.reference_to else _owner(schema, field, record_id)
        if not record_id.startswith(target.key_prefix):
            message = f"{field.label}: id value of incorrect type: {record_id}"
            raise errors.ApiError(400, [errors.entry("FIELD_INTEGRITY_EXCEPTION", message, field.name)])
        if store.was_deleted(record_id):
            raise errors.ApiError(400, [errors.entry("ENTITY_IS_DELETED", "entity is deleted")])
        if store.get(target, record_id) is None:
            raise errors.no_such_reference()


def _owner(schema: Schema, field: Field, record_id: str) -> ObjectType:
    """Give the object that an id belongs to, for a reference that may lead to any."""
    target = next((target for target in schema if record_id.startswith(target.key_prefix)), None)
    if target is None:
        message = f"{field.label}: id value of incorrect type: {record_id}"
        raise errors.ApiError(400, [errors.entry("FIELD_INTEGRITY_EXCEPTION", message, field.name)])
    return target


def _default_record_type(found: ObjectType) -> dict[str, Any]:
    default = next((kind.record_type_id for kind in found.record_types if kind.is_default), None)
    return {RECORD_TYPE_ID: default} if default else {}


def _check_record_type(found: ObjectType, record_type_id: str) -> None:
    if not any(kind.record_type_id == record_type_id and kind.available for kind in found.record_types):
        message = f"Record Type ID: this ID value isn't valid for the user: {record_type_id}"
        raise errors.ApiError(400, [errors.entry("INVALID_CROSS_REFERENCE_KEY", message, RECORD_TYPE_ID)])


def _target(schema: Schema, field: Field) -> ObjectType:
    target = schema.find(field.reference_to)
    if target is None:
        message = "insufficient access rights on cross-reference id"
        raise errors.ApiError(400, [errors.entry("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", message)])
    return target


def _refuse_unwriteable(fields: list[Field]) -> None:
    if fields:
        raise errors.not_writeable([field.name for field in fields])


def _require(fields: list[Field]) -> None:
    if fields:
        raise errors.required_missing([field.name for field in fields])
