"""What names a record from outside, and what is answered about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.row_keys import Row
from connector.sandbox.salesforce.schema import NUMBER_TYPES, Field, ObjectType
from connector.sandbox.salesforce.values import wrong_type

RecordOperation: TypeAlias = Literal["create", "read", "update", "upsert", "delete", "file_data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Status, body and address of what was created."""

    status: int
    body: Any = None  # None: nothing is sent
    content: bytes | None = None  # instead of a body, as `media_type`
    media_type: str = ""
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordAddress:
    """What a record's URL says, decoded."""

    version: str  # "v66.0"
    object_name: str
    name: str = ""  # an id, or the external id field's name
    key: str | None = None  # the external id; None when the address is by id
    query: Mapping[str, str]

    @property
    def root(self) -> str:
        """The address that records of this version begin with."""
        return f"/services/data/{self.version}/sobjects"


def key_value(field: Field, key: str) -> str | Decimal:
    """Give an external id, which an address holds as text, in its field's type.

    Raises: ApiError 400 when the field holds numbers and this is none.
    """
    if field.type not in NUMBER_TYPES:
        return key
    try:
        return Decimal(key)
    except InvalidOperation:
        raise wrong_type("double", key) from None


def external_id(found: ObjectType, name: str) -> Field:
    """Give the external id field of this name.

    Raises: ApiError 404 NOT_FOUND.
    """
    field = found.field(name)
    if field is None or not field.external_id:
        raise errors.no_external_id_field(name)
    return field


def shown_value(field: Field, row: Row, url: str) -> Any:  # noqa: ANN401 a field's value has the field's type
    """Give a value as it is read: of a file's data, the address."""
    value = row[field.name]
    return f"{url}/{field.name}" if field.type == "base64" and value is not None else value
