from collections.abc import Mapping
from datetime import timedelta

import pytest

from connector.docflo.failures import read_error_body, read_failure, refused_inside
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    RemoteAnswer,
    ThrottledError,
    UnavailableError,
    UnexpectedResponseError,
)
from tests.factories import NOON
from tests.unit.docflo.reach import sample

MINUTE = timedelta(minutes=1)
SPENT = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int((NOON + 5 * MINUTE).timestamp()))}


def failure(
    status: int,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    path: str = "/docs/v1/document",
    repeatable: bool = True,
) -> ConnectorError:
    return read_failure(status, headers or {}, body, path=path, repeatable=repeatable, now=NOON)


@pytest.mark.parametrize("status", [400, 404, 409, 413, 422])
def test_a_refusal_keeps_code_message_and_details_of_docflo(status: int) -> None:
    error = failure(status, sample("errors/documented.json"))

    assert type(error) is RejectedError
    assert error.remote == RemoteAnswer(
        status=status,
        code="INVALID_DOCUMENT_TYPE",
        message="The specified document type is not supported",
        details="Supported types: invoice, receipt",
    )
    assert str(error) == (
        f"Docflo refused the request ({status}): INVALID_DOCUMENT_TYPE: "
        "The specified document type is not supported (Supported types: invoice, receipt)"
    )


@pytest.mark.parametrize(
    ("name", "code", "message", "details"),
    [
        ("error-is-text.json", None, "The specified document type is not supported", None),
        (
            "status-message-list-error.json",
            "Bad Request",
            "type must be a string; file is required",
            None,
        ),
        ("message-alone.json", None, "The specified document type is not supported", None),
        ("details-are-an-object.json", "17", "Validation failed", '{"field":"ErpId"}'),
        (
            "errors-list.json",
            None,
            "unknown field ErpId; unknown field ErpUrl",
            "unknown field ErpId; unknown field ErpUrl",
        ),
        ("text.json", None, "no such type", None),
        ("plain.txt", None, "upstream connect error", None),
        ("gateway.html", None, None, None),
    ],
)
def test_error_bodies_of_every_form_are_read(
    name: str, code: str | None, message: str | None, details: str | None
) -> None:
    remote = read_error_body(400, sample(f"errors/{name}"))

    assert remote == RemoteAnswer(status=400, code=code, message=message, details=details)


@pytest.mark.parametrize("body", [b"", b"null", b"{}", b"[]", b"\xff\xfe"])
def test_an_error_body_that_tells_nothing_leaves_the_status(body: bytes) -> None:
    assert read_error_body(400, body).status == 400


def test_a_long_error_text_is_cut() -> None:
    message = read_error_body(500, b"x" * 100_000).message

    assert message is not None
    assert len(message) == 500


def test_a_refused_key_says_what_to_check() -> None:
    error = failure(401, sample("errors/documented.json"))

    assert type(error) is AccessRefusedError
    assert "docflo.api_key" in error.remedy
    assert "docflo.tenant_id" in error.remedy
    assert error.remote is not None
    assert error.remote.code == "INVALID_DOCUMENT_TYPE"


@pytest.mark.parametrize(
    ("path", "service"),
    [("/docs/v1/document", "/docs"), ("/logs/v1/log", "/logs"), ("/auth/v1/guest-token", "/auth")],
)
def test_a_missing_permission_names_the_service(path: str, service: str) -> None:
    error = failure(403, path=path)

    assert type(error) is AccessRefusedError
    assert service in error.message
    assert service in error.remedy


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 599])
def test_a_failing_server_is_unavailable_where_a_repeat_does_no_harm(status: int) -> None:
    assert type(failure(status, sample("errors/gateway.html"))) is UnavailableError


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_a_failing_server_leaves_the_outcome_unknown_where_a_repeat_would_do_harm(status: int) -> None:
    error = failure(status, repeatable=False)

    assert type(error) is OutcomeUnknownError
    assert "before sending it again" in error.remedy


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_says_until_when_before_the_reset_does(status: int) -> None:
    error = failure(status, headers={"retry-after": "30", **SPENT})

    assert isinstance(error, ThrottledError)
    assert error.until == NOON + timedelta(seconds=30)


def test_retry_after_may_be_a_date() -> None:
    error = failure(429, headers={"retry-after": "Mon, 02 Mar 2026 12:01:00 GMT"})

    assert isinstance(error, ThrottledError)
    assert error.until == NOON + MINUTE


@pytest.mark.parametrize("status", [429, 503, 403])
def test_a_spent_budget_waits_for_its_reset(status: int) -> None:
    error = failure(status, headers=SPENT)

    assert isinstance(error, ThrottledError)
    assert error.until == NOON + 5 * MINUTE


@pytest.mark.parametrize("headers", [{}, {"x-ratelimit-reset": "soon"}, {"retry-after": "later"}])
def test_throttling_without_a_time_waits_a_minute(headers: dict[str, str]) -> None:
    error = failure(429, headers=headers)

    assert isinstance(error, ThrottledError)
    assert error.until == NOON + MINUTE


def test_throttling_comes_before_an_unknown_outcome_because_nothing_was_done() -> None:
    assert isinstance(failure(429, repeatable=False), ThrottledError)


def test_a_server_away_with_budget_left_is_not_throttling() -> None:
    headers = {"x-ratelimit-remaining": "900", "x-ratelimit-reset": "1772456400"}

    assert type(failure(503, headers=headers)) is UnavailableError


def test_throttling_keeps_what_docflo_said() -> None:
    error = failure(429, b'{"message": "slow down"}')

    assert "slow down" in str(error)
    assert error.remote is not None
    assert error.remote.message == "slow down"


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("https://login.example.com/x?token=abc", "login.example.com"),
        ("/elsewhere", "same host"),
        ("http://[", "no address"),
    ],
)
def test_a_redirect_names_the_host_alone(location: str, host: str) -> None:
    error = failure(302, headers={"location": location})

    assert type(error) is UnexpectedResponseError
    assert host in error.message
    assert "token" not in error.message
    assert "docflo.base_url" in error.remedy


def test_a_page_for_people_with_404_is_no_refusal_of_docflo() -> None:
    error = failure(404, b"<!DOCTYPE html><title>Not found</title>")

    assert type(error) is UnexpectedResponseError
    assert "docflo.base_url" in error.remedy


def test_a_missing_email_says_which_documents_have_one() -> None:
    error = failure(404, path="/docs/v1/document/download/1/email")

    assert type(error) is RejectedError
    assert "e-mail" in error.message
    assert "mailbox" in error.remedy


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"null", b'{"error": null}', b'{"success": true}', b"OK", b"[1"]
)
def test_an_answer_to_a_change_may_hold_anything_that_is_no_error(body: bytes) -> None:
    assert refused_inside(body, repeatable=True) is None


@pytest.mark.parametrize(
    "body", [b'{"error": {"code": "X", "message": "no"}}', b'{"success": false, "message": "no"}']
)
def test_an_error_inside_a_success_is_a_refusal(body: bytes) -> None:
    error = refused_inside(body, repeatable=True)

    assert type(error) is RejectedError
    assert "no" in error.message


def test_a_page_for_people_does_not_say_that_a_change_was_made() -> None:
    page = b"<html>Sign in</html>"

    assert type(refused_inside(page, repeatable=True)) is UnavailableError
    assert type(refused_inside(page, repeatable=False)) is OutcomeUnknownError
