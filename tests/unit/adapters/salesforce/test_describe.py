from typing import Any

import pytest

from connector.adapters.salesforce.describe import read_object
from connector.errors import UnexpectedResponseError
from tests.unit.adapters.salesforce.shapes import described, field, key, money, reference, shape


def test_names_are_found_whatever_their_case() -> None:
    found = shape(described("Invoice__c", field("Number__c"), reference("Vendor__c", "Account", "Vendor__r")))

    number, vendor = found.field("NUMBER__C"), found.reference("vendor__R")
    assert number is not None
    assert number.name == "Number__c"
    assert vendor is not None
    assert vendor.name == "Vendor__c"
    assert found.field("Other__c") is None


@pytest.mark.parametrize(
    ("parts", "required"),
    [
        ({"nillable": False}, True),
        ({"nillable": False, "defaultedOnCreate": True}, False),
        ({"nillable": False, "createable": False}, False),
        ({"nillable": True}, False),
        ({"nillable": False, "type": "boolean"}, False),
    ],
)
def test_a_field_is_required_if_an_insert_without_it_fails(parts: dict[str, Any], required: bool) -> None:  # noqa: FBT001 expected
    found = shape(described("X__c", field("F__c", **parts))).field("F__c")

    assert found is not None
    assert found.is_required is required


@pytest.mark.parametrize(
    ("entry", "scale", "whole"),
    [
        (money("F__c", scale=2, precision=18), 2, 16),
        (field("F__c", "double", precision=18, scale=0), 0, 18),
        (field("F__c", "percent", precision=5, scale=2), 2, 3),
        (field("F__c", "int", digits=8), 0, 8),
        (field("F__c", "double"), 0, None),
        (field("F__c", "string", scale=2), None, None),
        ({"name": "F__c", "type": "currency"}, None, None),
    ],
)
def test_the_digits_that_a_number_field_keeps(
    entry: dict[str, Any], scale: int | None, whole: int | None
) -> None:
    found = shape(described("X__c", entry)).field("F__c")

    assert found is not None
    assert (found.scale, found.whole_digits) == (scale, whole)


def test_only_active_values_of_restricted_picklists_are_kept() -> None:
    values = [{"value": "A", "active": True}, {"value": "B", "active": False}]
    found = shape(
        described(
            "X__c",
            field("R__c", "picklist", restrictedPicklist=True, picklistValues=values),
            field("O__c", "picklist", picklistValues=values),
        )
    )

    restricted, free = found.field("R__c"), found.field("O__c")
    assert restricted is not None
    assert restricted.picklist == ("A",)
    assert free is not None
    assert free.picklist is None


def test_keys_are_external_ids_and_id_lookups() -> None:
    found = shape(described("X__c", key("K__c"), field("Name", idLookup=True), field("F__c")))

    assert [name for name, entry in found.fields.items() if entry.is_key] == ["k__c", "name"]


@pytest.mark.parametrize("body", [None, [], {}, {"name": "X"}, {"name": "X", "fields": [1]}, {"fields": []}])
def test_what_is_no_describe_is_refused(body: object) -> None:
    with pytest.raises(UnexpectedResponseError, match="describe"):
        read_object(body)
