import gzip
import socket
import threading
import time
from contextlib import suppress
from typing import Self

import pytest
import requests

from connector.adapters.salesforce.session import SalesforceSession
from tests.unit.adapters.canned_server import CannedServer, Reply, make_settings

HEADERS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class DrippingServer:
    """Answers with `start` and then `drop`, over and over, until nobody listens."""

    def __init__(self, start: bytes, drop: bytes) -> None:
        self._start, self._drop = start, drop
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _serve(self) -> None:
        line, _ = self._listener.accept()
        with line, suppress(OSError):
            line.recv(65536)
            line.sendall(self._start)
            while True:
                line.sendall(self._drop)
                time.sleep(0.02)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._listener.close()


@pytest.mark.parametrize(
    ("start", "drop"),
    [(HEADERS, b"1\r\n \r\n"), (b"HTTP/1.1 200 OK\r\n", b"X-Slow: 1\r\n"), (b"HTTP/1.1 ", b"2")],
    ids=["body", "headers", "status line"],
)
def test_an_answer_that_drips_is_given_up_at_the_total_deadline(start: bytes, drop: bytes) -> None:
    settings = make_settings(deadline=0.3)
    with (
        DrippingServer(start, drop) as server,
        SalesforceSession(settings) as session,
        pytest.raises(requests.exceptions.ReadTimeout, match="not complete after"),
    ):
        session.get(server.url)


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(b'{"a": "\xd7\xa9"}' * 50_000)
    reply = Reply(body=body, headers={"Content-Encoding": "gzip"})
    with CannedServer(lambda _: reply) as server, SalesforceSession(make_settings(server.url)) as session:
        answer = session.get(server.url)

    assert answer.content == b'{"a": "\xd7\xa9"}' * 50_000


def test_a_chunked_answer_is_read() -> None:
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    with (
        CannedServer(lambda _: Reply(raw=raw)) as server,
        SalesforceSession(make_settings(server.url)) as session,
    ):
        assert session.get(server.url).content == b"abcde"


def test_a_connection_is_used_again() -> None:
    with (
        CannedServer(lambda _: Reply(body={})) as server,
        SalesforceSession(make_settings(server.url)) as session,
    ):
        session.get(server.url)
        session.get(server.url)

    assert server.asked[0].port == server.asked[1].port


def test_a_configured_ca_bundle_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/theirs.pem")
    settings = make_settings("https://127.0.0.1:9", ca_bundle="/ours.pem")

    with SalesforceSession(settings) as session, pytest.raises(OSError, match=r"/ours\.pem"):
        session.get("https://127.0.0.1:9")


def test_a_proxy_from_the_environment_has_no_business_on_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with (
        CannedServer(lambda _: Reply(body={})) as server,
        SalesforceSession(make_settings(server.url)) as session,
    ):
        assert session.get(server.url).status_code == 200
