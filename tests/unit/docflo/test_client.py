"""What holds for every call: credentials, counts, the budget, what is logged, and what an error says."""

import logging
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from connector import __version__
from connector.docflo.client import DocfloClient
from connector.docflo.exchange import Answer
from connector.docflo.outgoing import CreateRow, DocumentQuery, LogQuery, ModelField
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    UnavailableError,
    UnexpectedResponseError,
)
from tests.factories import NOON
from tests.unit.docflo.reach import DOCUMENT, KEY, Recorder, make_settings, sample

READS: dict[str, Callable[[DocfloClient], Any]] = {
    "list": lambda docflo: docflo.list_documents(DocumentQuery()),
    "document": lambda docflo: docflo.document("1"),
    "info": lambda docflo: docflo.info("1"),
    "enabled_types": lambda docflo: docflo.enabled_types(),
    "type_configuration": lambda docflo: docflo.type_configuration("invoice"),
    "ai_search": lambda docflo: docflo.ai_search("x", Decimal("0.7")),
    "ai_ask": lambda docflo: docflo.ai_ask("x"),
    "logs": lambda docflo: docflo.logs(LogQuery()),
    "guest_token": lambda docflo: docflo.guest_token(),
    "analyze": lambda docflo: docflo.analyze(BytesIO(b"x"), "x.pdf", "invoice"),
}
WRITES: dict[str, Callable[[DocfloClient], Any]] = {
    "create": lambda docflo: docflo.create_document(BytesIO(b"x"), "x.pdf"),
    "model_field": lambda docflo: docflo.update_model_field("invoice", "ErpId", ModelField(type="string")),
    "update_fields": lambda docflo: docflo.update_fields("1", {"ErpId": "a01"}),
    "update_status": lambda docflo: docflo.update_status("1", "CONFIRMED"),
}
CALLS = READS | WRITES


def test_every_request_carries_tenant_key_and_who_is_asking() -> None:
    recorder = Recorder(b"[]")

    recorder.client().list_documents(DocumentQuery())

    headers = recorder.requests[0].headers
    assert headers["x-tenant-id"] == "tenant-1"
    assert headers["apiKey"] == KEY
    assert headers["user-agent"] == f"docflo-connector/{__version__}"
    assert (b"apiKey", KEY.encode()) in headers.raw


def test_a_rotated_key_is_used_for_the_next_request(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(b"[]")
    docflo = recorder.client()
    docflo.list_documents(DocumentQuery())
    monkeypatch.setenv("DOCFLO_API_KEY", "  the-next-key\n")

    docflo.list_documents(DocumentQuery())

    assert recorder.requests[1].headers["apiKey"] == "the-next-key"


@pytest.mark.parametrize("key", ["", "two\nlines", "é", " "])
def test_a_key_that_cannot_be_sent_is_named_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(b"[]")
    docflo = recorder.client()
    monkeypatch.setenv("DOCFLO_API_KEY", key)

    with pytest.raises(AccessRefusedError, match=r"docflo\.api_key") as caught:
        docflo.list_documents(DocumentQuery())

    assert "lines" not in str(caught.value)
    assert recorder.requests == []


def test_listing_by_days_sends_days() -> None:
    recorder = Recorder(b"[]")
    query = DocumentQuery(created_from=datetime(2026, 1, 1, tzinfo=UTC))

    recorder.client(created_from_format="date").list_documents(query)

    assert recorder.requests[0].url.params["createdFrom"] == "2026-01-01"


def test_a_base_url_may_have_a_path_and_errors_still_name_the_service() -> None:
    recorder = Recorder(b"", 403)

    with pytest.raises(AccessRefusedError, match="/docs service"):
        recorder.client(base_url="https://gateway.example.com/docflo/").document(DOCUMENT)

    assert str(recorder.requests[0].url) == (
        f"https://gateway.example.com/docflo/docs/v1/document/byId/{DOCUMENT}"
    )


def test_another_document_than_the_one_asked_for_is_refused() -> None:
    with pytest.raises(UnexpectedResponseError, match="asked for document other"):
        Recorder(sample("document/bare.json")).client().document("other")


def test_an_analysis_may_be_silent_until_its_own_deadline() -> None:
    recorder = Recorder(sample("analyze/results.json"))

    recorder.client(read_timeout=5, upload_deadline=300).analyze(BytesIO(b"x"), "x.pdf", "invoice")

    assert recorder.requests[0].extensions["timeout"]["read"] == 300


@pytest.mark.parametrize("operation", ["model_field", "update_fields", "update_status"])
def test_a_change_that_a_page_for_people_answers_is_not_taken_for_done(operation: str) -> None:
    docflo = Recorder(b"<!DOCTYPE html><title>Sign in</title>").client()

    with pytest.raises(UnavailableError):
        WRITES[operation](docflo)


def test_requests_are_counted_by_operation() -> None:
    docflo = Recorder(b"", 500).client()
    for call in CALLS.values():
        with pytest.raises(ConnectorError):
            call(docflo)
    with pytest.raises(ConnectorError):
        docflo.update_status("1", "APPROVED")

    assert docflo.requests == Counter([*CALLS, "update_status"])


@pytest.mark.parametrize("operation", [name for name in CALLS if name != "create"])
def test_a_failing_server_is_unavailable_for_whatever_can_be_repeated(operation: str) -> None:
    with pytest.raises(UnavailableError):
        CALLS[operation](Recorder(b"", 502).client())


def test_a_failing_server_leaves_an_upload_in_doubt() -> None:
    with pytest.raises(OutcomeUnknownError):
        WRITES["create"](Recorder(b"", 502).client())


def test_a_failing_server_leaves_new_rows_in_doubt() -> None:
    with pytest.raises(OutcomeUnknownError):
        Recorder(b"", 502).client().update_fields("1", {"Items": [CreateRow(fields={"A": "x"})]})


def test_a_refusal_keeps_docflos_words() -> None:
    with pytest.raises(RejectedError, match="INVALID_DOCUMENT_TYPE") as caught:
        Recorder(sample("errors/documented.json"), 400).client().update_fields("1", {"A": "x"})

    assert caught.value.remote is not None
    assert caught.value.remote.details == "Supported types: invoice, receipt"


@pytest.mark.parametrize("status", [200, 400])
def test_the_rate_limit_is_that_of_the_last_answer_that_told_one(status: int) -> None:
    reset = str(int((NOON + timedelta(minutes=5)).timestamp()))
    headers = {"X-RateLimit-Limit": "1000", "X-RateLimit-Remaining": "7", "X-RateLimit-Reset": reset}
    docflo = Recorder(b"[1", status, headers).client()

    with pytest.raises(ConnectorError):
        docflo.list_documents(DocumentQuery())

    assert docflo.rate_limit is not None
    assert (docflo.rate_limit.limit, docflo.rate_limit.remaining) == (1000, 7)
    assert docflo.rate_limit.reset_at == NOON + timedelta(minutes=5)


def test_an_answer_without_rate_headers_does_not_erase_what_is_known() -> None:
    answers = iter([{"X-RateLimit-Remaining": "7"}, {}])

    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"[]", headers=next(answers))

    docflo = DocfloClient(make_settings(), transport=httpx.MockTransport(answer))
    docflo.list_documents(DocumentQuery())
    docflo.list_documents(DocumentQuery())

    assert docflo.rate_limit is not None
    assert docflo.rate_limit.remaining == 7


