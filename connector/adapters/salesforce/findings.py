"""Compares what a mapping will write with what Salesforce describes. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from connector.adapters.base import Finding, Severity
from connector.adapters.salesforce.describe import FieldShape, ObjectShape, names_record_type
from connector.adapters.salesforce.known_values import known_value_problem
from connector.adapters.salesforce.rules import COMPLETE, PARTIAL, Rules
from connector.record import RecordShape

_MOST_PICKLIST_VALUES = 12  # that a finding lists
_MOST_MISSING = 20
CURRENCY_CODE = "CurrencyIsoCode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """One field that a mapping writes, and where the mapping says so."""

    object: str
    name: str
    place: str

    def finding(self, severity: Severity, message: str, remedy: str = "") -> Finding:
        """Give a finding about this field, with its place."""
        text = f"{self.place}: {message}" if self.place else message
        return Finding(severity=severity, subject=f"{self.object}.{self.name}", message=text, remedy=remedy)

    def error(self, message: str, remedy: str = "") -> Finding:
        """Give a finding that stops deliveries."""
        return self.finding(Severity.ERROR, message, remedy)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Give "; did you mean …?" for what is nearly right, else nothing."""
    by_lower = {other.lower(): other for other in known}
    close = get_close_matches(name.lower(), list(by_lower), n=1)
    return f'; did you mean "{by_lower[close[0]]}"?' if close else ""


def unknown_object(shape: RecordShape, known: Sequence[str]) -> Finding:
    """Give the finding for an object that Salesforce does not show this user."""
    place = f"{shape.places[0]}: " if shape.places else ""
    return Finding(
        severity=Severity.ERROR,
        subject=shape.object,
        message=f"{place}the org shows this user no such object{did_you_mean(shape.object, known)}",
        remedy="Correct the mapping, or give the integration user the right to see the object.",
    )


def compare(
    shape: RecordShape,
    described: ObjectShape,
    referred: Mapping[str, ObjectShape | None],
    rules: Rules = Rules(),  # noqa: B008 frozen
) -> list[Finding]:
    """Give what is wrong with one object of a mapping; one OK line when nothing is.

    `referred`: objects that dotted names may lead to, by name.
    """
    places = dict(zip(shape.fields, shape.places, strict=False))
    mapped = [Mapped(object=described.name, name=name, place=places.get(name, "")) for name in shape.fields]
    findings = [
        *_object_rights(described),
        *_removals(shape, described),
        *_key(shape, described),
        *_parent(shape, described),
        *(finding for field in mapped for finding in _field(field, described, referred)),
        *_known_values(shape, described, places),
        *_currencies(shape, described),
        *_own_fields(shape, described, rules),
        *_missing_required(shape, described),
    ]
    if any(finding.severity is Severity.ERROR for finding in findings):
        return findings
    summary = f"{len(shape.fields)} fields can be written, key {shape.key_field}"
    return [Finding(severity=Severity.OK, subject=described.name, message=summary), *findings]


def _object_rights(described: ObjectShape) -> Iterator[Finding]:
    missing = [
        right
        for right, given in (("create", described.createable), ("edit", described.updateable))
        if not given
    ]
    if missing:
        yield Finding(
            severity=Severity.ERROR,
            subject=described.name,
            message=f"the integration user may not {' or '.join(missing)} records",
            remedy="Give it Read, Create and Edit on the object in a permission set.",
        )


def _removals(shape: RecordShape, described: ObjectShape) -> Iterator[Finding]:
    if shape.parent_field is not None and not described.deletable:
        yield Finding(
            severity=Severity.WARNING,
            subject=described.name,
            message="the integration user may not delete records: a document that has lost a line is refused",
            remedy="Give it Delete on the object in a permission set.",
        )


def _key(shape: RecordShape, described: ObjectShape) -> Iterator[Finding]:
    key = Mapped(object=described.name, name=shape.key_field, place="")
    field = described.field(shape.key_field)
    if field is None:
        known = [other.name for other in described.fields.values() if other.is_key]
        yield key.error(
            f"the key field does not exist or is hidden{did_you_mean(shape.key_field, known)}",
            "Create it as Text, External ID, Unique, and let the integration user edit it.",
        )
        return
    if not field.is_key:
        yield key.error("the key field is not an External ID", "Tick External ID on the field.")
    if not field.is_unique:
        yield key.error(
            "the key field is not Unique, so two records could share a key", "Tick Unique on the field."
        )
    if not field.createable:
        yield key.error("the integration user may not write the key field", _FIELD_RIGHT)


def _parent(shape: RecordShape, described: ObjectShape) -> Iterator[Finding]:
    if shape.parent_field is None:
        return
    parent = Mapped(object=described.name, name=shape.parent_field, place="")
    field = described.field(shape.parent_field)
    if field is None:
        known = [other.name for other in described.fields.values() if other.refers_to]
        yield parent.error(f"the parent field does not exist{did_you_mean(shape.parent_field, known)}")
    elif not field.refers_to:
        yield parent.error("the parent field refers to no object", "Name the lookup or master-detail field.")
    elif not field.createable:
        yield parent.error("the integration user may not write the parent field", _FIELD_RIGHT)


_FIELD_RIGHT = (
    "Give Edit on the field in the permission set; formulas and automatic numbers cannot be written."
)


