"""The proxy itself: a loopback port, a thread with its loop, a plan of faults and a journal."""

import asyncio
import contextlib
import itertools
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import h11

from connector.sandbox.proxy.exchange import Answer, Caller, Request, UnreachableError, Upstream
from connector.sandbox.proxy.faults import Fault, Plan
from connector.sandbox.proxy.play import Line, spoilt

_TURNS = 5  # of the loop: an accepted connection takes two or three until its task is there
KEPT_ENTRIES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One request: what the server was given and said, and what the caller got."""

    number: int  # from 1
    method: str
    target: str
    fault: Fault | None
    forwarded: bool
    upstream_status: int | None  # None: the server was not asked, or did not answer
    status: int | None  # None: the caller got no answer

    def __str__(self) -> str:
        fault = "" if self.fault is None else f"  {self.fault.kind}"
        server = "not asked" if not self.forwarded else f"server {self.upstream_status or 'silent'}"
        caller = f"caller {self.status or 'cut off'}"
        return f"{self.number:>5}  {self.method} {self.target}  {server}, {caller}{fault}"


class FaultProxy:
    """Stands at `url` in front of the server at `to` until `stop`. Usable in a `with` block.

    `tls` answers callers over TLS with that certificate; `upstream_tls` says whom to trust upstream.
    `tell` is called with every entry, in the proxy's thread.
    """

    def __init__(
        self,
        to: str,
        *,
        faults: Sequence[Fault] = (),
        seed: int = 0,
        port: int = 0,
        keep_host: bool = False,
        tls: ssl.SSLContext | None = None,
        upstream_tls: ssl.SSLContext | None = None,
        tell: Callable[[Entry], None] = lambda _: None,
    ) -> None:
        """Bind 127.0.0.1 at once. Port 0: any free one.

        Raises: ValueError for an address that is not http or https; OSError for a port that is taken.
        """
        self.plan = Plan(faults, seed=seed)
        self._upstream = Upstream.at(to, tls=upstream_tls, keep_host=keep_host)
        # asyncio switches Nagle's delay off only on sockets that name TCP; with it an answer takes 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", port))
        scheme = "http" if tls is None else "https"
        self.url = f"{scheme}://127.0.0.1:{self._socket.getsockname()[1]}"
        self._tls = tls
        self._tell = tell
        self._numbers = itertools.count(1)
        self._entries: deque[Entry] = deque(maxlen=KEPT_ENTRIES)
        self._connections: set[asyncio.Task[None]] = set()
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name=f"proxy {self.url}", daemon=True)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What passed so far, oldest first, at most `KEPT_ENTRIES`."""
        return tuple(self._entries)

    def start(self) -> Self:
        """Serve in a thread; return when requests are answered."""
        self._thread.start()
        self._started.wait()
        return self

    def stop(self) -> None:
        """Cut every connection and free the port."""
        if self._loop is not None and self._end is not None:
            self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(timeout=5)
        self._socket.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        server = await asyncio.start_server(self._connected, sock=self._socket, ssl=self._tls)
        self._started.set()
        await self._end.wait()
        server.close()
        await self._cut_connections()

    async def _cut_connections(self) -> None:
        """End every connection, also those that were accepted but not begun when the listening ended."""
        quiet = 0
        while quiet < _TURNS:
            await asyncio.sleep(0)
            quiet = 0 if self._connections else quiet + 1
            for task in tuple(self._connections):
                task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)
        caller, line = Caller(reader, writer), Line(writer)
        with contextlib.suppress(OSError, h11.RemoteProtocolError, asyncio.CancelledError):
            while (request := await caller.request()) is not None:
                if not await self._pass(request, line, keep_alive=caller.stays):
                    break
                caller.next()
        writer.close()
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()
        writer.transport.abort()  # we stop, and the caller has not said goodbye

    async def _pass(self, request: Request, line: Line, *, keep_alive: bool) -> bool:
        fault = self.plan.take(request)
        if fault is not None and fault.kind == "delay" and not fault.forward:
            await asyncio.sleep(fault.seconds)
        forwarded = fault is None or fault.forward or fault.kind == "delay"
        answer = await self._asked(request) if forwarded else None
        given = answer if fault is None else spoilt(fault, answer)
        self._record(request, fault, forwarded=forwarded, answer=answer, given=given)
        if fault is not None and fault.kind == "delay" and fault.forward:
            await asyncio.sleep(fault.seconds)
        return await line.play(fault, given, keep_alive=keep_alive)

    async def _asked(self, request: Request) -> Answer:
        try:
            return await self._upstream.answer(request)
        except UnreachableError as error:
            text = f"The proxy got no answer: {error}\n"
            return Answer(status=502, reason=b"No answer", headers=(), body=text.encode())

    def _record(
        self,
        request: Request,
        fault: Fault | None,
        *,
        forwarded: bool,
        answer: Answer | None,
        given: Answer | None,
    ) -> None:
        entry = Entry(
            number=next(self._numbers),
            method=request.method,
            target=request.target,
            fault=fault,
            forwarded=forwarded,
            upstream_status=answer.status if answer else None,
            status=given.status if given else None,
        )
        self._entries.append(entry)
        self._tell(entry)
