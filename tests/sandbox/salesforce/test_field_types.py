"""Fields of every type, record types and numeric keys, in an org of another trade."""

from decimal import Decimal

import pytest

from tests.sandbox.salesforce.freight import AIR, OBJECTS, SEA
from tests.sandbox.salesforce.org import MakeOrg, Org, code

WAYBILLS = "/sobjects/Waybill__c"


@pytest.fixture
def freight(make_org: MakeOrg) -> Org:
    return make_org(objects=OBJECTS)


@pytest.mark.parametrize(
    ("field", "sent", "stored"),
    [
        ("Freight__c", Decimal("10.50"), Decimal("10.50")),
        ("Pieces__c", 3, Decimal(3)),
        ("Insured__c", True, True),
        ("Contact__c", "a@b.example", "a@b.example"),
        ("Pickup__c", "2026-11-23T10:00:00+02:00", "2026-11-23T08:00:00.000+0000"),
        ("Hazards__c", "Fire;Acid", "Fire;Acid"),
        ("Incoterm__c", "DAP", "DAP"),
    ],
)
def test_a_value_of_the_fields_type_is_stored(freight: Org, field: str, sent: object, stored: object) -> None:
    assert freight.send("POST", WAYBILLS, {field: sent}).status_code == 201
    assert freight.sandbox.rows("Waybill__c")[0][field] == stored


@pytest.mark.parametrize(
    ("field", "sent", "error"),
    [
        ("Freight__c", "10.50", "JSON_PARSER_ERROR"),
        ("Pieces__c", Decimal("3.5"), "JSON_PARSER_ERROR"),
        ("Insured__c", "true", "JSON_PARSER_ERROR"),
        ("Insured__c", None, "INVALID_TYPE_ON_FIELD_IN_RECORD"),
        ("Contact__c", "a at b", "INVALID_EMAIL_ADDRESS"),
        ("Pickup__c", "2026-11-23T10:00:00", "JSON_PARSER_ERROR"),
        ("Pickup__c", "2026-11-23", "JSON_PARSER_ERROR"),
        ("Hazards__c", "Fire;Water", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ("Hazards__c", ";".join(["Fire"] * 101), "TOO_MANY_ENUM_VALUE"),
    ],
)
def test_a_value_of_another_type_is_refused(freight: Org, field: str, sent: object, error: str) -> None:
    assert code(freight.send("POST", WAYBILLS, {field: sent})) == (400, error)
    assert freight.sandbox.rows("Waybill__c") == ()


def test_a_boolean_that_nobody_set_is_false(freight: Org) -> None:
    freight.send("POST", WAYBILLS, {})
    assert freight.sandbox.rows("Waybill__c")[0]["Insured__c"] is False


def test_a_numeric_external_id_is_matched_by_its_value(freight: Org) -> None:
    assert freight.upsert("Waybill__c", "Waybill_No__c", "7", {}).status_code == 201
    assert freight.upsert("Waybill__c", "Waybill_No__c", "7.0", {"Pieces__c": 2}).status_code == 200
    assert code(freight.upsert("Waybill__c", "Waybill_No__c", "x", {})) == (400, "JSON_PARSER_ERROR")


def test_a_case_sensitive_key_tells_capitals_apart(freight: Org) -> None:
    assert freight.upsert("Carrier__c", "Scac__c", "ABCD", {}).status_code == 201
    assert freight.upsert("Carrier__c", "Scac__c", "abcd", {}).status_code == 201


def test_a_key_that_is_not_unique_is_300_with_the_records_addresses(freight: Org) -> None:
    ids = [freight.sandbox.insert("Carrier__c", {"Region__c": "north"}) for _ in range(2)]
    answer = freight.upsert("Carrier__c", "Region__c", "North", {})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v66.0/sobjects/Carrier__c/{found}" for found in ids]


def test_a_reference_by_name_is_taken_where_the_name_stands_for_an_id(freight: Org) -> None:
    carrier = freight.sandbox.insert("Carrier__c", {"Name": "Blue"})
    assert freight.send("POST", WAYBILLS, {"Carrier__r": {"Name": "blue"}}).status_code == 201
    assert freight.sandbox.rows("Waybill__c")[0]["Carrier__c"] == carrier


def test_a_detail_that_may_change_its_master_can_name_it_on_update(freight: Org) -> None:
    first, second = (freight.sandbox.insert("Waybill__c", {}) for _ in range(2))
    parcel = freight.sandbox.insert("Parcel__c", {"Waybill__c": first, "Tag__c": "t"})
    assert freight.send("PATCH", f"/sobjects/Parcel__c/{parcel}", {"Waybill__c": second}).status_code == 204
    freight.send("DELETE", f"{WAYBILLS}/{first}")
    assert len(freight.sandbox.rows("Parcel__c")) == 1
    freight.send("DELETE", f"{WAYBILLS}/{second}")
    assert freight.sandbox.rows("Parcel__c") == ()


def test_record_types_are_described_queried_and_default(freight: Org) -> None:
    infos = freight.send("GET", f"{WAYBILLS}/describe").json()["recordTypeInfos"]
    shown = {info["developerName"]: (info["available"], info["defaultRecordTypeMapping"]) for info in infos}
    assert shown == {"Air": (True, True), "Sea": (False, False), "Master": (True, False)}
    rows = freight.query("SELECT Id FROM RecordType WHERE SobjectType = 'Waybill__c'").json()["records"]
    assert [row["Id"] for row in rows] == [AIR, SEA]
    freight.send("POST", WAYBILLS, {})
    assert freight.sandbox.rows("Waybill__c")[0]["RecordTypeId"] == AIR


@pytest.mark.parametrize("kind", [SEA, "012Sb00000000A3"])
def test_a_record_type_out_of_the_users_reach_is_refused(freight: Org, kind: str) -> None:
    answer = freight.send("POST", WAYBILLS, {"RecordTypeId": kind})
    assert code(answer) == (400, "INVALID_CROSS_REFERENCE_KEY")
    assert answer.json()[0]["fields"] == ["RecordTypeId"]


def test_record_types_cannot_be_made_over_the_api(freight: Org) -> None:
    assert code(freight.send("POST", "/sobjects/RecordType", {"Name": "x"})) == (
        400,
        "INVALID_TYPE_FOR_OPERATION",
    )
