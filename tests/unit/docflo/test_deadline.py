"""A call ends when its time is up, over real sockets, however slowly the other side speaks."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from connector.docflo.client import DocfloClient
from connector.errors import ConnectorError, OutcomeUnknownError, ThrottledError, UnavailableError
from tests.unit.docflo.reach import Speak, listening, make_settings

SHORT = 0.4
TIME_IS_UP = r"0\.4 seconds have passed"


@contextmanager
def reaching(speak: Speak) -> Iterator[DocfloClient]:
    """Give a client whose single reads may take long, and whose calls may not."""
    with listening(speak) as url:
        settings = make_settings(base_url=url, deadline=SHORT, upload_deadline=SHORT, read_timeout=30)
        with DocfloClient(settings) as docflo:
            yield docflo


@contextmanager
def failing_in_time(error: type[ConnectorError], words: str) -> Iterator[None]:
    began = time.monotonic()
    with pytest.raises(error, match=words):
        yield
    assert SHORT * 0.9 <= time.monotonic() - began < SHORT + 2


class Drip:
    """Says `start`, then one byte at a time until nobody listens any more."""

    def __init__(self, start: bytes, drop: bytes = b" ") -> None:
        self._start = start
        self._drop = drop
        self._pause = threading.Event()

    def __call__(self, connection: socket.socket, _head: bytes) -> None:
        connection.sendall(self._start)
        while not self._pause.wait(0.02):
            connection.sendall(self._drop)


def test_headers_that_never_end_are_cut_off() -> None:
    with (
        reaching(Drip(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a")) as docflo,
        failing_in_time(UnavailableError, TIME_IS_UP),
    ):
        docflo.enabled_types()


def test_a_body_that_never_ends_is_cut_off() -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n["
    with reaching(Drip(start)) as docflo, failing_in_time(UnavailableError, TIME_IS_UP):
        docflo.enabled_types()


def test_a_body_without_length_that_was_cut_off_is_not_taken_for_a_whole_one() -> None:
    # Blanks after the list are good JSON: what was received so far would be readable.
    start = b'HTTP/1.1 200 OK\r\n\r\n["invoice"]'
    with reaching(Drip(start)) as docflo, failing_in_time(UnavailableError, TIME_IS_UP):
        docflo.enabled_types()


def test_a_download_that_was_cut_off_leaves_no_file(tmp_path: Path) -> None:
    start = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\n\r\n%PDF"
    with reaching(Drip(start, b"x")) as docflo, failing_in_time(UnavailableError, TIME_IS_UP):
        docflo.download_original("1", tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_the_body_of_an_error_may_drip_and_the_status_still_counts() -> None:
    start = b"HTTP/1.1 503 Unavailable\r\nRetry-After: 30\r\nContent-Length: 1000000\r\n\r\n"
    with reaching(Drip(start)) as docflo, failing_in_time(ThrottledError, "asks to wait"):
        docflo.enabled_types()


def test_an_upload_that_nobody_reads_ends_and_its_outcome_is_unknown() -> None:
    silence = threading.Event()

    def read_nothing(_connection: socket.socket, _head: bytes) -> None:
        silence.wait(30)

    with reaching(read_nothing) as docflo, failing_in_time(OutcomeUnknownError, TIME_IS_UP):
        docflo.create_document(io.BytesIO(b"x" * 20 * 2**20), "big.pdf")
    silence.set()


def test_a_quick_call_leaves_nothing_running() -> None:
    def answer(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n["invoice"]')

    with reaching(answer) as docflo:
        docflo.enabled_types()

    for timer in [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]:
        timer.join(SHORT / 2)
        assert not timer.is_alive()
