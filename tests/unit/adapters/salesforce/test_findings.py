from decimal import Decimal
from typing import Any

import pytest

from connector.adapters.base import Finding, Severity
from connector.adapters.salesforce.findings import compare, unknown_object
from connector.adapters.salesforce.rules import Rules
from connector.record import RecordShape
from tests.unit.adapters.salesforce.shapes import (
    DESCRIBED,
    INVOICE,
    LINE,
    SHAPES,
    described,
    field,
    key,
    reference,
    shape,
)


def header(*fields: str, **parts: Any) -> RecordShape:
    places = tuple(f"mappings/x.yaml:{number}:9" for number, _ in enumerate(fields, start=10))
    values = {"object": "Invoice__c", "key_field": "Docflo_Id__c", "fields": fields, "places": places}
    return RecordShape(**{**values, **parts})


def compared(wanted: RecordShape, answer: dict[str, Any] = INVOICE) -> list[Finding]:
    return compare(wanted, shape(answer), SHAPES)


def errors(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(found.subject, found.message) for found in findings if found.severity is Severity.ERROR]


def test_a_mapping_that_fits_is_one_line() -> None:
    findings = compared(header("Number__c", "Total__c", "Vendor__r.Tax_Id__c"))

    assert [(found.severity, found.subject) for found in findings] == [(Severity.OK, "Invoice__c")]
    assert "3 fields" in findings[0].message


def test_a_missing_field_has_its_place_and_what_was_meant() -> None:
    [(subject, message)] = errors(compared(header("Number__c", "Totl__c")))

    assert subject == "Invoice__c.Totl__c"
    assert message.startswith("mappings/x.yaml:11:9: ")
    assert 'did you mean "Total__c"?' in message


def test_case_is_no_difference() -> None:
    assert errors(compared(header("number__C", "vendor__R.tax_id__C", key_field="docflo_ID__c"))) == []


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"createable": False, "updateable": False}, "cannot be written"),
        ({"updateable": False}, "set once and never changed"),
    ],
)
def test_a_field_that_cannot_be_written_is_told(parts: dict[str, Any], words: str) -> None:
    answer = described("Invoice__c", key("Docflo_Id__c"), field("F__c", **parts))

    [(subject, message)] = errors(compared(header("F__c"), answer))

    assert subject == "Invoice__c.F__c"
    assert words in message


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (described("Invoice__c", key("Docflo_ID2__c")), "does not exist or is hidden"),
        (
            described("Invoice__c", key("Docflo_Id__c", externalId=False, idLookup=False)),
            "not an External ID",
        ),
        (described("Invoice__c", key("Docflo_Id__c", unique=False)), "not Unique"),
        (described("Invoice__c", key("Docflo_Id__c", createable=False)), "may not write the key"),
    ],
)
def test_a_key_field_that_is_not_fit_is_told(answer: dict[str, Any], words: str) -> None:
    [(subject, message)] = errors(compared(header(), answer))

    assert subject == "Invoice__c.Docflo_Id__c"
    assert words in message


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Vendr__r.Tax_Id__c", 'did you mean "Vendor__r"?'),
        ("Vendor__r.Tax_Idd__c", 'did you mean "Tax_Id__c"?'),
        ("Vendor__r.Phone__c", "is no External ID"),
    ],
)
def test_a_reference_that_leads_nowhere_is_told(name: str, words: str) -> None:
    [(subject, message)] = errors(compared(header(name)))

    assert subject == f"Invoice__c.{name}"
    assert words in message


def test_a_reference_to_several_objects_is_told() -> None:
    owner = reference("OwnerId", "User", "Owner")
    answer = described("Invoice__c", key("Docflo_Id__c"), {**owner, "referenceTo": ["User", "Group"]})

    [(_, message)] = errors(compared(header("Owner.Name"), answer))

    assert "refers to several objects" in message


def test_required_fields_that_are_not_mapped_are_told() -> None:
    answer = described(
        "Invoice__c",
        key("Docflo_Id__c", nillable=False),
        field("Date__c", nillable=False),
        field("Auto__c", nillable=False, defaultedOnCreate=True),
        reference("Vendor__c", "Account", "Vendor__r", nillable=False),
    )

    assert errors(compared(header("Vendor__r.Tax_Id__c"), answer)) == [
        ("Invoice__c", "required by Salesforce and not mapped: Date__c")
    ]


def test_restricted_picklists_are_mentioned_with_their_values() -> None:
    findings = compared(header("Priority__c"))

    assert errors(findings) == []
    assert any("takes only High, Low" in found.message for found in findings)


def test_rights_on_the_object_are_told() -> None:
    [(subject, message)] = errors(compared(header("Number__c"), {**INVOICE, "updateable": False}))

    assert (subject, message) == ("Invoice__c", "the integration user may not edit records")


