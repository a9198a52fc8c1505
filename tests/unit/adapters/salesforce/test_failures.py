from datetime import timedelta

import pytest

from connector.adapters.salesforce.failures import call_error, record_error
from connector.adapters.salesforce.faults import Fault, Kind, read_faults, rule_for
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    RemoteAnswer,
    ThrottledError,
    UnavailableError,
)
from tests.factories import NOON


def fault(code: str | None, message: str = "no", status: int = 400, fields: tuple[str, ...] = ()) -> Fault:
    return Fault(status=status, code=code, message=message, fields=fields)


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", UnavailableError),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "T: after insert: UNABLE_TO_LOCK_ROW", UnavailableError),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "Record Currently Unavailable", UnavailableError),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "their flow failed", RejectedError),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "their trigger says no", RejectedError),
        ("SERVER_UNAVAILABLE", "", UnavailableError),
        ("UNKNOWN_EXCEPTION", "ErrorId: 1-2", UnavailableError),
        ("QUERY_TIMEOUT", "", UnavailableError),
        ("REQUEST_RUNNING_TOO_LONG", "", UnavailableError),
        ("EXCEEDED_MAX_TIME", "", UnavailableError),
        ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", ThrottledError),
        ("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded", ThrottledError),
        ("SOMETHING", "Too many API requests", ThrottledError),
        ("SOMETHING", "you have exceeded the API request limit", ThrottledError),
        ("CANNOT_EXECUTE_FLOW_TRIGGER", "AsyncApexExecutions Limit exceeded.", ThrottledError),
        ("SINGLE_EMAIL_LIMIT_EXCEEDED", "", ThrottledError),
        ("LIMIT_EXCEEDED", "", RejectedError),
        ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "Too many SOQL queries: 101", RejectedError),
        ("API_DISABLED_FOR_ORG", "", AccessRefusedError),
        ("API_CURRENTLY_DISABLED", "", AccessRefusedError),
        ("INVALID_SESSION_ID", "This session is not valid for use with the REST API", AccessRefusedError),
        ("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "", AccessRefusedError),
        ("TXN_SECURITY_NO_ACCESS", "", AccessRefusedError),
        ("TXN_SECURITY_METERING_ACTION", "", AccessRefusedError),
        ("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded", AccessRefusedError),
        ("DUPLICATE_VALUE", "duplicate value found: Docflo_Id__c duplicates value on id: a0", RejectedError),
        ("DUPLICATES_DETECTED", "Use one of these records?", RejectedError),
        ("INVALID_FIELD", "Foreign key external ID: 51 not found for field Tax_Id__c", RejectedError),
        ("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", RejectedError),
        ("ENTITY_IS_DELETED", "entity is deleted", RejectedError),
        ("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", RejectedError),
        ("STRING_TOO_LONG", "data value too large", RejectedError),
        ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "bad value", RejectedError),
        ("FIELD_INTEGRITY_EXCEPTION", "", RejectedError),
        ("NUMBER_OUTSIDE_VALID_RANGE", "", RejectedError),
        ("INVALID_EMAIL_ADDRESS", "", RejectedError),
        ("TOO_MANY_ENUM_VALUE", "", RejectedError),
        ("JSON_PARSER_ERROR", "", RejectedError),
        ("MALFORMED_ID", "", RejectedError),
        ("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Total must be positive", RejectedError),
        ("FIELD_FILTER_VALIDATION_EXCEPTION", "", RejectedError),
        ("ENTITY_IS_LOCKED", "", RejectedError),
        ("CIRCULAR_DEPENDENCY", "", RejectedError),
        ("INVALID_FIELD", "No such column 'X' on sobject of type Invoice__c", ConfigError),
        ("INVALID_TYPE", "", ConfigError),
        ("INVALID_FIELD_FOR_INSERT_UPDATE", "", ConfigError),
        ("NOT_FOUND", "Provided external ID field does not exist or is not accessible: X", ConfigError),
        ("MISSING_ARGUMENT", "", ConfigError),
        ("METHOD_NOT_ALLOWED", "", ConfigError),
        ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "", RejectedError),
        ("INSUFFICIENT_ACCESS_OR_READONLY", "", RejectedError),
        ("TRANSFER_REQUIRES_READ", "", RejectedError),
        ("NEVER_HEARD_OF", "words", RejectedError),
        (None, "HTTP 400 without an error that we can read", RejectedError),
    ],
)
def test_each_row_of_the_table_gives_a_record_its_class(
    code: str | None, message: str, error: type[ConnectorError]
) -> None:
    found = record_error({"Invoice__c": fault(code, message)}, now=NOON)

    assert type(found) is error
    assert found.remote == RemoteAnswer(status=400, code=code, message=message)
    assert found.remedy or error in {UnavailableError, ThrottledError}