def test_one_event_tells_of_a_request_without_what_it_carried() -> None:
    with structlog.testing.capture_logs() as logged:
        Recorder(sample("document/bare.json"), headers={"X-RateLimit-Remaining": "7"}).client().document(
            DOCUMENT
        )

    (event,) = logged
    assert event.pop("milliseconds") >= 0
    assert event == {
        "event": "docflo.request",
        "operation": "document",
        "path": f"/docs/v1/document/byId/{DOCUMENT}",
        "status": 200,
        "remaining": 7,
        "log_level": "debug",
    }


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("status", [200, 302, 401, 403, 429, 500])
def test_the_key_is_in_no_log_and_no_error_even_if_the_server_repeats_it(
    operation: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    body = b'{"error": {"code": "BAD_KEY", "message": "key %s is unknown", "details": "%s"}}' % (
        KEY.encode(),
        KEY.encode(),
    )
    docflo = Recorder(body, status).client()

    with structlog.testing.capture_logs() as logged:
        try:
            CALLS[operation](docflo)
        except ConnectorError as error:
            assert KEY not in repr((str(error), error.remedy, error.remote))  # noqa: PT017 no error is fine too

    assert KEY not in repr(logged)
    assert KEY not in caplog.text
    assert KEY not in repr(docflo)


def test_an_answer_does_not_show_the_key_that_it_is_read_without() -> None:
    answer = Answer(status=200, headers={}, body=iter([b"you sent ", KEY.encode()]), key=KEY)

    assert KEY not in repr(answer)
    assert answer.read(100) == b"you sent ***"


def test_a_request_that_cannot_be_sent_does_not_show_what_it_carried() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value {KEY!r}")

    docflo = DocfloClient(make_settings(), transport=httpx.MockTransport(refuse))

    with pytest.raises(ConnectorError) as caught:
        docflo.list_documents(DocumentQuery())

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError],
)
def test_a_request_that_was_never_sent_is_not_in_doubt(error: type[httpx.TransportError]) -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        raise error("no route")

    docflo = DocfloClient(make_settings(), transport=httpx.MockTransport(refuse))

    with pytest.raises(UnavailableError, match=r"api\.docflo\.ai") as caught:
        WRITES["create"](docflo)

    assert "docflo.base_url" in caught.value.remedy


@pytest.mark.parametrize(
    "error", [httpx.ReadTimeout, httpx.ReadError, httpx.WriteTimeout, httpx.RemoteProtocolError]
)
def test_a_lost_answer_is_in_doubt_where_a_repeat_would_do_harm(error: type[httpx.TransportError]) -> None:
    def lose(_request: httpx.Request) -> httpx.Response:
        raise error("gone")

    docflo = DocfloClient(make_settings(), transport=httpx.MockTransport(lose))

    with pytest.raises(OutcomeUnknownError):
        WRITES["create"](docflo)
    with pytest.raises(UnavailableError):
        docflo.update_status("1", "APPROVED")


def test_a_ca_bundle_that_is_none_is_named(tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("not a certificate", encoding="utf-8")

    with pytest.raises(ConnectorError, match=r"docflo\.ca_bundle"):
        DocfloClient(make_settings(ca_bundle=bundle))


@pytest.mark.parametrize("identifier", ["", ".", ".."])
def test_an_id_that_would_change_the_path_is_never_sent(identifier: str, tmp_path: Path) -> None:
    recorder = Recorder()
    docflo = recorder.client()
    calls: list[Callable[[], object]] = [
        lambda: docflo.document(identifier),
        lambda: docflo.info(identifier),
        lambda: docflo.update_status(identifier, "APPROVED"),
        lambda: docflo.update_fields(identifier, {"A": "x"}),
        lambda: docflo.type_configuration(identifier),
        lambda: docflo.download_original(identifier, tmp_path),
        lambda: docflo.download_email(identifier, tmp_path),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="cannot be"):
            call()

    assert recorder.requests == []
