"""Faults on real sockets: each kind as a caller meets it, and what the application did meanwhile."""

import asyncio
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from connector.sandbox.faults import Fault, FaultMiddleware, Faults, route_names
from connector.sandbox.journal import Journal
from connector.sandbox.server import CONNECTION, SandboxServer

ANSWER = "a whole answer, from the first byte to the last"


@dataclass
class Wire:
    """An application with faults in front, and a client that reaches it over TCP."""

    faults: Faults = field(default_factory=Faults)
    journal: Journal = field(default_factory=Journal)
    effects: list[str] = field(default_factory=list)
    url: str = ""
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=5))

    def post(self, text: str = "") -> httpx.Response:
        return self.client.post(f"{self.url}/things?n=1", content=text)

    def get(self) -> httpx.Response:
        return self.client.get(f"{self.url}/stream")


@pytest.fixture
def wire() -> Iterator[Wire]:
    wire = Wire()

    async def create(request: Request) -> Response:
        wire.effects.append((await request.body()).decode())
        return PlainTextResponse(ANSWER, headers={"x-real": "yes"})

    async def stream(_request: Request) -> Response:
        return StreamingResponse(iter([b"one ", b"two"]))

    routes = [
        Route("/things", create, methods=["POST"], name="create"),
        Route("/stream", stream, name="stream"),
    ]
    app = FaultMiddleware(
        Starlette(routes=routes), faults=wire.faults, journal=wire.journal, operation_of=route_names(routes)
    )
    with SandboxServer(app) as server, wire.client:
        wire.url = server.url
        yield wire


def test_without_faults_requests_pass_and_are_recorded_with_their_answer(wire: Wire) -> None:
    answer = wire.post("hello")

    assert (answer.status_code, answer.text) == (200, ANSWER)
    (entry,) = wire.journal.requests
    assert (entry.method, entry.path, entry.operation, entry.status) == ("POST", "/things", "create", 200)
    assert (entry.query, entry.body, entry.headers["host"]) == (
        {"n": "1"},
        b"hello",
        wire.url.removeprefix("http://"),
    )


def test_a_streaming_answer_arrives_whole(wire: Wire) -> None:
    assert wire.get().content == b"one two"


