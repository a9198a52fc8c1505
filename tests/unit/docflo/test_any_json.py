"""Whatever JSON comes, and whatever else: a value or an UnexpectedResponseError, nothing else ever."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connector.docflo import answers, wire
from connector.docflo.download import file_name
from connector.docflo.failures import read_failure, refused_inside
from connector.docflo.jsontext import MAX_DEPTH, read_json, write_json
from connector.docflo.ratelimit import LONGEST_PAUSE, read_rate_limit, wait_until
from connector.errors import ConnectorError, UnexpectedResponseError
from tests.factories import NOON

READERS: tuple[Callable[[bytes], Any], ...] = (
    wire.read_page,
    wire.read_document,
    lambda body: wire.read_asked_document(body, "d-1"),
    wire.read_info,
    wire.read_upload,
    wire.read_analysis,
    answers.read_enabled_types,
    lambda body: answers.read_type_configuration(body, "invoice"),
    answers.read_search,
    answers.read_answer,
    answers.read_logs,
    answers.read_guest_token,
)

KEYS = st.sampled_from(
    [
        *(
            "_id",
            "id",
            "documentId",
            "type",
            "status",
            "createdOn",
            "name",
            "kind",
            "info",
            "error",
            "errors",
        ),
        *("documents", "data", "items", "results", "result", "value", "values", "rows", "fields", "document"),
        *(
            "confidence",
            "content",
            "properties",
            "amount",
            "currency",
            "currencyCode",
            "code",
            "$oid",
            "$date",
        ),
        *("total", "count", "message", "details", "token", "answer", "schema", "score", "payload", "key", ""),
    ]
)
NUMBERS = st.integers() | st.decimals(allow_nan=False, allow_infinity=False)
SCALARS = (
    st.none()
    | st.booleans()
    | NUMBERS
    | st.text(max_size=5)
    | st.sampled_from(
        [
            "array",
            "currency",
            "number",
            "object",
            "list",
            "address",
            "invoice",
            "12.50",
            "2026-03-01T08:30:00Z",
        ]
    )
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)


@pytest.mark.parametrize("read", READERS)
@given(value=JSON)
def test_any_json_gives_a_value_or_an_unexpected_response(read: Callable[[bytes], Any], value: Any) -> None:
    with suppress(UnexpectedResponseError):
        read(write_json(value))


@pytest.mark.parametrize("read", READERS)
@given(body=st.binary(max_size=40))
@example(body=b"[1e999999999999999999999]")
@example(body=b'"\\ud800"')
@example(body=b'"\xff"')
@example(body=b"[" * 5000 + b"]" * 5000)
@example(body=b'{"fields":' * 500 + b"1" + b"}" * 500)
@example(body=b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
@example(body=b"1" * 5000)
def test_anything_else_gives_a_value_or_an_unexpected_response(
    read: Callable[[bytes], Any], body: bytes
) -> None:
    with suppress(UnexpectedResponseError):
        read(body)


@given(value=JSON)
def test_what_is_stored_of_any_document_reads_as_the_same_document(value: Any) -> None:
    body = write_json({"_id": "d-1", "fields": {"Any": value}, "results": value})
    with suppress(UnexpectedResponseError):
        document = wire.read_document(body)
        assert wire.read_stored(document.raw) == document


@given(number=NUMBERS)
def test_every_number_is_written_as_json_and_read_with_the_same_digits(number: int | Decimal) -> None:
    written = write_json([number])

    assert str(read_json(written)[0]) == str(number) or (number == 0 and read_json(written)[0] == 0)


@given(
    status=st.integers(300, 599),
    body=st.binary(max_size=40) | JSON.map(write_json),
    headers=st.dictionaries(
        st.sampled_from(["location", "retry-after", "x-ratelimit-remaining", "x-ratelimit-reset"]),
        st.text(max_size=20) | st.sampled_from(["0", "http://[", "Mon, 99 Foo 2026 00:00:00 GMT", "9" * 30]),
    ),
    repeatable=st.booleans(),
)
def test_any_refusal_becomes_one_of_our_errors(
    status: int, body: bytes, headers: dict[str, str], *, repeatable: bool
) -> None:
    error = read_failure(status, headers, body, path="/docs/v1/document", repeatable=repeatable, now=NOON)

    assert isinstance(error, ConnectorError)
    assert error.remote is not None
    assert error.remote.status == status
    assert len(error.message) < 1800


@given(body=st.binary(max_size=40) | JSON.map(write_json))
def test_any_answer_to_a_change_is_understood(body: bytes) -> None:
    error = refused_inside(body, repeatable=True)

    assert error is None or isinstance(error, ConnectorError)


@given(value=st.text(max_size=30))
@example(value="Mon, 01 Jan 0001 00:00:00 +1400")
@example(value="Fri, 31 Dec 9999 23:59:59 -1400")
def test_any_rate_header_is_survived_and_no_wait_is_endless(value: str) -> None:
    headers = {"retry-after": value, "x-ratelimit-reset": value, "x-ratelimit-remaining": value}

    read_rate_limit(headers, NOON)

    assert timedelta(0) < wait_until(headers, NOON) - NOON <= LONGEST_PAUSE


@given(
    disposition=st.none()
    | st.text(max_size=60)
    | st.text(max_size=40).map('attachment; filename="{}"'.format)
)
@example(disposition='attachment; filename="../../etc/passwd"')
@example(disposition="attachment; filename*=UTF-8''%2e%2e%2fx")
@example(disposition='attachment; filename="C:\\\\Users\\\\x.pdf"')
@example(disposition='attachment; filename="' + "é" * 400 + '.pdf"')
@example(disposition="attachment; filename*=nonsense''%ff")
def test_any_name_of_a_download_is_one_plain_name(disposition: str | None) -> None:
    name = file_name(disposition, "d-1.pdf")

    assert name not in {"", ".", ".."}
    assert not set(name) & set('/\\:*?"<>|\x00\n')
    assert len(name.encode(errors="surrogatepass")) <= 200
