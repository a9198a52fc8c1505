"""Create, read, update, upsert and delete single records: the same for a request and for a graph's node."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import (
    Answer,
    RecordAddress,
    RecordOperation,
    external_id,
    key_value,
    shown_value,
)
from connector.sandbox.salesforce.body import body_without_key, check_unique, read_for_insert, read_for_update
from connector.sandbox.salesforce.files import LINK, VERSION, Files
from connector.sandbox.salesforce.ids import full_id
from connector.sandbox.salesforce.row_keys import Row
from connector.sandbox.salesforce.rules import Rules, Write
from connector.sandbox.salesforce.schema import Field, ObjectType, Schema
from connector.sandbox.salesforce.store import Store
from connector.sandbox.salesforce.values import stamp

UPDATE_ONLY_SINCE = 61
METHODS = {"create": "POST", "read": "GET", "update": "PATCH", "upsert": "PATCH", "delete": "DELETE"}
KEYED = ("read", "update", "upsert", "delete")


class Records:
    """One user's view of the records, at one moment, inside an open transaction."""

    def __init__(
        self,
        *,
        schema: Schema,
        store: Store,
        rules: Rules,
        now: datetime,
        root: str = "",
        may_duplicate: bool = False,
    ) -> None:
        """Take `root`, the address of records, and whether matches of a duplicate rule may be saved."""
        self._schema = schema
        self._store = store
        self._rules = rules
        self._stamp = stamp(now)
        self._root = root
        self._may_duplicate = may_duplicate

    def answer(self, operation: RecordOperation, address: RecordAddress, body: object) -> Answer:
        """Do what one request or node asks.

        Raises: ApiError.
        """
        found = self._schema.object(address.object_name)
        if operation in KEYED:
            _refuse_empty_key(operation, address, found)
        match operation:
            case "create":
                return self._created(address, found, self.insert(found, body))
            case "upsert":
                return self._upsert(address, found, body)
            case "read":
                return Answer(status=200, body=self._shown(address, found, self._addressed(address, found)))
            case "update":
                self.update(found, self._addressed(address, found), body)
            case "delete":
                self.delete(found, self._addressed(address, found))
            case "file_data":
                content = self._by_id(found, address.name)["VersionData"]
                return Answer(status=200, content=content, media_type="application/octetstream")
        return Answer(status=204)

    def insert(self, found: ObjectType, body: object) -> str:
        """Create a record; give its id."""
        if not found.createable:
            raise errors.not_supported("create", found.name)
        values = read_for_insert(self._schema, self._store, found, body)
        row = {field.name: field.default for field in found.fields} | values
        self._check("insert", found, row)
        check_unique(self._store, found, values, own_id=None)
        files = Files(self._store, self._stamps())
        if found.name == VERSION:
            return files.insert_version(values)
        if found.name == LINK:
            files.refuse_second_link(values)
        return self._store.insert(found, {**values, **self._stamps(), **self._numbers(found)})

    def update(self, found: ObjectType, row: Row, body: object) -> None:
        """Change a record; what is not named stays."""
        if not found.updateable:
            raise errors.not_supported("update", found.name)
        values = read_for_update(self._schema, self._store, found, body)
        self._check("update", found, {**row, **values})
        check_unique(self._store, found, values, own_id=row["Id"])
        stamps = {"LastModifiedDate": self._stamp, "SystemModstamp": self._stamp}
        self._store.update(found, row["Id"], values, stamps)

    def delete(self, found: ObjectType, row: Row) -> None:
        """Remove a record and its details."""
        if not found.deletable:
            raise errors.not_supported("delete", found.name)
        self._rules.check_fault("delete", found, row)
        self._store.delete(found, row["Id"])

    def row_with(self, found: ObjectType, text: str) -> Row:
        """Give the record with an id in either length.

        Raises: ApiError 400 MALFORMED_ID, 404 ENTITY_IS_DELETED, NOT_FOUND.
        """
        record_id = full_id(text)
        if record_id is None or not record_id.startswith(found.key_prefix):
            raise errors.malformed_id(text)
        if self._store.was_deleted(record_id):
            raise errors.is_deleted()
        row = self._store.get(found, record_id)
        if row is None:
            raise errors.not_found()
        return row

    def upsert(self, found: ObjectType, field: Field, key: str, body: Mapping[str, Any]) -> tuple[str, bool]:
        """Create or change the record with this external id; give its id, and whether it is new."""
        row = self._only(found, field, key)
        if row is not None and not self._store.was_raced(found, field, key_value(field, key)):
            self.update(found, row, body)
            return str(row["Id"]), False
        return self.insert(found, {**body, field.name: key_value(field, key)}), True

    def _check(self, write: Write, found: ObjectType, row: Row) -> None:
        self._rules.check_fault(write, found, row)
        self._rules.check(self._store, found, row, may_duplicate=self._may_duplicate, root=self._root)

    def _upsert(self, address: RecordAddress, found: ObjectType, body: object) -> Answer:
        field = external_id(found, address.name)
        key = address.key or ""
        values = body_without_key(body, field)
        if _is_update_only(address) and self._only(found, field, key) is None:
            raise errors.not_found()
        record_id, is_new = self.upsert(found, field, key, values)
        if is_new:
            return self._created(address, found, record_id, created=True)
        return Answer(status=200, body=_outcome(record_id, created=False))

    def _addressed(self, address: RecordAddress, found: ObjectType) -> Row:
        if address.key is None:
            return self._by_id(found, address.name)
        row = self._only(found, external_id(found, address.name), address.key)
        if row is None:
            raise errors.not_found()
        return row

    def _by_id(self, found: ObjectType, text: str) -> Row:
        if full_id(text) is None and len(text) not in (15, 18):
            raise errors.no_external_id_field(text)
        return self.row_with(found, text)

    def _only(self, found: ObjectType, field: Field, key: str) -> Row | None:
        rows = self._store.find(found, field, key_value(field, key))
        if len(rows) > 1:
            raise errors.ApiError(300, [f"{self._root}/{found.name}/{row['Id']}" for row in rows])
        return rows[0] if rows else None

    def shown(self, found: ObjectType, record_id: str, names: Sequence[str]) -> dict[str, Any] | None:
        """Give some fields of a record; None for an id that leads nowhere."""
        row = self._store.get(found, full_id(record_id) or "")
        if row is None:
            return None
        return self._show(found, row, [_column(found, name) for name in names])

    def _shown(self, address: RecordAddress, found: ObjectType, row: Row) -> dict[str, Any]:
        wanted = address.query.get("fields")
        fields = found.fields if wanted is None else [_column(found, name) for name in wanted.split(",")]
        return self._show(found, row, fields)

    def _show(self, found: ObjectType, row: Row, fields: Iterable[Field]) -> dict[str, Any]:
        url = f"{self._root}/{found.name}/{row['Id']}"
        return {"attributes": {"type": found.name, "url": url}} | {
            field.name: shown_value(field, row, url) for field in fields
        }

    def _created(self, address: RecordAddress, found: ObjectType, record_id: str, **more: bool) -> Answer:
        location = f"{address.root}/{found.name}/{record_id}"
        return Answer(status=201, body=_outcome(record_id, **more), location=location)

    def _stamps(self) -> dict[str, Any]:
        stamps = dict.fromkeys(("CreatedDate", "LastModifiedDate", "SystemModstamp"), self._stamp)
        return {"IsDeleted": False, **stamps}

    def _numbers(self, found: ObjectType) -> dict[str, str]:
        return {
            field.name: field.number_format.format(self._store.issue_number(f"{found.name}.{field.name}"))
            for field in found.fields
            if field.number_format
        }


def _refuse_empty_key(operation: RecordOperation, address: RecordAddress, found: ObjectType) -> None:
    """Refuse an address that stops after the external id field: Salesforce takes it for another resource."""
    field = found.field(address.name)
    if address.key == "" or (address.key is None and field is not None and field.external_id):
        raise errors.method_not_allowed(METHODS[operation], "HEAD,GET,POST")


def _column(found: ObjectType, name: str) -> Field:
    field = found.field(name.strip())
    if field is None:
        raise errors.no_such_column(name.strip(), found.name)
    return field


def _is_update_only(address: RecordAddress) -> bool:
    version = int(address.version.removeprefix("v").partition(".")[0])
    return version >= UPDATE_ONLY_SINCE and address.query.get("updateOnly", "").lower() == "true"


def _outcome(record_id: str, **more: bool) -> dict[str, Any]:
    return {"id": record_id, "success": True, "errors": [], **more}
