"""What an org knows about its objects and fields. Names are found without regard to case."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, TypeAlias

from connector.sandbox.salesforce import errors

FieldType: TypeAlias = Literal[
    "id",
    "boolean",
    "string",
    "textarea",
    "email",
    "url",
    "phone",
    "int",
    "double",
    "currency",
    "percent",
    "date",
    "datetime",
    "picklist",
    "multipicklist",
    "reference",
    "base64",
]

TEXT_TYPES: tuple[FieldType, ...] = ("string", "textarea", "email", "url", "phone")
NUMBER_TYPES: tuple[FieldType, ...] = ("int", "double", "currency", "percent")
RECORD_TYPE = "RecordType"
RECORD_TYPE_ID = "RecordTypeId"


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field, with the attributes that describe shows and writing obeys."""

    name: str
    label: str
    type: FieldType
    length: int = 0
    precision: int = 0  # digits in all, `scale` of them after the point
    scale: int = 0
    nillable: bool = True
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    default: str | bool | None = None
    id_lookup: bool = False
    name_field: bool = False
    number_format: str = ""  # of an autonumber: "INV-{:08d}"
    picklist: tuple[str, ...] = ()
    restricted: bool = True  # nothing but the picklist's values is accepted
    reference_to: str = ""
    relationship_name: str = ""
    is_master: bool = False  # master-detail: the detail is deleted with its master
    locks_target: bool = False  # writing a row locks the record that it looks up; a master is always locked

    @property
    def is_long_text(self) -> bool:
        """Long text can be neither filtered nor sorted by."""
        return self.type in ("textarea", "base64")

    @property
    def is_indexed(self) -> bool:
        """Rows are found by it: a key, a unique field, a reference, or a name that stands for an id."""
        return (
            self.external_id
            or self.unique
            or self.type == "reference"
            or (self.id_lookup and self.type != "id")
        )

    @property
    def is_required(self) -> bool:
        """A record cannot be created without a value for it."""
        return self.createable and not self.nillable and not self.defaulted_on_create


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordType:
    """A kind of record within an object, which a profile may or may not use."""

    record_type_id: str
    developer_name: str
    label: str
    available: bool = True
    is_default: bool = False


@dataclass(frozen=True, kw_only=True)
class ObjectType:
    """One object: its names, its key prefix and its fields."""

    name: str
    label: str
    label_plural: str
    key_prefix: str
    fields: tuple[Field, ...]
    record_types: tuple[RecordType, ...] = ()
    createable: bool = True  # over the API, by anybody
    updateable: bool = True
    deletable: bool = True

    def field(self, name: str) -> Field | None:
        """Find a field by its name."""
        return self._by_name.get(name.lower())

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {field.name.lower(): field for field in self.fields}

    @cached_property
    def required(self) -> tuple[Field, ...]:
        """The fields that a new record needs."""
        return tuple(field for field in self.fields if field.is_required)

    @cached_property
    def unique(self) -> tuple[Field, ...]:
        """The fields of which no two records have the same value."""
        return tuple(field for field in self.fields if field.unique)

    @cached_property
    def indexed(self) -> tuple[Field, ...]:
        """The fields that rows are found by."""
        return tuple(field for field in self.fields if field.is_indexed)

    @cached_property
    def references(self) -> tuple[Field, ...]:
        """The fields that lead to other records."""
        return tuple(field for field in self.fields if field.type == "reference")

    def relationship(self, name: str) -> Field | None:
        """Find the reference field that a relationship (`Vendor__r`) belongs to."""
        wanted = name.lower()
        return next(
            (
                field
                for field in self.fields
                if field.relationship_name and field.relationship_name.lower() == wanted
            ),
            None,
        )


class Schema:
    """The objects that a user can see."""

    def __init__(self, objects: Iterable[ObjectType]) -> None:
        self._objects = {found.name.lower(): found for found in objects}

    def __iter__(self) -> Iterator[ObjectType]:
        return iter(self._objects.values())

    def find(self, name: str) -> ObjectType | None:
        """Find an object by its name."""
        return self._objects.get(name.lower())

    def object(self, name: str) -> ObjectType:
        """Give an object that a URL names.

        Raises: ApiError 404 NOT_FOUND when there is none, or the user cannot see it.
        """
        found = self.find(name)
        if found is None:
            raise errors.not_found()
        return found

    def without(self, hidden: Iterable[str]) -> "Schema":
        """Give what a user sees from whom objects ("Account") or fields ("Account.Name") are hidden."""
        names = {name.lower() for name in hidden}
        if not names:
            return self
        return Schema(
            replace(
                found,
                fields=tuple(
                    field for field in found.fields if f"{found.name}.{field.name}".lower() not in names
                ),
            )
            for found in self
            if found.name.lower() not in names
        )
