"""What a real network does: redirects, refusals, cut answers, hostile names, and secrets that stay secret."""

import json
import socket
from pathlib import Path

import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from connector.docflo.client import DocfloClient
from connector.docflo.settings import DocfloSettings
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    RejectedError,
    UnavailableError,
    UnexpectedResponseError,
)
from connector.references import OFFLINE
from tests.unit.docflo.reach import KEY, Recorder, Speak, listening, make_settings


def says(answer: bytes) -> Speak:
    def speak(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(answer)

    return speak


def downloading(tmp_path: Path, body: bytes, **headers: str) -> Path:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Recorder(body, headers=told).client(max_download_mb=1).download_original("d-1", tmp_path).path


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_does_not_travel(status: int) -> None:
    visits: list[bytes] = []

    with listening(lambda _connection, head: visits.append(head)) as elsewhere:
        redirect = f"HTTP/1.1 {status} Moved\r\nLocation: {elsewhere}/x?token=t\r\nContent-Length: 0\r\n\r\n"
        with listening(says(redirect.encode())) as url, DocfloClient(make_settings(base_url=url)) as docflo:
            with pytest.raises(UnexpectedResponseError, match="redirect to 127.0.0.1") as caught:
                docflo.update_status("1", "APPROVED")

    assert visits == []
    assert "token" not in caught.value.message


def test_a_refused_connection_names_the_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    with pytest.raises(UnavailableError, match=r"cannot reach 127\.0\.0\.1"):
        DocfloClient(make_settings(base_url=url)).enabled_types()


def test_an_answer_that_is_cut_off_is_no_answer() -> None:
    cut = b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n["invoice"]'
    with listening(says(cut)) as url, DocfloClient(make_settings(base_url=url)) as docflo:
        with pytest.raises(UnavailableError, match="no complete answer"):
            docflo.enabled_types()


def test_a_download_that_is_cut_off_leaves_no_file(tmp_path: Path) -> None:
    cut = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nContent-Length: 1000\r\n\r\n%PDF"
    with listening(says(cut)) as url, DocfloClient(make_settings(base_url=url)) as docflo:
        with pytest.raises(UnavailableError):
            docflo.download_original("1", tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_download_above_the_cap_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(UnexpectedResponseError, match="larger than 1 MB"):
        downloading(tmp_path, b"x" * (2**20 + 1), Content_Type="application/pdf")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"url": "https://files"}', "application/json"),
        (b"<html></html>", "text/html"),
        (b"", "application/pdf"),
    ],
)
def test_what_is_not_a_file_is_not_saved_as_one(tmp_path: Path, body: bytes, content_type: str) -> None:
    with pytest.raises(UnexpectedResponseError, match="expected a file"):
        downloading(tmp_path, body, Content_Type=content_type)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "disposition",
    [
        'attachment; filename="../../etc/passwd"',
        r'attachment; filename="..\\..\\boot.ini"',
        "attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd",
        "attachment; filename*=UTF-8''invoice%E2%80%AEfdp.exe",
        "attachment; filename*=UTF-8''a%00b%0Ac.pdf",
        'attachment; filename=".."',
        'attachment; filename=""',
        f'attachment; filename="{"a" * 300}.pdf"',
        "attachment; filename*=UTF-8''" + "%E2%82%AC" * 200 + ".pdf",
        "attachment; filename*=no-such-charset''a.pdf",
    ],
)
def test_a_file_stays_in_its_folder_under_a_harmless_name(tmp_path: Path, disposition: str) -> None:
    path = downloading(tmp_path / "in", b"x", Content_Type="application/pdf", Content_Disposition=disposition)

    assert path.parent == tmp_path / "in"
    assert list((tmp_path / "in").iterdir()) == [path]
    assert not set(path.name) & set('/\\\u202e\x00\n"')
    assert not path.name.startswith(".")


def test_a_document_that_did_not_come_by_mail_has_no_email(tmp_path: Path) -> None:
    docflo = Recorder(b'{"error": {"code": "NOT_FOUND", "message": "none", "details": ""}}', 404).client()

    with pytest.raises(RejectedError, match="no e-mail"):
        docflo.download_email("1", tmp_path)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_a_key_that_the_server_repeats_is_in_no_error_and_no_log(status: int) -> None:
    echo = json.dumps({"error": {"code": "BAD_KEY", "message": f"bad key {KEY}", "details": KEY}}).encode()
    docflo = Recorder(echo, status).client()

    with capture_logs() as logged, pytest.raises(Exception, match="BAD_KEY") as caught:
        docflo.enabled_types()

    error = caught.value
    assert KEY not in repr((error, vars(error), logged, docflo, docflo.__dict__["_settings"]))


@pytest.mark.parametrize("key", [f" {KEY}", f"{KEY}\r\n", f"\t{KEY} "])
def test_blanks_around_a_key_are_not_sent(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("DOCFLO_API_KEY", key)
    recorder = Recorder(b"[]")

    recorder.client().enabled_types()

    assert recorder.requests[0].headers["apiKey"] == KEY


@pytest.mark.parametrize("key", ["a\nb-secret", "clé-secret", "a\x00b-secret"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key: str
) -> None:
    (tmp_path / "key").write_text(key, encoding="utf-8")
    recorder = Recorder(b"[]")

    with pytest.raises(AccessRefusedError) as caught:
        recorder.client(api_key=f"${{file:{tmp_path / 'key'}}}").enabled_types()

    assert "secret" not in str(caught.value)
    assert recorder.requests == []


def test_a_key_that_is_rotated_is_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(b"[]")
    docflo = recorder.client()
    docflo.enabled_types()

    monkeypatch.setenv("DOCFLO_API_KEY", "the-next-key")
    docflo.enabled_types()

    assert [request.headers["apiKey"] for request in recorder.requests] == [KEY, "the-next-key"]


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_bundle_that_cannot_be_read_is_a_mistake_in_the_configuration(
    tmp_path: Path, content: bytes | None
) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_bytes(content)

    with pytest.raises(ConfigError, match="ca_bundle"):
        DocfloClient(make_settings(ca_bundle=bundle))


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.docflo.ai",
        "http://localhost.example.com",
        "ftp://api.docflo.ai",
        "api.docflo.ai",
        "https://",
        "https://user:password@api.docflo.ai",
        "https://api.docflo.ai?key=1",
    ],
)
def test_an_address_that_is_not_safe_is_refused(base_url: str) -> None:
    with pytest.raises(ValidationError, match="base_url"):
        make_settings(base_url=base_url)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_plain_http_is_for_this_machine(host: str) -> None:
    assert make_settings(base_url=f"http://{host}/").base_url == f"http://{host}"


def test_a_literal_key_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValidationError, match="references") as caught:
        make_settings(api_key="literal-secret")

    assert "literal-secret" not in caught.value.errors(include_input=False, include_url=False)[0]["msg"]


def test_an_address_from_the_environment_may_be_missing_when_checked_offline() -> None:
    values = {"base_url": "${env:NO_SUCH_URL}", "tenant_id": "t", "api_key": "${env:NO_SUCH_KEY}"}

    settings = DocfloSettings.model_validate(values, context={OFFLINE: True})

    assert settings.base_url == "${env:NO_SUCH_URL}"