@pytest.mark.parametrize(
    ("parent", "words"),
    [
        ("Invoce__c", 'did you mean "Invoice__c"?'),
        ("Description__c", "refers to no object"),
    ],
)
def test_a_parent_field_that_is_none_is_told(parent: str, words: str) -> None:
    wanted = RecordShape(
        object="Invoice_Line__c", key_field="Docflo_Key__c", fields=("Amount__c",), parent_field=parent
    )

    messages = [message for subject, message in errors(compared(wanted, LINE)) if subject.endswith(parent)]

    assert any(words in message for message in messages)


def test_a_parent_that_can_only_be_set_once_is_fine() -> None:
    wanted = RecordShape(
        object="Invoice_Line__c", key_field="Docflo_Key__c", fields=("Amount__c",), parent_field="Invoice__c"
    )

    assert errors(compared(wanted, LINE)) == []


def test_an_unknown_object_has_its_place_and_what_was_meant() -> None:
    finding = unknown_object(header("A", object="Invoce__c"), list(DESCRIBED))

    assert finding.severity is Severity.ERROR
    assert finding.message.startswith("mappings/x.yaml:10:9: ")
    assert 'did you mean "Invoice__c"?' in finding.message


def test_lines_that_could_not_be_removed_are_told() -> None:
    lines = RecordShape(
        object="Invoice_Line__c", key_field="Docflo_Key__c", fields=(), parent_field="Invoice__c"
    )

    findings = compared(lines, {**LINE, "deletable": False})

    assert [found.severity for found in findings] == [Severity.OK, Severity.WARNING]
    assert "has lost a line is refused" in findings[1].message


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (("Priority__c", "Urgent"), "none of the values it takes: High, Low"),
        (("Priority__c", "Old"), "none of the values it takes"),
        (("Number__c", "x" * 256), "has 256 characters and the field takes 255"),
        (("Total__c", Decimal("0.005")), "has 3 decimals and the field keeps 2"),
        (("RecordType.DeveloperName", "Credit"), 'no record type "Credit" of Invoice__c; there are: Air'),
    ],
)
def test_a_value_that_the_mapping_is_known_to_write_must_go_in(known: tuple[str, Any], words: str) -> None:
    answer = {**INVOICE, "recordTypeInfos": RECORD_TYPES}

    [(subject, message)] = errors(compared(header(known[0], known=(known,)), answer))

    assert subject == f"Invoice__c.{known[0]}"
    assert message.startswith("mappings/x.yaml:10:9: ")
    assert words in message


def test_values_that_go_in_are_not_told() -> None:
    known = (("Priority__c", "high"), ("Total__c", None), ("Number__c", "x"), ("Vendor__r.Tax_Id__c", "51"))

    assert errors(compared(header(*(name for name, _ in known), known=known))) == []


def test_a_record_type_is_named_where_there_is_none() -> None:
    [(_, message)] = errors(compared(header("RecordType.DeveloperName")))

    assert "no record type that this user may use" in message


def test_amounts_without_a_currency_are_told_where_the_org_has_several() -> None:
    answer = {**INVOICE, "fields": [*INVOICE["fields"], field("CurrencyIsoCode", "picklist")]}

    [_, warning] = compared(header("Total__c"), answer)

    assert (warning.severity, warning.subject) == (Severity.WARNING, "Invoice__c.CurrencyIsoCode")
    assert len(compared(header("Total__c", "CurrencyIsoCode"), answer)) == 1
    assert len(compared(header("Number__c"), answer)) == 1


def test_a_currency_in_an_org_that_has_one_is_told_what_to_do_instead() -> None:
    [finding] = [found for found in compared(header("CurrencyIsoCode")) if found.severity is Severity.ERROR]

    assert "one currency only" in finding.message
    assert "text field" in finding.remedy


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (Rules(completion_field="Stat__c"), "shows this user no field Stat__c"),
        (Rules(completion_field="Total__c"), "completion_field must be text"),
        (Rules(completion_field="Priority__c"), "completion_field must be text"),
        (Rules(revision_field="Number__c"), "revision_field must be a number"),
    ],
)
def test_the_fields_that_settings_name_must_be_there(rules: Rules, words: str) -> None:
    [(_, message)] = errors(compare(header("Number__c"), shape(INVOICE), SHAPES, rules))

    assert words in message
    assert errors(compare(header("Number__c", is_companion=True), shape(INVOICE), SHAPES, rules)) == []


def test_settings_whose_fields_are_there_are_fine() -> None:
    rules = Rules(completion_field="Number__c", revision_field="Total__c")

    assert errors(compare(header("Number__c"), shape(INVOICE), SHAPES, rules)) == []


RECORD_TYPES = [
    {"developerName": "Air", "recordTypeId": "012A", "available": True, "master": False},
    {"developerName": "Credit", "recordTypeId": "012B", "available": False, "master": False},
    {"developerName": "Master", "recordTypeId": "012C", "available": True, "master": True},
]