def test_codes_are_read_whatever_their_case() -> None:
    assert rule_for(fault("unable_to_lock_row")).kind is Kind.LOCK


def test_a_daily_limit_waits_longer_than_a_concurrent_one() -> None:
    daily = record_error({"x": fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")}, now=NOON)
    concurrent = record_error({"x": fault("REQUEST_LIMIT_EXCEEDED", "Concurrent …")}, now=NOON)

    assert isinstance(daily, ThrottledError)
    assert isinstance(concurrent, ThrottledError)
    assert daily.until - NOON == timedelta(minutes=15)
    assert concurrent.until - NOON == timedelta(seconds=30)


def test_a_rejection_says_object_field_and_the_words_of_salesforce() -> None:
    error = record_error(
        {"Invoice_Line__c line 2": fault("STRING_TOO_LONG", "too long (max 80)", fields=("Name",))}, now=NOON
    )

    assert (
        error.message
        == "Salesforce refused Invoice_Line__c line 2: Name: too long (max 80) (STRING_TOO_LONG)"
    )


def test_all_culprits_are_told() -> None:
    error = record_error(
        {"Invoice__c": fault("A", "one"), "Invoice_Line__c line 1": fault("B", "two")}, now=NOON
    )

    assert error.message == "Salesforce refused Invoice__c: one (A); Invoice_Line__c line 1: two (B)"


def test_what_no_waiting_cures_decides_among_several() -> None:
    faults = {"a": fault("UNABLE_TO_LOCK_ROW"), "b": fault("STRING_TOO_LONG"), "c": fault("LIMIT_EXCEEDED")}

    error = record_error(faults, now=NOON)

    assert isinstance(error, RejectedError)
    assert error.remote is not None
    assert error.remote.code == "STRING_TOO_LONG"


def test_a_server_error_inside_a_rolled_back_graph_may_pass() -> None:
    assert isinstance(record_error({"x": fault("NEVER_HEARD_OF", status=500)}, now=NOON), UnavailableError)


def test_several_records_with_one_key_are_a_rejection_with_advice() -> None:
    error = record_error({"Invoice__c": fault(None, status=300)}, now=NOON)

    assert isinstance(error, RejectedError)
    assert "Unique" in error.remedy


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ([{"message": "m", "errorCode": "C", "fields": ["F"]}], fault("C", "m", fields=("F",))),
        ([{"message": "m", "statusCode": "C"}], fault("C", "m")),
        ({"message": "m", "errorCode": "C"}, fault("C", "m")),
        ({"error": "c", "error_description": "m"}, fault("c", "m")),
        ([], fault(None, "HTTP 400 without an error that we can read")),
        (["/services/data/v66.0/sobjects/X/1"], fault(None, "HTTP 400 without an error that we can read")),
        (None, fault(None, "HTTP 400 without an error that we can read")),
        ([{}], fault(None, "no message")),
        ([{"message": 7, "errorCode": "C", "fields": "F"}], fault("C", "7")),
    ],
)
def test_each_shape_of_an_error_is_read(body: object, expected: Fault) -> None:
    assert read_faults(400, body) == (expected,)


def test_a_long_message_is_cut() -> None:
    assert len(read_faults(400, [{"message": "x" * 10_000}])[0].message) == 500


def test_a_server_error_to_a_write_is_in_doubt_and_to_a_read_is_not() -> None:
    assert isinstance(call_error(500, None, wrote=True, now=NOON), OutcomeUnknownError)
    assert isinstance(call_error(500, None, wrote=False, now=NOON), UnavailableError)
