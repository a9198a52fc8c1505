"""What the org refuses to store, in its own words, and what it does without a word."""

from decimal import Decimal
from typing import Any

import pytest

from connector.sandbox.salesforce import ApiError
from tests.sandbox.salesforce.org import Org, code, decoded

KEY = "Docflo_Id__c"


def entry(answer: Any) -> dict[str, Any]:
    (only,) = answer.json()
    return dict(only)


def test_a_missing_required_field_is_named(org: Org) -> None:
    answer = org.send("POST", "/sobjects/Account", {"Tax_Id__c": "51"})
    assert answer.status_code == 400
    assert entry(answer) == {
        "message": "Required fields are missing: [Name]",
        "errorCode": "REQUIRED_FIELD_MISSING",
        "fields": ["Name"],
    }


@pytest.mark.parametrize("value", [None, ""])
def test_a_required_field_cannot_be_cleared(org: Org, value: str | None) -> None:
    record_id = org.sandbox.insert("Account", {"Name": "Acme"})
    answer = org.send("PATCH", f"/sobjects/Account/{record_id}", {"Name": value})
    assert code(answer) == (400, "REQUIRED_FIELD_MISSING")
    assert org.sandbox.rows("Account")[0]["Name"] == "Acme"


def test_a_detail_needs_its_master(org: Org) -> None:
    answer = org.send("POST", "/sobjects/Invoice_Line__c", {"Quantity__c": 1})
    assert entry(answer)["fields"] == ["Invoice__c"]
    assert code(answer) == (400, "REQUIRED_FIELD_MISSING")


def test_a_text_may_be_as_long_as_the_field_and_no_longer(org: Org) -> None:
    assert org.upsert("Invoice__c", KEY, "1", {"Number__c": "x" * 80}).status_code == 201
    answer = org.upsert("Invoice__c", KEY, "2", {"Number__c": "x" * 81})
    assert entry(answer) == {
        "message": f"Number: data value too large: {'x' * 81} (max length=80)",
        "errorCode": "STRING_TOO_LONG",
        "fields": ["Number__c"],
    }


def test_a_character_beyond_the_basic_plane_counts_twice(org: Org) -> None:
    assert org.upsert("Invoice__c", KEY, "1", {"Number__c": "😀" * 40}).status_code == 201
    assert code(org.upsert("Invoice__c", KEY, "2", {"Number__c": "😀" * 41})) == (400, "STRING_TOO_LONG")


def test_a_key_in_the_address_must_fit_its_field(org: Org) -> None:
    assert code(org.upsert("Account", "Tax_Id__c", "5" * 41, {"Name": "A"})) == (400, "STRING_TOO_LONG")


@pytest.mark.parametrize("value", ["XXX", "eur", None])
def test_an_unknown_currency_is_refused(org: Org, value: str | None) -> None:
    answer = org.upsert("Invoice__c", KEY, "1", {"CurrencyIsoCode": value})
    assert code(answer) == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    assert entry(answer)["fields"] == ["CurrencyIsoCode"]
    shown = "null" if value is None else value
    assert entry(answer)["message"] == f"Currency ISO Code: bad value for restricted picklist field: {shown}"


@pytest.mark.parametrize(
    "value", [Decimal(100000000000000), Decimal("-1E+14"), Decimal("99999999999999.99995"), Decimal("1E+400")]
)
def test_a_number_with_too_many_digits_before_the_point_is_refused(org: Org, value: Decimal) -> None:
    answer = org.upsert("Invoice__c", KEY, "1", {"Total__c": value})
    assert code(answer) == (400, "NUMBER_OUTSIDE_VALID_RANGE")
    assert entry(answer)["message"] == f"Total: value outside of valid range on numeric field: {value}"


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0.00",
        "-0.01",
        "11.50",
        "99999999999999.9999",
        "-99999999999999.9999",
        "0.0001",
        "1E+5",
        "123456789012",
    ],
)
def test_a_number_is_given_back_digit_for_digit(org: Org, text: str) -> None:
    org.upsert("Invoice__c", KEY, "1", {"Total__c": Decimal(text)})
    assert str(org.sandbox.rows("Invoice__c")[0]["Total__c"]) == text
    assert f'"Total__c":{text}}}' in org.send("GET", f"/sobjects/Invoice__c/{KEY}/1?fields=Total__c").text
    assert f'"Total__c":{text}}}' in org.query("SELECT Total__c FROM Invoice__c").text


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("0.12345", "0.1235"),
        ("-0.12345", "-0.1235"),
        ("0.12344999", "0.1234"),
        ("1.00005", "1.0001"),
        ("0.00001", "0.0000"),
        ("99999999999999.99994", "99999999999999.9999"),
    ],
)
def test_more_decimals_than_the_field_has_are_rounded_half_up_without_a_word(
    org: Org, sent: str, stored: str
) -> None:
    assert org.upsert("Invoice__c", KEY, "1", {"Total__c": Decimal(sent)}).status_code == 201
    assert str(org.sandbox.rows("Invoice__c")[0]["Total__c"]) == stored


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("Total__c", "12.5", "double from VALUE_STRING value 12.5"),
        ("Total__c", True, "double from VALUE_TRUE value true"),
        ("Total__c", {"amount": 1}, "double from START_OBJECT value {"),
        ("Number__c", 7, "string from VALUE_NUMBER_INT value 7"),
        ("Number__c", Decimal("7.5"), "string from VALUE_NUMBER_FLOAT value 7.5"),
        ("Number__c", ["7"], "string from START_ARRAY value ["),
        ("Date__c", "23.11.2026", "date from VALUE_STRING value 23.11.2026"),
        ("Date__c", "2026-02-30", "date from VALUE_STRING value 2026-02-30"),
        ("Date__c", "20261123", "date from VALUE_STRING value 20261123"),
        ("Date__c", "2026-11-23T00:00:00Z", "date from VALUE_STRING value 2026-11-23T00:00:00Z"),
        ("Vendor__r", "51", "sobject from VALUE_STRING value 51"),
    ],
)
def test_a_wrong_json_type_is_refused(org: Org, field: str, value: object, expected: str) -> None:
    answer = org.upsert("Invoice__c", KEY, "1", {field: value})
    assert code(answer) == (400, "JSON_PARSER_ERROR")
    assert entry(answer)["message"].startswith(f"Cannot deserialize instance of {expected} or request may be")


