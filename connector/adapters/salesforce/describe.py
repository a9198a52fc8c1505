"""What Salesforce says about an object and its fields, as values, and which numbers fit them. Pure."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from connector.adapters.salesforce.json_text import expected
from connector.digits import significant

_NUMBER_TYPES = frozenset({"currency", "double", "percent", "int", "long"})
_TEXT_TYPES = frozenset({"string", "textarea", "email", "phone", "url", "encryptedstring"})
_RECORD_TYPE_NAME = "recordtype.developername"
_RECORD_TYPES = frozenset({_RECORD_TYPE_NAME, "recordtypeid"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldShape:
    """One field as the integration user sees it."""

    name: str
    type: str
    createable: bool
    updateable: bool
    is_required: bool  # an insert without it fails
    is_key: bool  # external id or id lookup: records can be named by it
    is_unique: bool
    is_case_sensitive: bool
    length: int
    scale: int | None  # decimals kept; None for what is not a number
    whole_digits: int | None  # digits before the point; None when Salesforce does not say
    picklist: tuple[str, ...] | None  # the values of a restricted picklist
    refers_to: tuple[str, ...]
    relationship: str | None  # "Vendor__r", for what refers to another record

    @property
    def most_characters(self) -> int | None:
        """Give how many characters of text it takes; None when Salesforce does not say."""
        return self.length if self.type in _TEXT_TYPES and self.length > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What a field that a mapping writes is in an object: `Total__c`, or `Vendor__r.Tax_Id__c`."""

    folded: str  # its name without case
    field: FieldShape | None  # None where it says what another record is named by, or is not known
    relationship: str | None  # "Vendor__r", where another record is named
    named_by: str  # the field of that one
    reference: FieldShape | None  # the field behind the relationship
    is_record_type: bool  # says the record type by its developer name, the same in every org
    is_parent: bool  # refers to a record that is locked while this one is written
    most_characters: int
    most_whole_digits: int
    most_decimals: int


