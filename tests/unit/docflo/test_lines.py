"""Connections that are kept, and what a kept connection must never do."""

import gzip
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import CreateRow
from connector.errors import UnavailableError
from tests.unit.docflo.reach import make_settings

KEEPS = b"Connection: keep-alive\r\n"
TYPES = b'["invoice"]'


class Server:
    """Answers request after request of each connection as `answer` says, and counts connections."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self.connections: list[socket.socket] = []
        self._speaking: list[threading.Thread] = []
        self._answer = answer

    @contextmanager
    def running(self) -> Iterator[DocfloClient]:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            with DocfloClient(make_settings(base_url=url)) as docflo:
                yield docflo
        for speaking in self._speaking:
            speaking.join()  # each ends with its connection, which the client has closed

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections.append(connection)
            speaking = threading.Thread(target=self._speak, args=(connection,), daemon=True)
            self._speaking.append(speaking)
            speaking.start()

    def _speak(self, connection: socket.socket) -> None:
        received = b""
        with connection, suppress(OSError):
            while chunk := connection.recv(65_536):
                received += chunk
                head, end, body = received.partition(b"\r\n\r\n")
                length = re.search(rb"\r\nContent-Length: (\d+)", head)
                if end and len(body) >= (int(length[1]) if length else 0):
                    received = b""
                    self._answer(connection)


def whole(headers: bytes, body: bytes = TYPES, *, version: bytes = b"1.1") -> Callable[[socket.socket], None]:
    head = b"HTTP/%b 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (version, headers, len(body))
    return lambda connection: connection.sendall(head + body)


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        (whole(KEEPS), 1),
        (whole(b""), 1),
        (whole(b"Connection: close\r\n"), 3),
        (whole(b"", version=b"1.0"), 3),
        (whole(KEEPS, version=b"1.0"), 1),
    ],
    ids=["keeps", "silent", "closes", "old", "old-and-keeps"],
)
def test_a_connection_is_kept_as_http_says(answer: Callable[[socket.socket], None], connections: int) -> None:
    server = Server(answer)

    with server.running() as docflo:
        for _ in range(3):
            docflo.enabled_types()

    assert len(server.connections) == connections


def test_a_server_that_closes_without_a_word_costs_one_call_and_its_connections_are_kept_no_more() -> None:
    asked: list[socket.socket] = []

    def answer_once(connection: socket.socket) -> None:
        asked.append(connection)
        if asked.count(connection) == 1:
            whole(b"")(connection)
        else:
            connection.shutdown(socket.SHUT_RDWR)  # as one that closed while the question was under way

    server = Server(answer_once)

    with server.running() as docflo:
        docflo.enabled_types()
        with pytest.raises(UnavailableError):
            docflo.enabled_types()
        for _ in range(3):
            docflo.enabled_types()

    assert len(server.connections) == 4


def test_a_kept_connection_that_the_server_has_closed_costs_no_call() -> None:
    server = Server(whole(KEEPS))

    with server.running() as docflo:
        docflo.enabled_types()
        server.connections[0].shutdown(socket.SHUT_RDWR)
        assert docflo.enabled_types()

    assert len(server.connections) == 2


def test_a_connection_that_was_idle_too_long_is_not_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.docflo.lines.IDLE", 0.0)
    server = Server(whole(KEEPS))

    with server.running() as docflo:
        docflo.enabled_types()
        docflo.enabled_types()

    assert len(server.connections) == 2


def test_what_must_not_be_sent_twice_never_travels_on_a_kept_connection() -> None:
    server = Server(whole(KEEPS, b'{"success":true}'))

    with server.running() as docflo:
        for _ in range(2):
            docflo.update_fields("1", {"Items": [CreateRow(fields={"Unit": "box"})]})

    assert len(server.connections) == 2


def test_a_body_that_ends_early_is_no_answer_and_its_connection_is_not_kept() -> None:
    def cut(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + KEEPS + b"Content-Length: 99\r\n\r\n" + TYPES)
        connection.shutdown(socket.SHUT_RDWR)

    server = Server(cut)

    with server.running() as docflo:
        for _ in range(2):
            with pytest.raises(UnavailableError, match="no complete answer"):
                docflo.enabled_types()

    assert len(server.connections) == 2


def test_pieces_and_compression_are_undone_and_the_connection_is_kept() -> None:
    packed = gzip.compress(TYPES)
    head = b"HTTP/1.1 200 OK\r\n" + KEEPS + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = b"%x\r\n%b\r\n0\r\n\r\n" % (len(packed), packed)
    server = Server(lambda connection: connection.sendall(head + pieces))

    with server.running() as docflo:
        answers = [[each.name for each in docflo.enabled_types()] for _ in range(2)]

    assert answers == [["invoice"], ["invoice"]]
    assert len(server.connections) == 1


def test_an_interim_answer_is_not_taken_for_the_answer() -> None:
    final = whole(KEEPS)

    def hint_first(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
        final(connection)

    server = Server(hint_first)

    with server.running() as docflo:
        answers = [[each.name for each in docflo.enabled_types()] for _ in range(2)]

    assert answers == [["invoice"], ["invoice"]]
    assert len(server.connections) == 1


@pytest.mark.parametrize("more", [b"junk", b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n[]"])
def test_what_comes_behind_an_answer_is_no_answer_to_the_next_question(more: bytes) -> None:
    answer = b"HTTP/1.1 200 OK\r\n" + KEEPS + b"Content-Length: %d\r\n\r\n%b" % (len(TYPES), TYPES)
    server = Server(lambda connection: connection.sendall(answer + more))

    with server.running() as docflo:
        answers = [[each.name for each in docflo.enabled_types()] for _ in range(2)]

    assert answers == [["invoice"], ["invoice"]]


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"<html>", "no complete answer"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "no complete answer"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 60_000, "have no end"),
    ],
)
def test_what_is_no_answer_of_http_is_an_outage(said: bytes, words: str) -> None:
    server = Server(lambda connection: connection.sendall(said))

    with server.running() as docflo, pytest.raises(UnavailableError, match=words):
        docflo.enabled_types()


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    def say(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + KEEPS + b"\r\n" + TYPES)
        connection.shutdown(socket.SHUT_RDWR)

    server = Server(say)

    with server.running() as docflo:
        assert [each.name for each in docflo.enabled_types()] == ["invoice"]
