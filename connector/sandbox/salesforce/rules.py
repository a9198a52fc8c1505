"""What an org's administrators added: validation rules, duplicate rules, and failures scripted for a test."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.row_keys import Row
from connector.sandbox.salesforce.schema import ObjectType
from connector.sandbox.salesforce.store import Store
from connector.sandbox.schedule import Schedule

Write: TypeAlias = Literal["insert", "update", "delete"]

ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationRule:
    """Refuses a row for which `fails` holds, with the administrator's own words."""

    object_name: str
    fails: Callable[[Row], bool]  # sees the row as it would be stored
    message: str
    field_name: str = ""  # where the message is shown; empty: at the top of the page


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateRule:
    """Refuses a row that has the same values, whatever their case, in all `fields` as another one."""

    object_name: str
    fields: Collection[str]
    name: str = "Standard_Duplicate_Rule"
    message: str = "Use one of these records?"
    allow_save: bool = True  # False: blocks, whatever the caller's header says


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordFault:
    """A refusal of single rows, wherever they come from: a request, a collection, a graph or a bulk job.

    `after` fitting rows pass before the first one is hit; `times=None` hits for ever.
    """

    code: str  # "UNABLE_TO_LOCK_ROW", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", ...
    message: str
    fields: Sequence[str] = ()
    status: int = 400
    object_name: str = ANY
    write: Write | None = None
    containing: str = ""  # only rows with this text in one of their values
    times: int | None = 1
    after: int = 0

    def fits(self, write: Write, found: ObjectType, row: Row) -> bool:
        """Tell whether a row is one of those meant."""
        return (
            self.write in (None, write)
            and self.object_name in (ANY, found.name)
            and (not self.containing or any(self.containing in str(value) for value in row.values()))
        )


def trigger_error(
    object_name: str, message: str, *, containing: str = "", times: int | None = 1, after: int = 0
) -> RecordFault:
    """Give the failure of an Apex trigger, with the words that Salesforce puts around its message."""
    text = f"{object_name}Trigger: execution of BeforeUpdate\n\ncaused by: {message}\n\n(): "
    return RecordFault(
        code="CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
        message=text,
        object_name=object_name,
        containing=containing,
        times=times,
        after=after,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules of an org. The scripted failures can be filled while it is served."""

    validation: Sequence[ValidationRule] = ()
    duplicates: Sequence[DuplicateRule] = ()
    faults: Schedule[RecordFault] = field(default_factory=Schedule[RecordFault])

    def check_fault(self, write: Write, found: ObjectType, row: Row) -> None:
        """Refuse a row for which a test has planned it.

        Raises: ApiError as planned.
        """
        hit = self.faults.next_hit(lambda fault: fault.fits(write, found, row))
        if hit is not None:
            raise errors.ApiError(hit.status, [errors.entry(hit.code, hit.message, *hit.fields)])

    def check(self, store: Store, found: ObjectType, row: Row, *, may_duplicate: bool, root: str) -> None:
        """Hold a row, as it would be stored, against the rules; all validation rules are told of together.

        Raises: ApiError 400 FIELD_CUSTOM_VALIDATION_EXCEPTION, DUPLICATES_DETECTED.
        """
        refused = [
            errors.entry("FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, *_shown_at(rule))
            for rule in self.validation
            if rule.object_name == found.name and rule.fails(row)
        ]
        if refused:
            raise errors.ApiError(400, refused)
        for rule in self.duplicates:
            if rule.object_name != found.name or (may_duplicate and rule.allow_save):
                continue
            matches = [other for other in store.rows(found) if _is_match(rule, row, other)]
            if matches:
                raise errors.ApiError(400, [_detected(rule, found, matches, root)])


def _shown_at(rule: ValidationRule) -> tuple[str, ...]:
    return (rule.field_name,) if rule.field_name else ()


def _is_match(rule: DuplicateRule, row: Row, other: Row) -> bool:
    return other["Id"] != row.get("Id") and all(
        row.get(name) is not None and _folded(row[name]) == _folded(other[name]) for name in rule.fields
    )


def _folded(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def _detected(rule: DuplicateRule, found: ObjectType, matches: Iterable[Row], root: str) -> Mapping[str, Any]:
    """Give the error with its matches. `duplicateResut` is spelt as Salesforce spells it."""
    records = [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {
                "attributes": {"type": found.name, "url": f"{root}/{found.name}/{match['Id']}"},
                "Id": match["Id"],
            },
        }
        for match in matches
    ]
    result = {
        "entityType": found.name,
        "errors": [],
        "matchEngine": "ExactMatchEngine",
        "matchRecords": records,
        "rule": f"{rule.name}_Match",
        "size": len(records),
        "success": True,
    }
    detail = {
        "allowSave": rule.allow_save,
        "duplicateRule": rule.name,
        "duplicateRuleEntityType": found.name,
        "errorMessage": rule.message,
        "matchResults": [result],
    }
    return {**errors.entry("DUPLICATES_DETECTED", rule.message), "duplicateResut": detail}
