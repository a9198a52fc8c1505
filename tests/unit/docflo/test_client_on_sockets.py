"""What only a real connection shows: silence, cuts, redirects and refusals."""

import io
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from connector.clock import utc_now
from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.errors import OutcomeUnknownError, UnavailableError, UnexpectedResponseError
from tests.unit.docflo.reach import listening, make_settings

QUICK = 0.4  # seconds of a deadline under test
PATIENCE = 5  # far below what a missed deadline would take


def client(url: str, **parts: object) -> DocfloClient:
    return DocfloClient(make_settings(base_url=url, **parts))


def answer(connection: socket.socket, body: bytes, status: str = "200 OK", *headers: str) -> None:
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""])
    connection.sendall(head.encode() + body)


def test_silence_ends_with_the_read_timeout() -> None:
    stop = Event()

    def say_nothing(_connection: socket.socket, _head: bytes) -> None:
        stop.wait(30)

    began = time.monotonic()
    with (
        listening(say_nothing) as url,
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


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = utc_now()
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = Encoding.PEM
    path = tmp_path / "ca.pem"
    path.write_bytes(signed.public_bytes(pem) + key.private_bytes(pem, PrivateFormat.PKCS8, NoEncryption()))
    return path


@contextmanager
def listening_behind_tls(certificate: Path) -> Iterator[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as line:
                line.recv(65536)
                answer(line, b"[]")

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=serve, args=(server,), daemon=True).start()
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


def test_a_certificate_that_is_not_trusted_leaves_nothing_in_doubt_and_names_the_setting(
    certificate: Path,
) -> None:
    with (
        listening_behind_tls(certificate) as url,
        client(url) as docflo,
        pytest.raises(UnavailableError, match="certificate") as caught,
    ):
        docflo.create_document(io.BytesIO(b"x"), "x.pdf")

    assert "docflo.ca_bundle" in caught.value.remedy


def test_a_certificate_of_the_bundle_is_trusted(certificate: Path) -> None:
    with listening_behind_tls(certificate) as url, client(url, ca_bundle=certificate) as docflo:
        page = docflo.list_documents(DocumentQuery())

    assert page.documents == ()