def test_a_date_before_the_calendar_of_the_org_is_refused(org: Org) -> None:
    answer = org.upsert("Invoice__c", KEY, "1", {"Date__c": "0026-11-23"})
    assert code(answer) == (400, "NUMBER_OUTSIDE_VALID_RANGE")


def test_an_unknown_column_is_refused(org: Org) -> None:
    answer = org.upsert("Invoice__c", KEY, "1", {"Totl__c": 1})
    assert code(answer) == (400, "INVALID_FIELD")
    assert entry(answer)["message"] == "No such column 'Totl__c' on sobject of type Invoice__c"


@pytest.mark.parametrize("name", [KEY, "docflo_id__C"])
def test_the_key_must_not_be_in_the_body_too(org: Org, name: str) -> None:
    answer = org.upsert("Invoice__c", KEY, "1", {name: "1"})
    assert code(answer) == (400, "INVALID_FIELD")
    assert entry(answer)["message"] == f"The {KEY} field should not be specified in the sobject data."


def test_the_id_must_not_be_in_the_body(org: Org) -> None:
    record_id = org.sandbox.insert("Invoice__c", {})
    answer = org.send("PATCH", f"/sobjects/Invoice__c/{record_id}", {"Id": record_id})
    assert entry(answer)["message"] == "The Id field should not be specified in the sobject data."
    created = org.send("POST", "/sobjects/Invoice__c", {"Id": record_id})
    assert code(created) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


@pytest.mark.parametrize("name", ["Name", "CreatedDate", "IsDeleted"])
def test_a_field_that_the_org_fills_cannot_be_set(org: Org, name: str) -> None:
    answer = org.upsert("Invoice__c", KEY, "1", {name: "x"})
    assert code(answer) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert entry(answer)["fields"] == [name]


@pytest.mark.parametrize("value", ["51", "Ab-1", "aB-1"])
def test_a_unique_value_is_taken_once_whatever_its_case(org: Org, value: str) -> None:
    first = org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": value.upper()})
    answer = org.send("POST", "/sobjects/Account", {"Name": "Other", "Tax_Id__c": value})
    assert code(answer) == (400, "DUPLICATE_VALUE")
    expected = f"duplicate value found: Tax_Id__c duplicates value on record with id: {first[:15]}"
    assert entry(answer)["message"] == expected


def test_a_record_may_keep_its_own_unique_value(org: Org) -> None:
    record_id = org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    address = f"/sobjects/Account/{record_id}"
    assert org.send("PATCH", address, {"Tax_Id__c": "51"}).status_code == 204


def test_a_unique_value_is_free_again_after_its_record_is_gone(org: Org) -> None:
    org.sandbox.insert("Account", {"Name": "Acme", "Tax_Id__c": "51"})
    assert org.send("DELETE", "/sobjects/Account/Tax_Id__c/51").status_code == 204
    assert org.upsert("Account", "Tax_Id__c", "51", {"Name": "Acme"}).status_code == 201


def test_several_wrong_values_are_reported_together(org: Org) -> None:
    body = {"Number__c": "x" * 81, "CurrencyIsoCode": "XXX", "Total__c": Decimal("1E+20")}
    codes = [found["errorCode"] for found in org.upsert("Invoice__c", KEY, "1", body).json()]
    assert codes == [
        "STRING_TOO_LONG",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        "NUMBER_OUTSIDE_VALID_RANGE",
    ]


def test_null_and_the_empty_text_clear_a_field_and_an_absent_one_stays(org: Org) -> None:
    org.upsert("Invoice__c", KEY, "1", {"Number__c": "7", "Notes__c": "n", "PO_Number__c": "p"})
    org.upsert("Invoice__c", KEY, "1", {"Number__c": None, "Notes__c": ""})
    row = org.sandbox.rows("Invoice__c")[0]
    assert (row["Number__c"], row["Notes__c"], row["PO_Number__c"]) == (None, None, "p")


def test_text_is_kept_code_point_for_code_point(org: Org) -> None:
    text = "שלום \u200f é e\u0301 😀 \n\t\u2028 ﬁ  "
    org.upsert("Invoice__c", KEY, "1", {"Notes__c": text})
    assert decoded(org.send("GET", f"/sobjects/Invoice__c/{KEY}/1"))["Notes__c"] == text


def test_a_refused_record_leaves_nothing_behind(org: Org) -> None:
    org.upsert("Invoice__c", KEY, "1", {"Total__c": "x"})
    assert org.sandbox.rows("Invoice__c") == ()
    assert org.sandbox.journal.effects == ()


def test_seeding_is_validated_like_a_request(org: Org) -> None:
    with pytest.raises(ApiError, match="REQUIRED_FIELD_MISSING"):
        org.sandbox.insert("Account", {"Tax_Id__c": "51"})
    assert org.sandbox.rows("Account") == ()
