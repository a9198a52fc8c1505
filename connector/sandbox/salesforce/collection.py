"""Collections: up to 200 records in one call, each with its own result, kept one by one or all together."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import RecordAddress, key_value
from connector.sandbox.salesforce.options import Options
from connector.sandbox.salesforce.records import Records
from connector.sandbox.salesforce.row_keys import Row, index_key
from connector.sandbox.salesforce.schema import Field, ObjectType, Schema
from connector.sandbox.salesforce.store import Store

MOST_RECORDS = 200
MOST_READ = 2_000
MOST_CHUNKS = 10
NOT_UNIQUE = 300
ROLLED_BACK = (
    "Record rolled back because not all records were valid and the request was using AllOrNone header"
)

Result = dict[str, Any]


class _RolledBackError(Exception):
    pass


class Collections:
    """One user's collections, inside an open transaction."""

    def __init__(self, *, schema: Schema, store: Store, records: Records, options: Options) -> None:
        self._schema = schema
        self._store = store
        self._records = records
        self._options = options

    def answer(self, operation: str, address: RecordAddress, body: object) -> list[Any]:
        """Give a result for each record, in the order of the request.

        Raises: ApiError when the request as a whole is refused.
        """
        match operation:
            case "collection_read":
                return self._read(address, body)
            case "collection_delete":
                ids = _listed(address.query.get("ids", ""))
                is_whole = address.query.get("allOrNone", "").lower() == "true"
                return self._each(ids, self._deleted, is_whole=is_whole)
        records = _records(body)
        is_whole = isinstance(body, dict) and body.get("allOrNone") is True
        match operation:
            case "collection_create":
                return self._each(records, self._created, is_whole=is_whole)
            case "collection_update":
                return self._each(records, self._updated, is_whole=is_whole)
        return self._upserts(address, records, is_whole=is_whole)

    def _upserts(self, address: RecordAddress, records: Sequence[Any], *, is_whole: bool) -> list[Result]:
        found = self._schema.object(address.object_name)
        field = _key_field(found, address.name)
        repeated = _repeated(field, records)

        def upsert(record: Mapping[str, Any]) -> Result:
            if self._type_of(record) is not found:
                raise errors.invalid_input(f"All records must be of the type {found.name}")
            key = _taken(record, field)
            if key is None and field.type != "id":
                message = f"{field.name} not specified"
                raise errors.ApiError(400, [errors.entry("MISSING_ARGUMENT", message, field.name)])
            if key is not None and index_key(field, key) in repeated:
                raise errors.repeated_key(key, field.name)
            record_id, is_new = self._upsert(found, field, key, record)
            return _success(record_id, created=is_new)

        return self._each(records, upsert, is_whole=is_whole)

    def _upsert(
        self,
        found: ObjectType,
        field: Field,
        key: object,
        record: Mapping[str, Any],
    ) -> tuple[str, bool]:
        body = _without(record, field.name)
        if field.type != "id":
            return self._records.upsert(found, field, str(key), body)
        if key is None:
            return self._records.insert(found, body), True
        row = self._row(found, str(key))
        self._records.update(found, row, body)
        return str(row["Id"]), False

    def _created(self, record: Mapping[str, Any]) -> Result:
        return _success(self._records.insert(self._type_of(record), record))

    def _updated(self, record: Mapping[str, Any]) -> Result:
        found = self._type_of(record)
        name = next((name for name in record if name.lower() == "id"), None)
        if name is None or record[name] is None:
            message = "Id not specified in an update call"
            raise errors.ApiError(400, [errors.entry("MISSING_ARGUMENT", message)])
        row = self._row(found, str(record[name]))
        self._records.update(found, row, _without(record, "Id"))
        return _success(row["Id"])

    def _deleted(self, record_id: str) -> Result:
        found = self._owner(record_id)
        row = self._row(found, record_id)
        self._records.delete(found, row)
        return _success(row["Id"])

    def _row(self, found: ObjectType, record_id: str) -> Row:
        """Give a record by id; one that never was has another code here than at its own address."""
        try:
            return self._records.row_with(found, record_id)
        except errors.ApiError as refusal:
            if refusal.body[0]["errorCode"] != "NOT_FOUND":
                raise
            raise errors.no_such_reference() from refusal

    def _owner(self, record_id: str) -> ObjectType:
        found = next((found for found in self._schema if record_id.startswith(found.key_prefix)), None)
        if found is None:
            raise errors.malformed_id(record_id)
        return found

    def _read(self, address: RecordAddress, body: object) -> list[Any]:
        asked = body if isinstance(body, dict) else {}
        ids = asked.get("ids") or _listed(address.query.get("ids", ""))
        fields = asked.get("fields") or [
            name for name in address.query.get("fields", "").split(",") if name.strip()
        ]
        if not fields:
            raise errors.refusal(400, "MALFORMED_QUERY", "At least one field is required")
        if len(ids) > MOST_READ:
            raise _too_many(MOST_READ)
        found = self._schema.object(address.object_name)
        return [self._records.shown(found, record_id, fields) for record_id in ids]

    def _type_of(self, record: Mapping[str, Any]) -> ObjectType:
        found = self._schema.find(_type_name(record))
        if found is None:
            name = _type_name(record)
            raise errors.refusal(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return found

    def _each(self, items: Sequence[Any], act: Callable[[Any], Result], *, is_whole: bool) -> list[Result]:
        results: list[Result] = []
        try:
            with self._store.savepoint():
                results.extend(self._one(item, act) for item in items)
                if is_whole and not all(result["success"] for result in results):
                    raise _RolledBackError  # noqa: TRY301 the way to undo the block
        except _RolledBackError:
            return [self._rolled_back(result) for result in results]
        return results

    def _one(self, item: Any, act: Callable[[Any], Result]) -> Result:  # noqa: ANN401 a record or an id
        try:
            with self._store.savepoint():
                return act(item)
        except errors.ApiError as refusal:
            return {"success": False, "errors": row_errors(refusal)}

    def _rolled_back(self, result: Result) -> Result:
        if not result["success"]:
            return result
        kept = {"id": result["id"]} if self._options.ids_on_rolled_back_rows else {}
        error = {"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": ROLLED_BACK, "fields": []}
        return {**kept, "success": False, "errors": [error]}


def _records(body: object) -> list[Any]:
    records = body.get("records") if isinstance(body, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise errors.json_unreadable("The request must hold a list named records")
    if len(records) > MOST_RECORDS:
        raise _too_many(MOST_RECORDS)
    if sum(1 for _ in groupby(records, _type_name)) > MOST_CHUNKS:
        message = (
            f"Cannot have more than {MOST_CHUNKS} chunks in a single operation. "
            "Please rearrange the data to reduce chunking."
        )
        raise errors.refusal(400, "LIMIT_EXCEEDED", message)
    return records


def _type_name(record: Mapping[str, Any]) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, dict) else None
    if not isinstance(name, str):
        raise errors.invalid_input("Each record must name its type in attributes")
    return name.lower()


def _listed(text: str) -> list[str]:
    ids = [part.strip() for part in text.split(",") if part.strip()]
    if not ids:
        raise errors.refusal(400, "REQUIRED_FIELD_MISSING", "At least 1 Id is required.")
    if len(ids) > MOST_RECORDS:
        raise _too_many(MOST_RECORDS)
    return ids


def _too_many(most: int) -> errors.ApiError:
    message = f"record limit reached. cannot submit more than {most} records into this call"
    return errors.refusal(400, "EXCEEDED_ID_LIMIT", message)


def _key_field(found: ObjectType, name: str) -> Field:
    """Give the field to match by: an external id, the record's id, or a field that stands for one."""
    field = found.field(name)
    if field is None or not (field.external_id or field.id_lookup):
        raise errors.no_external_id_field(name)
    return field


def _taken(record: Mapping[str, Any], field: Field) -> object:
    value = next((value for name, value in record.items() if name.lower() == field.name.lower()), None)
    return None if value == "" else value


def _without(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key.lower() != name.lower()}


def _repeated(field: Field, records: Sequence[Mapping[str, Any]]) -> set[str]:
    keys = [_taken(record, field) for record in records]
    counted = Counter(index_key(field, _read_key(field, key)) for key in keys if key is not None)
    return {key for key, count in counted.items() if count > 1}


def _read_key(field: Field, key: object) -> object:
    return key_value(field, key) if isinstance(key, str) else key


def _success(record_id: str, **more: bool) -> Result:
    return {"id": record_id, "success": True, "errors": [], **more}


def row_errors(refusal: errors.ApiError) -> list[dict[str, Any]]:
    """Give the errors of one row: `statusCode` where single records have `errorCode`."""
    if refusal.status != NOT_UNIQUE:
        return [_row_error(error) for error in refusal.body]
    ids = ", ".join(address.rpartition("/")[2] for address in refusal.body)
    message = f"more than one record found for external id field: [{ids}]"
    return [{"statusCode": "DUPLICATE_EXTERNAL_ID", "message": message, "fields": []}]


def _row_error(error: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in error.items() if name not in ("errorCode", "message", "fields")}
    return {
        "statusCode": error["errorCode"],
        "message": error["message"],
        "fields": error.get("fields", []),
        **rest,
    }
