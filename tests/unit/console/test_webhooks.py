"""Who calls, and which document a call is about."""

import base64
import hashlib
import hmac
from typing import Any

import pytest

from connector.console.webhooks import document_id_of, is_known, is_signed
from connector.web_settings import SignatureSettings, WebhookSettings, WebSettings, refuse_strangers

BASIC = {"type": "basic", "user": "docflo", "password": "${env:HOOK}"}
BODY = b'{"event": "document.approved"}'


@pytest.fixture(autouse=True)
def _secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "s3cret")


def settings(**auth: Any) -> WebhookSettings:
    return WebhookSettings.model_validate({"auth": auth})


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


@pytest.mark.parametrize(
    ("auth", "headers", "is_ours"),
    [
        ({"type": "none"}, {}, True),
        ({"type": "bearer", "token": "${env:HOOK}"}, {"authorization": "Bearer s3cret"}, True),
        ({"type": "bearer", "token": "${env:HOOK}"}, {"authorization": "bearer s3cret"}, True),
        ({"type": "bearer", "token": "${env:HOOK}"}, {"authorization": "Bearer s3cre"}, False),
        ({"type": "bearer", "token": "${env:HOOK}"}, {"authorization": "Basic s3cret"}, False),
        ({"type": "bearer", "token": "${env:HOOK}"}, {}, False),
        (BASIC, {"authorization": basic("docflo:s3cret")}, True),
        (BASIC, {"authorization": basic("other:s3cret")}, False),
        (BASIC, {"authorization": "Basic %%%"}, False),
        ({"type": "header", "name": "x-key", "value": "${env:HOOK}"}, {"x-key": "s3cret"}, True),
        ({"type": "header", "name": "x-key", "value": "${env:HOOK}"}, {"x-key": "s3cret "}, False),
        ({"type": "header", "name": "x-key", "value": "${env:HOOK}"}, {"x-key": "ä"}, False),
        ({"type": "header", "name": "x-key", "value": "${env:HOOK}"}, {}, False),
    ],
)  # fmt: skip
def test_only_who_shows_the_credentials_is_known(
    auth: dict[str, Any],
    headers: dict[str, str],
    is_ours: bool,  # noqa: FBT001 a table
) -> None:
    assert is_known(settings(**auth), headers) is is_ours


@pytest.mark.parametrize("algorithm", ["sha256", "sha512", "sha1"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("prefix", ["", "sha256="])
def test_a_signature_of_any_form_is_that_of_its_body_alone(
    algorithm: str, encoding: str, prefix: str
) -> None:
    signature = SignatureSettings.model_validate(
        {
            "secret": "${env:HOOK}",
            "header": "x-sig",
            "algorithm": algorithm,
            "encoding": encoding,
            "prefix": prefix,
        }
    )
    digest = hmac.new(b"s3cret", BODY, getattr(hashlib, algorithm)).digest()
    text = prefix + (digest.hex() if encoding == "hex" else base64.b64encode(digest).decode())

    assert is_signed(signature, {"x-sig": text}, BODY)
    assert not is_signed(signature, {"x-sig": text}, BODY + b" ")
    assert not is_signed(signature, {"x-sig": text[:-2]}, BODY)
    assert not is_signed(signature, {"x-sig": "nonsense ü"}, BODY)
    assert not is_signed(signature, {}, BODY)


@pytest.mark.parametrize(
    ("body", "document_id"),
    [
        (b'{"documentId": "a"}', "a"),
        (b'{"id": "event", "document": {"_id": "a"}}', "a"),
        (b'{"id": "event", "data": {"document": {"id": "a"}}}', "a"),
        (b'{"data": {"documentId": 12345}}', "12345"),
        (b'{"_id": "a", "fields": {"InvoiceId": {"value": "R-1"}}}', "a"),
        (b'[{"id": "a"}]', "a"),
        (b'{"id": true}', None),
        (b'{"id": ""}', None),
        (b'{"event": "something"}', None),
        (b"", None),
        (b"not json", None),
        (b"[" * 100_000, None),
        (b'{"id": "' + b"x" * 300 + b'"}', None),
    ],
)
def test_the_id_is_found_where_it_may_be(body: bytes, document_id: str | None) -> None:
    assert document_id_of(body) == document_id


@pytest.mark.parametrize(
    ("host", "webhook", "is_refused"),
    [
        ("127.0.0.1", {"auth": {"type": "none"}}, False),
        ("0.0.0.0", {"auth": {"type": "none"}}, True),  # noqa: S104 what is refused
        ("0.0.0.0", {"auth": {"type": "none"}, "allow_unauthenticated": True}, False),  # noqa: S104
        ("0.0.0.0", {"auth": {"type": "none"}, "signature": {"secret": "${env:HOOK}"}}, False),  # noqa: S104
        ("0.0.0.0", {"auth": {"type": "bearer", "token": "${env:HOOK}"}}, False),  # noqa: S104
    ],
)
def test_strangers_are_let_in_from_this_machine_only(host: str, webhook: Any, is_refused: bool) -> None:  # noqa: FBT001
    refused = refuse_strangers(WebSettings(host=host), WebhookSettings.model_validate(webhook))

    assert (refused is not None) is is_refused
