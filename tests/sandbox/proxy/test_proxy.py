"""The proxy on real sockets: each fault as a caller meets it, and what the server did meanwhile."""

import gc
import socket
import ssl
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from connector.sandbox.proxy.server import FaultProxy
from connector.sandbox.proxy.spelling import KINDS, read_fault
from connector.sandbox.server import SandboxServer
from tests.sandbox.proxy.certificate import loopback_certificate

ANSWER = "a whole answer, from the first byte to the last"


@dataclass
class Stage:
    effects: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    server_url: str = ""

    def app(self) -> Starlette:
        async def create(request: Request) -> Response:
            self.effects.append((await request.body()).decode())
            self.hosts.append(request.headers["host"])
            return PlainTextResponse(ANSWER, headers={"x-real": request.url.query})

        async def stream(_: Request) -> Response:
            return StreamingResponse(iter([b"one ", b"two"]))

        return Starlette(routes=[Route("/things", create, methods=["POST"]), Route("/stream", stream)])


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage()
    with SandboxServer(stage.app()) as server:
        stage.server_url = server.url
        yield stage


@pytest.fixture
def proxy(stage: Stage) -> Iterator[FaultProxy]:
    with FaultProxy(stage.server_url) as proxy:
        yield proxy


def post(proxy: FaultProxy, text: str = "x", *, timeout: float = 5) -> httpx.Response:
    return httpx.post(f"{proxy.url}/things?n=1", content=text, timeout=timeout)


def test_without_a_fault_everything_passes_both_ways(stage: Stage, proxy: FaultProxy) -> None:
    with httpx.Client() as client:  # one connection for all
        answers = [client.post(f"{proxy.url}/things?n=1", content=text) for text in ("a", "b" * 300_000)]
        streamed = client.get(f"{proxy.url}/stream")

    assert [(answer.status_code, answer.text, answer.headers["x-real"]) for answer in answers] == [
        (200, ANSWER, "n=1"),
        (200, ANSWER, "n=1"),
    ]
    assert streamed.text == "one two"
    assert stage.effects == ["a", "b" * 300_000]
    assert [entry.status for entry in proxy.entries] == [200, 200, 200]


@pytest.mark.parametrize(
    ("spelt", "effects", "error"),
    [
        ("drop-before", 0, httpx.RemoteProtocolError),
        ("drop-after", 1, httpx.RemoteProtocolError),
        ("reset-before", 0, httpx.ReadError),
        ("reset-after", 1, httpx.ReadError),
        ("truncate", 1, httpx.RemoteProtocolError),
    ],
)
def test_an_answer_that_does_not_come_whole(
    stage: Stage, proxy: FaultProxy, spelt: str, effects: int, error: type[Exception]
) -> None:
    proxy.plan.add(read_fault(spelt))

    with pytest.raises(error):
        post(proxy)

    assert len(stage.effects) == effects
    assert proxy.entries[0].forwarded == bool(effects)


@pytest.mark.parametrize(
    ("spelt", "effects", "status"),
    [
        ("redirect", 0, 302),
        ("redirect-after", 1, 302),
        ("throttle", 0, 429),
        ("throttle-after", 1, 429),
        ("gateway", 1, 502),
        ("gateway-before:status=503", 0, 503),
        ("accepted", 0, 202),
        ("login-page", 0, 200),
        ("login-page-after", 1, 200),
        ("empty", 1, 200),
    ],
)
def test_an_answer_that_is_not_the_servers(
    stage: Stage, proxy: FaultProxy, spelt: str, effects: int, status: int
) -> None:
    proxy.plan.add(read_fault(spelt))

    answer = post(proxy)

    assert (answer.status_code, len(stage.effects)) == (status, effects)
    assert ANSWER not in answer.text
    assert proxy.entries[0].upstream_status == (200 if effects else None)


def test_pages_are_html_and_redirects_and_throttles_say_where_and_when(proxy: FaultProxy) -> None:
    for spelt in (
        "gateway:nth=1",
        "redirect:nth=2,location=http://elsewhere/",
        "throttle:nth=3,retry-after=7",
    ):
        proxy.plan.add(read_fault(spelt))

    page, moved, wait = post(proxy), post(proxy), post(proxy)

    assert page.headers["content-type"].startswith("text/html")
    assert moved.headers["location"] == "http://elsewhere/"
    assert wait.headers["retry-after"] == "7"


@pytest.mark.parametrize("spelt", ["slow-headers:seconds=0.01", "slow-body:seconds=0.01"])
def test_a_slow_drip_arrives_whole_to_who_waits(proxy: FaultProxy, spelt: str) -> None:
    proxy.plan.add(read_fault(spelt))
    begun = time.monotonic()

    answer = post(proxy, timeout=1)

    assert answer.text == ANSWER
    assert time.monotonic() - begun >= 0.01 * len(ANSWER)


def test_a_delay_before_forwarding_lets_the_effect_come_after_the_caller_left(
    stage: Stage, proxy: FaultProxy
) -> None:
    proxy.plan.add(read_fault("delay-before:seconds=0.5"))

    with pytest.raises(httpx.ReadTimeout):
        post(proxy, timeout=0.05)
    at_once = list(stage.effects)
    _wait_until(lambda: bool(stage.effects))

    assert (at_once, stage.effects) == ([], ["x"])


