"""Describe: what a preflight check reads."""

from typing import Any

import pytest

from tests.sandbox.salesforce.org import MakeOrg, Org


def field_of(org: Org, object_name: str, name: str) -> dict[str, Any]:
    fields = org.send("GET", f"/sobjects/{object_name}/describe").json()["fields"]
    return next(field for field in fields if field["name"] == name)


def test_the_global_describe_lists_all_objects(org: Org) -> None:
    names = {found["name"] for found in org.send("GET", "/sobjects").json()["sobjects"]}
    assert names == {
        "Account",
        "Invoice__c",
        "Invoice_Line__c",
        "Purchase_Order__c",
        "Purchase_Order_Line__c",
        "Receipt__c",
        "Receipt_Line__c",
        "ContentVersion",
        "ContentDocument",
        "ContentDocumentLink",
    }


def test_object_names_are_found_without_regard_to_case(org: Org) -> None:
    assert org.send("GET", "/sobjects/invoice__C/describe").json()["name"] == "Invoice__c"


def test_an_object_without_more_is_described_in_brief(org: Org) -> None:
    body = org.send("GET", "/sobjects/Account/").json()
    assert (body["objectDescribe"]["name"], body["recentItems"]) == ("Account", [])


def test_an_unknown_object_is_404(org: Org) -> None:
    answer = org.send("GET", "/sobjects/Bill__c/describe")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("object_name", "name", "expected"),
    [
        ("Account", "Name", {"type": "string", "length": 255, "nillable": False, "defaultedOnCreate": False}),
        ("Account", "Tax_Id__c", {"externalId": True, "unique": True, "length": 40, "idLookup": True}),
        ("Invoice__c", "Name", {"autoNumber": True, "createable": False, "updateable": False}),
        (
            "Invoice__c",
            "Docflo_Id__c",
            {"type": "string", "length": 255, "externalId": True, "unique": True, "caseSensitive": False},
        ),
        ("Invoice__c", "Total__c", {"type": "double", "precision": 18, "scale": 4, "nillable": True}),
        ("Invoice__c", "Notes__c", {"type": "textarea", "length": 32_768, "filterable": False}),
        ("Invoice__c", "Due_Date__c", {"type": "date"}),
        (
            "Invoice__c",
            "Vendor__c",
            {
                "type": "reference",
                "referenceTo": ["Account"],
                "relationshipName": "Vendor__r",
                "updateable": True,
            },
        ),
        (
            "Invoice_Line__c",
            "Invoice__c",
            {
                "type": "reference",
                "referenceTo": ["Invoice__c"],
                "relationshipName": "Invoice__r",
                "nillable": False,
                "createable": True,
                "updateable": False,
                "cascadeDelete": True,
            },
        ),
        ("Invoice_Line__c", "Unit_Price__c", {"precision": 18, "scale": 6}),
        ("Receipt_Line__c", "Receipt__c", {"relationshipName": "Receipt__r"}),
        ("Purchase_Order_Line__c", "Purchase_Order__c", {"relationshipName": "Purchase_Order__r"}),
    ],
)
def test_a_field_is_described_as_it_behaves(
    org: Org, object_name: str, name: str, expected: dict[str, Any]
) -> None:
    described = field_of(org, object_name, name)
    assert {key: described[key] for key in expected} == expected


def test_currencies_are_a_restricted_picklist_with_the_corporate_one_as_default(make_org: MakeOrg) -> None:
    described = field_of(make_org(currencies=("ILS", "USD")), "Invoice__c", "CurrencyIsoCode")
    assert described["restrictedPicklist"] is True
    assert [(choice["value"], choice["defaultValue"]) for choice in described["picklistValues"]] == [
        ("ILS", True),
        ("USD", False),
    ]


def test_an_object_names_its_key_prefix_children_and_record_types(org: Org) -> None:
    described = org.send("GET", "/sobjects/Invoice__c/describe").json()
    assert described["custom"] is True
    assert described["recordTypeInfos"][0]["developerName"] == "Master"
    assert described["childRelationships"] == [
        {"childSObject": "Invoice_Line__c", "field": "Invoice__c", "cascadeDelete": True}
    ]
    assert org.sandbox.insert("Invoice__c", {}).startswith(described["keyPrefix"])
