"""What only a real connection shows: drips, cuts, redirects, refusals, and what an upload keeps in memory."""

import io
import socket
import time
import tracemalloc
from pathlib import Path
from threading import Event

import pytest

from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.errors import OutcomeUnknownError, UnavailableError, UnexpectedResponseError
from tests.unit.docflo.reach import listening, make_settings

QUICK = 0.4  # seconds of a deadline under test
PATIENCE = 5  # far below what a missed deadline would take


class Generated(io.RawIOBase):
    """A file of zeros that exists nowhere."""

    def __init__(self, size: int) -> None:
        self.left = size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # what RawIOBase gives
        size = min(len(buffer), self.left)
        buffer[:size] = bytes(size)
        self.left -= size
        return size


def client(url: str, **parts: object) -> DocfloClient:
    return DocfloClient(make_settings(base_url=url, **parts))


def answer(connection: socket.socket, body: bytes, status: str = "200 OK", *headers: str) -> None:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    connection.sendall(head.encode() + body)


@pytest.mark.parametrize("drip", [b" ", b"X-Filler: x\r\n"], ids=["body", "head"])
def test_an_answer_that_drips_ends_with_the_deadline(drip: bytes) -> None:
    stop = Event()

    def speak(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + (b"\r\n" if drip == b" " else b"")
        )
        while not stop.wait(0.05):
            connection.sendall(drip)

    began = time.monotonic()
    with (
        listening(speak) as url,
        client(url, deadline=QUICK, read_timeout=30) as docflo,
        pytest.raises(UnavailableError, match=r"127\.0\.0\.1"),
    ):
        docflo.list_documents(DocumentQuery())
    stop.set()

    assert time.monotonic() - began < PATIENCE


def test_a_download_that_drips_leaves_nothing_behind(tmp_path: Path) -> None:
    stop = Event()

    def speak(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7")
        while not stop.wait(0.05):
            connection.sendall(b"x")

    with (
        listening(speak) as url,
        client(url, deadline=QUICK, upload_deadline=QUICK, read_timeout=30) as docflo,
        pytest.raises(UnavailableError),
    ):
        docflo.download_original("1", tmp_path)
    stop.set()

    assert list(tmp_path.iterdir()) == []


def test_silence_ends_with_the_read_timeout() -> None:
    stop = Event()
    began = time.monotonic()
    with (
        listening(lambda _connection, _head: stop.wait(30) and None) as url,
        client(url, read_timeout=QUICK) as docflo,
        pytest.raises(UnavailableError),
    ):
        docflo.list_documents(DocumentQuery())
    stop.set()

    assert time.monotonic() - began < PATIENCE


def test_a_redirect_is_not_followed_so_the_key_does_not_travel() -> None:
    asked: list[bytes] = []

    def elsewhere(connection: socket.socket, head: bytes) -> None:
        asked.append(head)
        answer(connection, b"[]")

    with listening(elsewhere) as other:

        def redirect(connection: socket.socket, _head: bytes) -> None:
            answer(connection, b"", "307 Temporary Redirect", f"Location: {other}/x?token=abc")

        with (
            listening(redirect) as url,
            client(url) as docflo,
            pytest.raises(UnexpectedResponseError, match="redirect") as caught,
        ):
            docflo.list_documents(DocumentQuery())

    assert asked == []
    assert "abc" not in str(caught.value)


def test_a_refused_connection_names_the_host_and_leaves_nothing_in_doubt() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        docflo = client(f"http://127.0.0.1:{unused.getsockname()[1]}")

        with pytest.raises(UnavailableError, match=r"127\.0\.0\.1") as caught:
            docflo.create_document(io.BytesIO(b"x"), "x.pdf")

    assert "docflo.base_url" in caught.value.remedy


def test_a_body_that_is_cut_off_is_no_answer() -> None:
    def cut(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"documents": []')

    with listening(cut) as url, client(url) as docflo, pytest.raises(UnavailableError):
        docflo.list_documents(DocumentQuery())


def test_an_upload_whose_answer_is_lost_is_in_doubt() -> None:
    with (
        listening(lambda _connection, _head: None) as url,
        client(url) as docflo,
        pytest.raises(OutcomeUnknownError) as caught,
    ):
        docflo.create_document(io.BytesIO(b"x"), "x.pdf")

    assert "before sending it again" in caught.value.remedy


def test_plain_text_behind_https_is_not_blamed_on_the_certificate() -> None:
    with (
        listening(lambda connection, _head: answer(connection, b"[]")) as url,
        client(url.replace("http:", "https:"), connect_timeout=QUICK) as docflo,
        pytest.raises(UnavailableError) as caught,
    ):
        docflo.list_documents(DocumentQuery())

    assert "certificate" not in caught.value.message


def test_a_proxy_of_the_machine_is_not_asked_for_the_machine_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with listening(lambda connection, _head: answer(connection, b"[]")) as url, client(url) as docflo:
        page = docflo.list_documents(DocumentQuery())

    assert page.documents == ()


def test_an_upload_of_any_size_stays_out_of_memory() -> None:
    size = 64 * 2**20
    received = [0]

    def swallow(connection: socket.socket, head: bytes) -> None:
        end = b"--\r\n\r\n0\r\n\r\n" if b"chunked" in head.lower() else b"--\r\n"
        tail = head
        while not tail.endswith(end):
            chunk = connection.recv(2**18)
            received[0] += len(chunk)
            tail = (tail + chunk)[-64:]
        answer(connection, b'{"_id": "d-1"}', "201 Created")

    told: list[int] = []
    with listening(swallow) as url, client(url) as docflo:
        tracemalloc.start()
        uploaded = docflo.create_document(
            io.BufferedReader(Generated(size)), "x.pdf", "invoice", progress=told.append
        )
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert uploaded.ids == ("d-1",)
    assert received[0] > size
    assert told[-1] == size
    assert peak < 8 * 2**20