def test_answers_are_not_held_back_to_be_sent_together() -> None:
    seen: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        peer = scope["state"][CONNECTION].get_extra_info("socket")
        seen.append(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await Response()(scope, receive, send)

    with SandboxServer(app) as server:
        httpx.get(server.url)

    assert seen == [1]


def test_an_unknown_path_is_recorded_as_unknown(wire: Wire) -> None:
    assert wire.client.get(f"{wire.url}/nowhere").status_code == 404
    assert wire.journal.requests[0].operation == "unknown"


def test_a_status_fault_answers_without_the_application(wire: Wire) -> None:
    wire.faults.add(Fault(kind="status", status=429, body=b"busy", headers={"Retry-After": "7"}))

    answer = wire.post()

    assert (answer.status_code, answer.content, answer.headers["retry-after"]) == (429, b"busy", "7")
    assert wire.effects == []
    assert wire.journal.requests[0].status == 429


def test_a_fault_hits_as_often_as_planned_and_then_no_more(wire: Wire) -> None:
    wire.faults.add(Fault(kind="status", operation="create", times=2, after=1))

    assert [wire.post().status_code for _ in range(5)] == [200, 503, 503, 200, 200]
    assert wire.faults.pending == ()


def test_a_fault_without_end_hits_until_it_is_cleared(wire: Wire) -> None:
    wire.faults.add(Fault(kind="status", times=None))

    before = [wire.post().status_code for _ in range(3)]
    wire.faults.clear()

    assert before == [503, 503, 503]
    assert wire.post().status_code == 200


def test_a_fault_spares_other_operations(wire: Wire) -> None:
    wire.faults.add(Fault(kind="status", operation="create"))

    assert wire.get().status_code == 200
    assert wire.post().status_code == 503


def test_a_fault_can_be_meant_for_requests_with_a_given_text(wire: Wire) -> None:
    wire.faults.add(Fault(kind="status", containing="second"))

    assert [wire.post(text).status_code for text in ("first", "the second", "second again")] == [
        200,
        503,
        200,
    ]


def test_faults_for_the_same_request_hit_in_the_order_added(wire: Wire) -> None:
    wire.faults.add(Fault(kind="status", status=500), Fault(kind="status", status=502))

    assert [wire.post().status_code for _ in range(3)] == [500, 502, 200]


def test_a_page_comes_instead_of_the_answer(wire: Wire) -> None:
    wire.faults.add(Fault(kind="html"), Fault(kind="html", status=502, body=b"<html>Bad gateway</html>"))

    first, second = wire.post(), wire.post()

    assert (first.status_code, first.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<html" in first.text
    assert (second.status_code, second.content) == (502, b"<html>Bad gateway</html>")
    assert wire.effects == []


def test_a_redirect_points_elsewhere(wire: Wire) -> None:
    wire.faults.add(Fault(kind="redirect", status=307, location="http://127.0.0.1:9/elsewhere"))

    answer = wire.post()

    assert (answer.status_code, answer.headers["location"]) == (307, "http://127.0.0.1:9/elsewhere")
    assert wire.effects == []


def test_a_replaced_body_comes_after_the_effect(wire: Wire) -> None:
    wire.faults.add(Fault(kind="body", body=b"{broken", headers={"Content-Type": "application/json"}))

    answer = wire.post("done")

    assert (answer.status_code, answer.content) == (200, b"{broken")
    assert (answer.headers["content-type"], answer.headers["x-real"]) == ("application/json", "yes")
    assert wire.effects == ["done"]


def test_a_replaced_answer_can_change_its_status_after_the_effect(wire: Wire) -> None:
    wire.faults.add(Fault(kind="body", status=504, body=b"gateway timeout"))

    assert wire.post("done").status_code == 504
    assert wire.effects == ["done"]


@pytest.mark.parametrize("reset", [False, True])
def test_a_drop_before_leaves_no_effect_and_no_answer(wire: Wire, *, reset: bool) -> None:
    wire.faults.add(Fault(kind="drop_before", reset=reset))

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        wire.post("lost")

    assert wire.effects == []
    assert wire.journal.requests[0].status == 0


@pytest.mark.parametrize("reset", [False, True])
def test_a_drop_after_leaves_its_effect_and_no_answer(wire: Wire, *, reset: bool) -> None:
    wire.faults.add(Fault(kind="drop_after", reset=reset))

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        wire.post("kept")

    assert wire.effects == ["kept"]
    assert wire.journal.requests[0].status == 0


def _raw_exchange(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=5)
    connection.sendall(b"POST /things HTTP/1.1\r\nHost: sandbox\r\nContent-Length: 2\r\n\r\nhi")
    return connection


def test_a_drop_closes_the_socket_without_a_byte(wire: Wire) -> None:
    wire.faults.add(Fault(kind="drop_after"))

    with _raw_exchange(wire.url) as connection:
        assert connection.recv(100) == b""


def test_a_reset_drop_is_a_reset_on_the_socket(wire: Wire) -> None:
    wire.faults.add(Fault(kind="drop_after", reset=True))

    with _raw_exchange(wire.url) as connection, pytest.raises(ConnectionResetError):
        connection.recv(100)


def test_a_truncated_answer_promises_more_than_it_sends(wire: Wire) -> None:
    wire.faults.add(Fault(kind="truncate"))
    received = b""

    with _raw_exchange(wire.url) as connection:
        while part := connection.recv(1000):
            received += part

    head, _, body = received.partition(b"\r\n\r\n")
    assert f"content-length: {len(ANSWER)}".encode() in head.lower()
    assert body == ANSWER.encode()[: len(ANSWER) // 2]
    assert wire.effects == ["hi"]


def test_a_truncated_answer_is_an_error_for_an_http_client(wire: Wire) -> None:
    wire.faults.add(Fault(kind="truncate", operation="stream"))

    with pytest.raises(httpx.RemoteProtocolError):
        wire.get()


def test_a_slow_answer_arrives_byte_by_byte_and_whole(wire: Wire) -> None:
    wire.faults.add(Fault(kind="slow", seconds=0.001))

    with wire.client.stream("POST", f"{wire.url}/things") as answer:
        parts = list(answer.iter_raw())

    assert b"".join(parts) == ANSWER.encode()
    assert len(parts) > 1


def test_a_caller_that_will_not_wait_is_let_go_and_the_effect_stays(wire: Wire) -> None:
    wire.faults.add(Fault(kind="delay", seconds=60))

    with pytest.raises(httpx.ReadTimeout):
        wire.client.post(f"{wire.url}/things", content="late", timeout=0.2)

    assert wire.effects == ["late"]
    assert wire.post("next").status_code == 200


def test_a_delayed_answer_is_the_real_one(wire: Wire) -> None:
    wire.faults.add(Fault(kind="delay", seconds=0.01))

    assert wire.post().text == ANSWER


def test_outside_a_server_a_drop_is_a_connection_error() -> None:
    async def nothing(_request: Request) -> Response:
        return Response()

    faults = Faults()
    faults.add(Fault(kind="drop_before"))
    routes = [Route("/", nothing, name="nothing")]
    app = FaultMiddleware(
        Starlette(routes=routes), faults=faults, journal=Journal(), operation_of=route_names(routes)
    )

    with pytest.raises(ConnectionResetError):
        _get_without_server(app)


def _get_without_server(app: FaultMiddleware) -> None:
    async def get() -> None:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://sandbox"
        ) as client:
            await client.get("/")

    # A thread of its own: the browser's tests leave an event loop in theirs.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: asyncio.run(get())).result()


def test_an_edited_answer_is_made_of_the_real_one_after_its_effect(wire: Wire) -> None:
    wire.faults.add(Fault(kind="edit", edit=bytes.upper))

    assert wire.post("hello").text == ANSWER.upper()
    assert wire.effects == ["hello"]


def test_slow_headers_arrive_byte_by_byte_and_the_body_after_them(wire: Wire) -> None:
    wire.faults.add(Fault(kind="slow_headers", seconds=0.001))

    answer = wire.post("hello")

    assert (answer.text, answer.headers["x-real"]) == (ANSWER, "yes")


def test_headers_slower_than_the_callers_patience_lose_the_answer_but_not_the_effect(wire: Wire) -> None:
    wire.faults.add(Fault(kind="slow_headers", seconds=5))

    with pytest.raises(httpx.ReadTimeout):
        wire.client.post(f"{wire.url}/things", content="hello", timeout=0.2)
    assert wire.effects == ["hello"]


def test_a_fault_can_name_method_and_path(wire: Wire) -> None:
    wire.faults.add(Fault(kind="status", method="GET", path="/things"))
    wire.faults.add(Fault(kind="status", status=500, method="POST", path="/things"))

    assert [wire.get().status_code, wire.post("/stream").status_code] == [200, 500]
