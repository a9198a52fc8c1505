import io
import tracemalloc
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from connector.docflo.download import TooLargeError, file_name, receive
from connector.errors import ConnectorError, RejectedError, UnexpectedResponseError
from tests.unit.docflo.reach import DOCUMENT, Recorder

PDF = b"%PDF-1.7\n" + bytes(range(256)) * 1000


def attachment(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Content-Type": "application/pdf"}


def test_an_original_is_saved_under_its_own_name(tmp_path: Path) -> None:
    recorder = Recorder(PDF, headers=attachment("invoice 7.pdf"))

    download = recorder.client().download_original(DOCUMENT, tmp_path)

    assert recorder.line == f"GET /docs/v1/document/download/{DOCUMENT}/original"
    assert download.path == tmp_path / "invoice 7.pdf"
    assert download.path.read_bytes() == PDF
    assert (download.size, download.sha256) == (len(PDF), sha256(PDF).hexdigest())
    assert download.content_type == "application/pdf"
    assert list(tmp_path.iterdir()) == [download.path]


def test_an_email_is_saved(tmp_path: Path) -> None:
    recorder = Recorder(b"From: a@example.com\r\n\r\nHello", headers={"Content-Type": "message/rfc822"})

    download = recorder.client().download_email(DOCUMENT, tmp_path)

    assert recorder.line == f"GET /docs/v1/document/download/{DOCUMENT}/email"
    assert download.path.parent == tmp_path
    assert download.path.suffix == ".eml"
    assert download.content_type == "message/rfc822"


def test_a_missing_email_says_which_documents_have_one(tmp_path: Path) -> None:
    with pytest.raises(RejectedError) as caught:
        Recorder(b'{"error": {"code": "X", "message": "no"}}', 404).client().download_email(
            DOCUMENT, tmp_path
        )

    assert "mailbox" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"url": "https://files.example.com/x?sig=1"}', "application/json; charset=utf-8"),
        (b'{"title": "no"}', "application/problem+json"),
        (b'  {"url": "https://files.example.com/x"}', ""),
        (b"<!DOCTYPE html><title>Sign in</title>", "text/html"),
        (b"<html>", "application/octet-stream"),
        (b"", "application/pdf"),
    ],
)
def test_what_is_no_file_is_not_saved_as_one(body: bytes, content_type: str, tmp_path: Path) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    with pytest.raises(UnexpectedResponseError, match="expected a file"):
        Recorder(body, headers=headers).client().download_original(DOCUMENT, tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_file_of_json_that_carries_a_name_is_a_file(tmp_path: Path) -> None:
    headers = {"Content-Disposition": 'attachment; filename="data.json"', "Content-Type": "application/json"}

    download = Recorder(b"{}", headers=headers).client().download_original(DOCUMENT, tmp_path)

    assert download.path.name == "data.json"


def test_the_type_of_a_file_that_tells_none_is_seen_from_its_start(tmp_path: Path) -> None:
    headers = {"Content-Type": "application/octet-stream"}

    assert Recorder(PDF, headers=headers).client().download_original("1", tmp_path).content_type == (
        "application/pdf"
    )
    assert Recorder(b"\x00\x01", headers=headers).client().download_original("2", tmp_path).content_type == (
        "application/octet-stream"
    )


def test_a_file_beyond_the_cap_leaves_nothing_behind(tmp_path: Path) -> None:
    recorder = Recorder(b"x" * (2**20 + 1), headers=attachment("big.pdf"))

    with pytest.raises(ConnectorError, match="larger than 1 MB") as caught:
        recorder.client(max_download_mb=1).download_original(DOCUMENT, tmp_path)

    assert "max_download_mb" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(ConnectorError, match="cannot write into"):
        Recorder(PDF, headers=attachment("x.pdf")).client().download_original("1", tmp_path / "file")


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="invoice.pdf"', "invoice.pdf"),
        ("attachment; filename=invoice.pdf", "invoice.pdf"),
        ("attachment; filename=\"x.pdf\"; filename*=UTF-8''%D7%97%D7%A9.pdf", "חש.pdf"),
        ('inline; filename="../../etc/passwd"', "passwd"),
        ('attachment; filename="C:\\\\Users\\\\me\\\\x.pdf"', "x.pdf"),
        ('attachment; filename="a\x00b\x1f.pdf"', "a_b_.pdf"),
        ('attachment; filename="..."', "document"),
        ('attachment; filename="/absolute/x.pdf"', "x.pdf"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("attachment; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20x.pdf", "a__Set-Cookie_ x.pdf"),
        ("attachment; filename*=UTF-8''a%00.pdf", "a_.pdf"),
        ("attachment; filename*=UTF-8''%E2%80%AEfdp.exe", "_fdp.exe"),
        ('attachment; filename="fdp.\u202eexe"', "fdp._exe"),
        ("attachment", "d-1.pdf"),
        (None, "d-1.pdf"),
    ],
)
def test_a_name_is_one_plain_name_within_the_folder(disposition: str | None, name: str) -> None:
    assert file_name(disposition, "d-1.pdf") == name


def test_a_long_name_keeps_its_ending() -> None:
    name = file_name('attachment; filename="' + "a" * 300 + '.pdf"', "d-1.pdf")

    assert name.endswith("a.pdf")
    assert len(name) <= 200


def test_an_id_with_slashes_stays_within_the_folder(tmp_path: Path) -> None:
    download = Recorder(PDF).client().download_original("../../x", tmp_path)

    assert download.path.resolve().parent == tmp_path


def test_an_original_goes_into_a_file_of_the_callers_own() -> None:
    recorder = Recorder(PDF, headers=attachment("invoice 7.pdf"))
    contents = io.BytesIO()

    received = recorder.client().receive_original(DOCUMENT, contents, most=len(PDF))

    assert contents.getvalue() == PDF
    assert (received.name, received.size, received.sha256) == (
        "invoice 7.pdf",
        len(PDF),
        sha256(PDF).hexdigest(),
    )


def test_an_original_that_is_too_large_is_told_apart_and_nothing_of_it_is_read() -> None:
    contents = io.BytesIO()

    with pytest.raises(TooLargeError):
        Recorder(PDF, headers=attachment("a.pdf")).client().receive_original(
            DOCUMENT, contents, most=len(PDF) - 1
        )

    assert contents.getvalue() == b""


def test_an_original_is_never_in_memory_as_a_whole() -> None:
    def megabytes() -> Iterator[bytes]:
        for number in range(40):
            yield bytes([number]) * 2**20

    with TemporaryFile() as contents:
        tracemalloc.start()
        received = receive(megabytes(), attachment("a.pdf"), contents, fallback="a")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert received.size == 40 * 2**20
    assert peak < 5 * 2**20