class Columns(dict[str, Column]):
    """What mappings write into an object, by the names that they use: found out once, not for each record."""

    def __init__(self, shape: "ObjectShape | None") -> None:
        super().__init__()
        self._shape = shape

    def __missing__(self, name: str) -> Column:
        """Find it out."""
        column = self[name] = column_of(name, self._shape)
        return column


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectShape:
    """One object as the integration user sees it."""

    name: str
    createable: bool
    updateable: bool
    deletable: bool
    fields: Mapping[str, FieldShape]  # by lower-case name: Salesforce does not distinguish case
    record_types: Mapping[str, str]  # ids by developer name, of those that this user may use
    columns: Columns = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Begin without columns."""
        object.__setattr__(self, "columns", Columns(self))

    def field(self, name: str) -> FieldShape | None:
        """Give the field of that name, whatever its case."""
        return self.fields.get(name.lower())

    def record_type(self, developer_name: str) -> str | None:
        """Give the id of a record type that this user may use."""
        return self.record_types.get(developer_name)

    def reference(self, relationship: str) -> FieldShape | None:
        """Give the field behind a relationship name such as `Vendor__r`."""
        wanted = relationship.lower()
        return next(
            (field for field in self.fields.values() if (field.relationship or "").lower() == wanted), None
        )


def columns_of(shape: ObjectShape | None) -> Columns:
    """Give what mappings write into an object; of one that is not known, what the names tell."""
    return shape.columns if shape is not None else Columns(None)


def column_of(name: str, shape: ObjectShape | None) -> Column:
    """Give what a mapping writes under this name; of an object that is not known, what the name tells."""
    relationship, dot, named_by = name.partition(".")
    field = shape.field(name) if shape else None
    folded = name.lower()
    return Column(
        folded=folded,
        field=field,
        relationship=relationship if dot else None,
        named_by=named_by,
        reference=shape.reference(relationship) if shape and dot else None,
        is_record_type=folded == _RECORD_TYPE_NAME,
        # Nobody's writing locks a record type.
        is_parent=bool(dot or (field and field.refers_to)) and folded not in _RECORD_TYPES,
        most_characters=_or_any(field.most_characters if field else None),
        most_whole_digits=_or_any(field.whole_digits if field else None),
        most_decimals=_or_any(field.scale if field else None),
    )


def _or_any(most: int | None) -> int:
    return sys.maxsize if most is None else most


def names_record_type(name: str) -> bool:
    """Tell whether a mapped field says the record type by its developer name, the same in every org."""
    return name.lower() == _RECORD_TYPE_NAME


def read_object(body: object) -> ObjectShape:
    """Give the shape in a describe answer.

    Raises: UnexpectedResponseError when it is not one.
    """
    answer = expected(body, dict, "describe")
    fields = [
        _read_field(expected(entry, dict, "describe field"))
        for entry in expected(answer.get("fields"), list, "describe fields")
    ]
    return ObjectShape(
        name=expected(answer.get("name"), str, "describe name"),
        createable=answer.get("createable") is not False,
        updateable=answer.get("updateable") is not False,
        deletable=answer.get("deletable") is not False,
        fields={each.name.lower(): each for each in fields},
        record_types=_record_types(answer.get("recordTypeInfos")),
    )


def _read_field(entry: Mapping[str, object]) -> FieldShape:
    kind = str(entry.get("type") or "")
    is_number = kind in _NUMBER_TYPES
    scale = _count(entry.get("scale")) if is_number else None
    createable = entry.get("createable") is True
    return FieldShape(
        name=expected(entry.get("name"), str, "describe field name"),
        type=kind,
        createable=createable,
        updateable=entry.get("updateable") is True,
        is_required=(
            createable
            and entry.get("nillable") is False
            and entry.get("defaultedOnCreate") is False
            and kind != "boolean"
        ),
        is_key=entry.get("externalId") is True or entry.get("idLookup") is True,
        is_unique=entry.get("unique") is True,
        is_case_sensitive=entry.get("caseSensitive") is True,
        length=_count(entry.get("length")) or 0,
        scale=scale,
        whole_digits=_whole_digits(entry, scale or 0) if is_number else None,
        picklist=_picklist(entry),
        refers_to=_texts(entry.get("referenceTo")),
        relationship=str(entry["relationshipName"]) if entry.get("relationshipName") else None,
    )


def _record_types(infos: object) -> dict[str, str]:
    return {
        str(info["developerName"]): str(info["recordTypeId"])
        for info in (infos if isinstance(infos, list) else ())
        if isinstance(info, Mapping) and info.get("available") is not False and info.get("recordTypeId")
        if info.get("developerName") and info.get("master") is not True
    }


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _whole_digits(entry: Mapping[str, object], scale: int) -> int | None:
    # Integer fields say digits and leave precision 0; all others say precision and leave digits 0.
    precision, digits = _count(entry.get("precision")), _count(entry.get("digits"))
    return precision - scale if precision else digits or None


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def _picklist(entry: Mapping[str, object]) -> tuple[str, ...] | None:
    values = entry.get("picklistValues")
    if entry.get("restrictedPicklist") is not True or not isinstance(values, list):
        return None
    return tuple(
        str(value["value"])
        for value in values
        if isinstance(value, dict) and "value" in value and value.get("active") is not False
    )


def length_problem(field: FieldShape, text: str) -> str | None:
    """Tell why the text is too long for the field, None if it is not. The text itself is never told.

    Salesforce may count a character twice that we count once, never the other way round.
    """
    if field.most_characters is not None and len(text) > field.most_characters:
        return f"has {len(text)} characters and the field takes {field.most_characters}"
    return None


def number_problem(field: FieldShape, value: Decimal | int) -> str | None:
    """Tell why the number would not be kept as it is, None if it is. The amount itself is never told.

    Salesforce rounds to the field's scale without a word, so this is our only chance to notice.
    """
    digits, exponent = significant(Decimal(value))
    decimals, whole = max(0, -exponent), max(0, len(digits) + exponent)
    if field.scale is not None and decimals > field.scale:
        return (
            f"has {decimals} decimals and the field keeps {field.scale}; Salesforce would round it silently"
        )
    if field.whole_digits is not None and whole > field.whole_digits:
        return f"has {whole} digits before the point and the field takes {field.whole_digits}"
    return None