def test_a_delay_after_forwarding_comes_with_the_effect_done(stage: Stage, proxy: FaultProxy) -> None:
    proxy.plan.add(read_fault("delay:seconds=30"))

    with pytest.raises(httpx.ReadTimeout):
        post(proxy, timeout=1)

    assert stage.effects == ["x"]


def test_a_huge_answer_is_as_large_as_asked(proxy: FaultProxy) -> None:
    proxy.plan.add(read_fault("huge:size=2000000"))

    answer = post(proxy)

    assert len(answer.content) == 2_000_000 + len("<answer><text>")


def test_an_answer_can_be_replaced_by_a_file(proxy: FaultProxy, tmp_path: Path) -> None:
    (tmp_path / "odd.xml").write_text("<odd/>")
    proxy.plan.add(read_fault(f"answer:file={tmp_path / 'odd.xml'}"))

    answer = post(proxy)

    assert (answer.text, answer.headers["x-real"]) == ("<odd/>", "n=1")


@pytest.mark.parametrize(
    ("spelt", "hit"),
    [
        ("throttle:nth=2", [2]),
        ("throttle:every=2", [2, 4, 6]),
        ("throttle:every=2,times=2", [2, 4]),
        ("throttle:path=n=1", [1, 2, 3, 4, 5, 6]),
        ("throttle:path=/other", []),
        ("throttle:method=get", []),
        ("throttle:header=soapaction: create", [4]),
        ("throttle:body=five", [5]),
        ("throttle:rate=0", []),
    ],
)
def test_conditions_choose_the_requests(proxy: FaultProxy, spelt: str, hit: list[int]) -> None:
    proxy.plan.add(read_fault(spelt))
    url = f"{proxy.url}/things?n=1"

    with httpx.Client() as client:
        for number in range(1, 7):
            headers = {"SOAPAction": "Create"} if number == 4 else {}
            client.post(url, content="five" if number == 5 else "", headers=headers)

    assert [entry.number for entry in proxy.entries if entry.status == 429] == hit


def test_the_same_seed_hits_the_same_requests(stage: Stage) -> None:
    def hits(seed: int) -> list[int]:
        with FaultProxy(stage.server_url, faults=[read_fault("throttle:rate=0.5")], seed=seed) as proxy:
            for _ in range(12):
                post(proxy)
            return [entry.number for entry in proxy.entries if entry.fault]

    first = hits(7)

    assert 0 < len(first) < 12
    assert hits(7) == first


def test_a_server_that_is_away_is_a_502_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

    with FaultProxy(f"http://127.0.0.1:{port}") as proxy:
        answer = post(proxy)

    assert (answer.status_code, answer.text.startswith("The proxy got no answer")) == (502, True)


@pytest.mark.parametrize("keep", [True, False])
def test_the_host_is_the_servers_unless_kept(stage: Stage, *, keep: bool) -> None:
    with FaultProxy(stage.server_url, keep_host=keep) as proxy:
        post(proxy)

    expected = proxy.url if keep else stage.server_url
    assert stage.hosts == [expected.removeprefix("http://")]


def test_tls_is_spoken_on_both_sides(stage: Stage) -> None:
    certificate = loopback_certificate()
    with FaultProxy(stage.server_url, tls=certificate.server()) as inner:
        with FaultProxy(inner.url, upstream_tls=certificate.client()) as outer:
            trusted = post(outer)
        with FaultProxy(inner.url, upstream_tls=ssl.create_default_context()) as strict:
            refused = post(strict)

    assert (trusted.text, refused.status_code) == (ANSWER, 502)
    assert "certificate" in refused.text.lower()


def test_no_connection_outlives_the_proxy_when_neither_side_says_goodbye() -> None:
    certificate = loopback_certificate()
    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        served = pool.submit(_answer_once, listening, certificate.server())
        with FaultProxy(
            f"https://127.0.0.1:{listening.getsockname()[1]}",
            tls=certificate.server(),
            upstream_tls=certificate.client(),
        ) as proxy:
            host, port = proxy.url.removeprefix("https://").split(":")
            bare = socket.create_connection((host, int(port)))
            caller = certificate.client().wrap_socket(bare, server_hostname=host)
            caller.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = caller.recv(1000)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            gc.collect()
        caller.close()
        served.result().close()

    assert answer.startswith(b"HTTP/1.1 200")
    assert [str(each.message) for each in said] == []


def _answer_once(listening: socket.socket, context: ssl.SSLContext) -> ssl.SSLSocket:
    connection = context.wrap_socket(listening.accept()[0], server_side=True)
    connection.recv(1000)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    return connection


@pytest.mark.parametrize(
    ("spelt", "told"),
    [
        ("drop", "drop-before"),
        ("burn", "known: drop, reset"),
        ("truncate:nth", "known: method="),
        ("truncate:nth=two", "nth=two"),
        ("truncate:nth=0", "more than that"),
        ("answer:file=/nowhere", "No such file"),
    ],
)
def test_a_misspelt_fault_says_what_would_be_right(spelt: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_fault(spelt)


def test_every_kind_can_be_spelt() -> None:
    assert {read_fault(f"{kind}-after").kind for kind in KINDS} == set(KINDS)


def test_another_kind_of_address_is_refused() -> None:
    with pytest.raises(ValueError, match="not an http or https address"):
        FaultProxy("ftp://example.com")


def _wait_until(is_true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_true() and time.monotonic() < end:
        time.sleep(0.02)
