"""Salesforce's refusals, word for word: status, error code, message and the fields concerned."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

Entry: TypeAlias = Mapping[str, Any]


class ApiError(Exception):
    """A refusal. `body` is what is sent: an array of errors, and for 300 an array of record addresses."""

    def __init__(self, status: int, body: Iterable[Any]) -> None:
        self.status = status
        self.body = list(body)
        super().__init__(f"{status} {self.body}")


def entry(code: str, message: str, *fields: str) -> Entry:
    """Give one error of the array, about record values."""
    return {"message": message, "errorCode": code, "fields": list(fields)}


def refusal(status: int, code: str, message: str) -> ApiError:
    """Give a refusal that concerns the request rather than the record's values."""
    return ApiError(status, [{"message": message, "errorCode": code}])


def not_found() -> ApiError:
    """No such object, record or resource."""
    return refusal(404, "NOT_FOUND", "The requested resource does not exist")


def version_retired(version: str) -> ApiError:
    """Refuse an API version that was taken out of service."""
    return refusal(410, "UNSUPPORTED_API_VERSION", f"The requested API version {version} has been retired")


def no_external_id_field(name: str) -> ApiError:
    """Refuse a name in a URL that is neither a record's id nor an external id field."""
    message = f"Provided external ID field does not exist or is not accessible: {name}"
    return refusal(404, "NOT_FOUND", message)


def method_not_allowed(method: str, allowed: str) -> ApiError:
    """Refuse a method, as for a key that was left empty."""
    message = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
    return refusal(405, "METHOD_NOT_ALLOWED", message)


def session_invalid() -> ApiError:
    """No token, an unknown one, or one past its time."""
    return refusal(401, "INVALID_SESSION_ID", "Session expired or invalid")


def json_unreadable(detail: str) -> ApiError:
    """Refuse a body that is not the JSON expected."""
    return refusal(400, "JSON_PARSER_ERROR", f"{detail} at [line:1, column:1]")


def wrong_type(expected: str, token: str, shown: str) -> ApiError:
    """Refuse a JSON value that the field's type cannot be read from."""
    message = (
        f"Cannot deserialize instance of {expected} from {token} value {shown} "
        "or request may be missing a required field at [line:1, column:2]"
    )
    return refusal(400, "JSON_PARSER_ERROR", message)


def no_such_column(name: str, object_name: str) -> ApiError:
    """Refuse a field that the object does not have, or the user cannot see."""
    return refusal(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {object_name}")


def field_in_body(name: str) -> ApiError:
    """Refuse a body that repeats the key which the URL already gives."""
    return refusal(400, "INVALID_FIELD", f"The {name} field should not be specified in the sobject data.")


def not_writeable(names: list[str]) -> ApiError:
    """Refuse fields that cannot be set; a detail's master on update is one of them."""
    message = (
        f"Unable to create/update fields: {', '.join(names)}. Please check the security settings of this "
        "field and verify that it is read/write for your profile or permission set."
    )
    return ApiError(400, [entry("INVALID_FIELD_FOR_INSERT_UPDATE", message, *names)])


def required_missing(names: list[str]) -> ApiError:
    """Refuse a record without the values it needs."""
    message = f"Required fields are missing: [{', '.join(names)}]"
    return ApiError(400, [entry("REQUIRED_FIELD_MISSING", message, *names)])


def media_type() -> ApiError:
    """Refuse a body of another kind than the resource takes."""
    return refusal(415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type of the request is not supported")


def body_too_large(most: int) -> ApiError:
    """Refuse a body beyond the size that the resource takes."""
    message = f"Maximum size of request reached. Maximum size of request is {most} bytes."
    return refusal(413, "REQUEST_ENTITY_TOO_LARGE", message)


def row_locked(key: str) -> ApiError:
    """Refuse a write because another transaction held its row for too long."""
    message = f"unable to obtain exclusive access to this record or 1 records: {key}"
    return ApiError(400, [entry("UNABLE_TO_LOCK_ROW", message)])


def duplicate(field_name: str, other_id: str) -> ApiError:
    """Refuse a value that another record has in a unique field."""
    message = f"duplicate value found: {field_name} duplicates value on record with id: {other_id}"
    return ApiError(400, [entry("DUPLICATE_VALUE", message)])


def malformed_id(text: str) -> ApiError:
    """Refuse an id with a wrong prefix or checksum."""
    return ApiError(400, [entry("MALFORMED_ID", f"malformed id {text}")])


def not_supported(operation: str, name: str) -> ApiError:
    """Refuse to write objects that only the org itself writes."""
    message = f"entity type {name} does not support {operation}"
    return refusal(400, "INVALID_TYPE_FOR_OPERATION", message)


def is_deleted() -> ApiError:
    """Refuse to touch a record that existed and was deleted."""
    return ApiError(404, [entry("ENTITY_IS_DELETED", "entity is deleted")])


def no_such_reference() -> ApiError:
    """Refuse an id to which no record belongs."""
    return ApiError(400, [entry("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")])


def parent_not_found(value: object, field_name: str, object_name: str) -> ApiError:
    """Refuse a reference by external id to which no record answers."""
    message = f"Foreign key external ID: {value} not found for field {field_name} in entity {object_name}"
    return ApiError(400, [entry("INVALID_FIELD", message)])


def invalid_field(message: str) -> ApiError:
    """Refuse a reference or query for the reason given."""
    return refusal(400, "INVALID_FIELD", message)


def invalid_input(message: str) -> ApiError:
    """Refuse a request whose parts do not fit together."""
    return refusal(400, "INVALID_INPUT", message)


def repeated_key(key: object, field_name: str) -> ApiError:
    """Refuse every copy of a record whose external id occurs twice in one call."""
    message = f"Duplicate external id specified: {key}"
    return ApiError(400, [entry("DUPLICATE_VALUE", message, field_name)])


def malformed_query(message: str) -> ApiError:
    """Refuse a query that cannot be read."""
    return refusal(400, "MALFORMED_QUERY", message)
