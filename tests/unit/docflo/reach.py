"""Recorded answers, and clients that get them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from connector.docflo.client import DocfloClient
from connector.docflo.settings import DocfloSettings
from tests.factories import HandClock

SAMPLES = Path(__file__).parents[2] / "samples" / "docflo"
KEY = "k-5f0e-the-api-key"
DOCUMENT = "68be0000000000000000d001"


def sample(name: str) -> bytes:
    """Give one recorded answer."""
    return (SAMPLES / name).read_bytes()


def sample_names(folder: str, pattern: str = "*") -> list[str]:
    """Give the recorded answers of an endpoint whose names fit."""
    names = sorted(str(path.relative_to(SAMPLES)) for path in (SAMPLES / folder).glob(pattern + ".*"))
    assert names, f"no sample fits {folder}/{pattern}"
    return names


def make_settings(**parts: Any) -> DocfloSettings:
    """Give settings; the key is in DOCFLO_API_KEY."""
    values = {"tenant_id": "tenant-1", "api_key": "${env:DOCFLO_API_KEY}"}
    return DocfloSettings.model_validate({**values, **parts})


class Recorder:
    """Answers every request the same way and keeps what it was asked."""

    def __init__(self, body: bytes = b"{}", status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.requests: list[httpx.Request] = []
        self.bodies: list[bytes] = []
        self._answer = (status, body, headers or {})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.bodies.append(request.read())
        status, body, headers = self._answer
        return httpx.Response(status, content=body, headers=headers)

    @property
    def line(self) -> str:
        """The last request's method and target, as it goes over the wire."""
        request = self.requests[-1]
        return f"{request.method} {request.url.raw_path.decode()}"

    def client(self, **parts: Any) -> DocfloClient:
        """Give a client whose requests come here."""
        return DocfloClient(make_settings(**parts), clock=HandClock(), transport=httpx.MockTransport(self))


Speak = Callable[[socket.socket, bytes], None]


@contextmanager
def listening(speak: Speak) -> Iterator[str]:
    """Accept connections on loopback; `speak` gets each with the head of its request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, speak), daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def _serve(server: socket.socket, speak: Speak) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_converse, args=(connection, speak), daemon=True).start()


def _converse(connection: socket.socket, speak: Speak) -> None:
    with connection:
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                return
            head += received
        try:
            speak(connection, head)
        except OSError:
            return  # the client hung up
