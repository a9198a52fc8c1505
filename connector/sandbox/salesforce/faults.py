"""What goes wrong between a caller and a real org, ready to be planned. Each is a `Fault` with its words."""

import json
import re
from dataclasses import replace

from connector.sandbox.faults import Fault
from connector.sandbox.salesforce import errors

ELSEWHERE = "http://127.0.0.1:9/"  # the discard port: nobody answers there
NOT_FOR_REST = "This session is not valid for use with the REST API"
JSON_HEADERS = {"content-type": "application/json;charset=UTF-8"}
WAIT_PAGE = (
    b"<html><head><title>We are down for maintenance.</title></head>"
    b"<body>Sorry for the inconvenience. We'll be back shortly.</body></html>"
)

_ID = re.compile(rb'"id"\s*:\s*"[0-9A-Za-z]{15,18}"\s*,?')


def refused(status: int, code: str, message: str) -> Fault:
    """Give a refusal that never reaches the data."""
    body = json.dumps([{"message": message, "errorCode": code}]).encode()
    return Fault(kind="status", status=status, body=body, headers=JSON_HEADERS)


SESSION_EXPIRED = refused(401, "INVALID_SESSION_ID", "Session expired or invalid")
SESSION_NOT_FOR_REST = refused(401, "INVALID_SESSION_ID", NOT_FOR_REST)
QUOTA_SPENT = refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
TOO_MANY_LONG_CALLS = refused(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded")
API_DISABLED = refused(403, "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner")
TOO_MANY_REQUESTS = refused(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests")
EDGE_CONNECTING = Fault(kind="html", status=420, body=b"<html><body>Connection problem</body></html>")
EDGE_BAD_GATEWAY = Fault(kind="html", status=502, body=b"<html><body>Bad Gateway</body></html>")
SERVER_ERROR = refused(500, "UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1234567890-1 (1)")
MAINTENANCE = Fault(kind="html", status=503, body=WAIT_PAGE)
SLOW_HEADERS = Fault(kind="slow_headers", seconds=0.05)
SLOW_BODY = Fault(kind="slow", seconds=0.05)
CUT_SHORT = Fault(kind="truncate")
RESET_BEFORE = Fault(kind="drop_before", reset=True)
RESET_AFTER_COMMIT = Fault(kind="drop_after", reset=True)
REDIRECTED = Fault(kind="redirect", status=302, location=ELSEWHERE)
LOGIN_RATE = Fault(
    kind="status",
    operation="token",
    status=400,
    body=b'{"error":"invalid_grant","error_description":"login rate exceeded"}',
    headers=JSON_HEADERS,
)


def not_unique(*addresses: str) -> Fault:
    """Give the 300 of an upsert whose key several records have."""
    return Fault(kind="status", status=300, body=json.dumps(addresses).encode(), headers=JSON_HEADERS)


def without_ids(body: bytes) -> bytes:
    """Give an answer from which the ids are gone."""
    return _ID.sub(b"", body)


ANSWER_WITHOUT_ID = Fault(kind="edit", edit=without_ids)


def duplicate_race(field_name: str, other_id: str) -> Fault:
    """Give what an upsert gets when another caller has created the same key a moment before."""
    refusal = errors.duplicate(field_name, other_id)
    body = json.dumps([dict(entry) for entry in refusal.body]).encode()
    return Fault(kind="status", status=400, body=body, headers=JSON_HEADERS)


def on_match(
    fault: Fault,
    nth: int = 1,
    *,
    times: int | None = 1,
    method: str = "*",
    path: str = "",
    key: str = "",
    operation: str = "",
) -> Fault:
    """Give the fault for the nth request that fits method, path and key, and the `times - 1` after it."""
    return replace(
        fault,
        after=nth - 1,
        times=times,
        method=method,
        path=path,
        containing=key,
        operation=operation or fault.operation,
    )