def _field(
    mapped: Mapped, described: ObjectShape, referred: Mapping[str, ObjectShape | None]
) -> Iterator[Finding]:
    relationship, dot, target_field = mapped.name.partition(".")
    if names_record_type(mapped.name):
        if not described.record_types:
            yield mapped.error(
                f"{described.name} has no record type that this user may use",
                "Assign record types in the user's permission set, or take the field out of the mapping.",
            )
        return
    if dot:
        yield from _reference(mapped, described.reference(relationship), target_field, described, referred)
        return
    field = described.field(mapped.name)
    if field is None:
        yield _missing(mapped, described)
        return
    yield from _rights(mapped, field)
    if field.picklist is not None:
        values = ", ".join(field.picklist[:_MOST_PICKLIST_VALUES])
        more = ", …" if len(field.picklist) > _MOST_PICKLIST_VALUES else ""
        yield mapped.finding(Severity.OK, f"restricted picklist: takes only {values}{more}")


def _missing(mapped: Mapped, described: ObjectShape) -> Finding:
    if mapped.name.lower() == CURRENCY_CODE.lower():
        return mapped.error(
            "this org has one currency only, so no record has a currency of its own",
            "Map the code into a text field, and amounts into Number fields: Currency fields are in the "
            "org's currency whatever the document says.",
        )
    known = [other.name for other in described.fields.values()]
    return mapped.error(
        f"{described.name} shows this user no field {mapped.name}{did_you_mean(mapped.name, known)}",
        "Correct the mapping, create the field, or let the integration user see it.",
    )


def _known_values(shape: RecordShape, described: ObjectShape, places: Mapping[str, str]) -> Iterator[Finding]:
    for name, value in shape.known:
        problem = known_value_problem(name, value, described)
        if problem is not None:
            mapped = Mapped(object=described.name, name=name, place=places.get(name, ""))
            yield mapped.error(problem, "Correct the mapping, or the field in Setup.")


def _currencies(shape: RecordShape, described: ObjectShape) -> Iterator[Finding]:
    """Warn of amounts whose currency nobody writes, where the org has several."""
    written = {name.lower() for name in shape.fields}
    if CURRENCY_CODE.lower() in written or described.field(CURRENCY_CODE) is None:
        return
    amounts = [field for field in map(described.field, shape.fields) if field and field.type == "currency"]
    if amounts:
        yield Finding(
            severity=Severity.WARNING,
            subject=f"{described.name}.{CURRENCY_CODE}",
            message=f"the org has several currencies and none is mapped: {amounts[0].name} is then taken for "
            "an amount in the integration user's own",
            remedy=f"Map {CURRENCY_CODE} on the header and on its lines.",
        )


def _own_fields(shape: RecordShape, described: ObjectShape, rules: Rules) -> Iterator[Finding]:
    """Give what is wrong with the header's fields that settings name and no mapping writes."""
    if shape.parent_field is not None or shape.is_companion:
        return
    wanted = (
        ("completion_field", rules.completion_field, _holds_marker, f'text that can hold "{COMPLETE}"'),
        ("revision_field", rules.revision_field, _holds_revision, "a number without decimals"),
    )
    for setting, name, fits, kind in wanted:
        if name is None:
            continue
        own = Mapped(object=described.name, name=name, place="")
        field = described.field(name)
        if field is None:
            yield _missing(own, described)
        elif not fits(field):
            yield own.error(f"{setting} must be {kind}", "Name another field of the header.")
        else:
            yield from _rights(own, field)


def _holds_marker(field: FieldShape) -> bool:
    if field.picklist is not None:
        return {COMPLETE, PARTIAL} <= set(field.picklist)
    return field.scale is None and field.length >= len(COMPLETE)


def _holds_revision(field: FieldShape) -> bool:
    return field.scale is not None and field.whole_digits != 0


def _rights(mapped: Mapped, field: FieldShape) -> Iterator[Finding]:
    if not field.createable:
        yield mapped.error("cannot be written by this user", _FIELD_RIGHT)
    elif not field.updateable:
        yield mapped.error(
            "can be set once and never changed, so a second delivery of the document would be refused",
            "Map a field that can be edited.",
        )


def _reference(
    mapped: Mapped,
    reference: FieldShape | None,
    target_field: str,
    described: ObjectShape,
    referred: Mapping[str, ObjectShape | None],
) -> Iterator[Finding]:
    if reference is None:
        known = [other.relationship for other in described.fields.values() if other.relationship]
        relationship = mapped.name.partition(".")[0]
        yield mapped.error(
            f"{described.name} has no relationship {relationship}{did_you_mean(relationship, known)}"
        )
        return
    yield from _rights(mapped, reference)
    if len(reference.refers_to) != 1:
        yield mapped.error(f"{reference.name} refers to several objects, which a mapping cannot name yet")
        return
    target = referred.get(reference.refers_to[0])
    field = target.field(target_field) if target else None
    if field is None:
        known = [other.name for other in target.fields.values() if other.is_key] if target else []
        yield mapped.error(
            f"{reference.refers_to[0]} shows this user no field {target_field}"
            f"{did_you_mean(target_field, known)}"
        )
    elif not field.is_key:
        yield mapped.error(
            f"{reference.refers_to[0]}.{field.name} is no External ID, so records cannot be named by it",
            "Tick External ID on the field, or name another one.",
        )


def _missing_required(shape: RecordShape, described: ObjectShape) -> Iterator[Finding]:
    written = {shape.key_field.lower(), (shape.parent_field or "").lower()}
    for name in shape.fields:
        relationship, dot, _ = name.partition(".")
        behind = described.reference(relationship) if dot else None
        written.add(behind.name.lower() if behind else name.lower())
    missing = [
        field.name
        for field in described.fields.values()
        if field.is_required and field.name.lower() not in written
    ]
    if missing:
        yield Finding(
            severity=Severity.ERROR,
            subject=described.name,
            message=f"required by Salesforce and not mapped: {', '.join(missing[:_MOST_MISSING])}",
            remedy="Map these fields, or give them a default value in Setup.",
        )
