"""A Starlette application on a loopback port, in a thread, with its address and a clean end."""

import asyncio
import socket
import threading
import time
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

CONNECTION = "connection"
"""Key in a request's ASGI state under which its connection stands, so that a fault can cut it."""

_TURNS = 5  # of the loop: an accepted connection takes two or three until its protocol is there


class _Protocol(H11Protocol):
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in H11Protocol
        super().connection_made(transport)
        self.app_state = {**self.app_state, CONNECTION: transport}


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # Who connects just now is not told to go, and a connection without an end would outlive its loop.
        for _ in range(_TURNS):
            await asyncio.sleep(0)
            for connection in tuple(self.server_state.connections):
                connection.transport.abort()


class SandboxServer:
    """Serves one application over real HTTP until `stop` is called. Usable in a `with` block."""

    def __init__(self, app: ASGIApp, *, port: int = 0) -> None:
        """Bind 127.0.0.1 at once, so that `url` is right before the first request. Port 0: any free one."""
        # asyncio switches Nagle's delay off only on sockets that name TCP; with it an answer takes 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            app,
            http=_Protocol,
            log_level="error",
            access_log=False,
            date_header=False,  # an application whose clock counts tells its own
            lifespan="off",
            timeout_graceful_shutdown=1,
            ws="none",
        )
        self._server = _Server(config)
        self._thread = threading.Thread(
            target=self._server.run,
            kwargs={"sockets": [self._socket]},
            name=f"sandbox {self.url}",
            daemon=True,
        )

    def start(self) -> Self:
        """Serve in a thread; return when requests are answered."""
        self._thread.start()
        while not self._server.started:
            if not self._thread.is_alive():
                message = f"the sandbox at {self.url} did not start"
                raise RuntimeError(message)
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Finish the requests in hand and free the port."""
        self._server.should_exit = True
        self._thread.join(timeout=5)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
