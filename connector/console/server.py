"""One Starlette application on a port, in a thread, with limits for clients that are slow or many."""

import asyncio
import socket
import threading
import time
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from connector.errors import ConfigError

HEADER_SECONDS = 5.0  # from the connection, or the last answer, to the end of a request's headers
MOST_IDLE = 200  # connections that have not finished a request's headers; the oldest gives way to a new one
MOST_REQUESTS = 100  # at work at a time; more are answered 503

_idle: dict["_Protocol", None] = {}  # of the one server of this process, oldest first


class _Protocol(H11Protocol):
    """Cuts connections that do not come to a request: each costs memory, and they cost the client nothing."""

    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in H11Protocol
        super().connection_made(transport)
        _idle[self] = None
        if len(_idle) > MOST_IDLE:
            next(iter(_idle)).cut()
        self._watch_again()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        _idle.pop(self, None)
        if self._watch is not None:
            self._watch.cancel()

    def handle_events(self) -> None:
        super().handle_events()
        if self._is_at_work:
            _idle.pop(self, None)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing():
            _idle[self] = None
            self._watch_again()

    def cut(self) -> None:
        """Close without an answer."""
        _idle.pop(self, None)
        self.transport.abort()

    @property
    def _is_at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _watch_again(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _too_slow(self) -> None:
        if not self._is_at_work:
            self.cut()


class WebServer:
    """Serves one application until `stop`."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        """Bind at once. Port 0: any free one.

        Raises: ConfigError when the address cannot be had.
        """
        self._socket = _bound(host, port)
        address: tuple[Any, ...] = self._socket.getsockname()
        self.address = f"http://{f'[{address[0]}]' if ':' in address[0] else address[0]}:{address[1]}"
        config = uvicorn.Config(
            app,
            http=_Protocol,
            log_config=None,
            log_level="error",
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            limit_concurrency=MOST_REQUESTS + MOST_IDLE,
            timeout_keep_alive=5,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="web", daemon=True
        )

    def start(self) -> None:
        """Serve; return when requests are answered."""
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            time.sleep(0.01)  # uvicorn offers no event for it

    def stop(self) -> None:
        """Finish the requests at work, for two seconds at most."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
        self._socket.close()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches Nagle's delay off only on sockets that name TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host} port {port}: {error.strerror}",
            remedy="set web.port to a free port, or web.enabled to false",
        ) from error
    return listener
