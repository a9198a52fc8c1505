import threading
from datetime import timedelta
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from connector.adapters.salesforce.transport import Transport
from connector.clock import utc_now
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    ThrottledError,
    UnavailableError,
    UnexpectedResponseError,
)
from tests.factories import NOON, HandClock
from tests.unit.adapters.canned_server import (
    TOKEN,
    Answer,
    Asked,
    CannedServer,
    Reply,
    error_reply,
    make_settings,
    token_reply,
)

PATH = "/services/data/v66.0/composite/graph"


def org(answer: Answer) -> CannedServer:
    """Give a server that logs in with token-1, token-2, … and answers everything else as told."""
    logins = iter(range(1, 1000))

    def both(asked: Asked) -> Reply:
        if asked.path == TOKEN:
            return token_reply(server.url, next(logins))
        return answer(asked)

    server = CannedServer(both)
    return server


def transport_to(server: CannedServer, **parts: object) -> Transport:
    return Transport(make_settings(server.url, **parts), HandClock())


def test_numbers_arrive_with_every_digit() -> None:
    with org(lambda _: Reply(body=b'{"a": 12345.10, "b": 99999999999999999999.99}')) as server:
        body = transport_to(server).read("/services/data")

    assert str(body) == "{'a': Decimal('12345.10'), 'b': Decimal('99999999999999999999.99')}"


def test_usage_is_read_from_every_answer_errors_included() -> None:
    replies = iter([
        Reply(body={}, headers={"Sforce-Limit-Info": "per-app-api-usage=17/250(x); api-usage=18/5000"}),
        error_reply(404, "NOT_FOUND", Sforce_Limit_Info="api-usage=19/5000"),
    ])  # fmt: skip
    with org(lambda _: next(replies)) as server:
        transport = transport_to(server)
        transport.read("/a")
        first = transport.usage
        transport.read_if_known("/b")

    assert [(usage.used, usage.allowed) for usage in (first, transport.usage) if usage] == [
        (18, 5000),
        (19, 5000),
    ]


def test_an_expired_session_is_renewed_once_and_the_call_repeated() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.headers["authorization"] == "Bearer token-1":
            return error_reply(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return Reply(body={"graphs": []})

    with org(answer) as server:
        body = transport_to(server).write(PATH, b'{"graphs":[]}')

    assert body == {"graphs": []}
    assert server.paths() == [TOKEN, PATH, TOKEN, PATH]
    assert server.asked[1].body == server.asked[3].body


def test_a_session_refused_for_ever_ends_after_one_renewal() -> None:
    reply = error_reply(401, "INVALID_SESSION_ID", "Session expired or invalid")
    with org(lambda _: reply) as server, pytest.raises(AccessRefusedError, match="just opened"):
        transport_to(server).write(PATH, b"{}")

    assert server.paths() == [TOKEN, PATH, TOKEN, PATH]


@pytest.mark.parametrize(
    "reply",
    [
        error_reply(401, "INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
        error_reply(401, "INVALID_AUTH_HEADER"),
        Reply(status=401, body=b"<html>who are you</html>"),
        Reply(status=401, body={"error": "invalid_token"}),
    ],
)
def test_a_401_that_no_login_cures_causes_no_login(reply: Reply) -> None:
    with org(lambda _: reply) as server, pytest.raises(AccessRefusedError):
        transport_to(server).read("/x")

    assert server.paths() == [TOKEN, "/x"]


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed(status: int) -> None:
    with CannedServer(lambda _: Reply(body={})) as elsewhere:
        redirect = Reply(status=status, headers={"Location": f"{elsewhere.url}/stolen"})
        with org(lambda _: redirect) as server:
            transport = transport_to(server)
            with pytest.raises(UnexpectedResponseError, match="redirect"):
                transport.write(PATH, b"{}")
            with pytest.raises(UnexpectedResponseError, match="redirect"):
                transport.read("/x")

    assert elsewhere.asked == []
    assert len(server.paths()) == 3


def test_every_call_carries_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    real: Any = HTTPAdapter.send

    def note(self: HTTPAdapter, request: requests.PreparedRequest, **kwargs: object) -> Any:
        seen.append(kwargs["timeout"])
        return real(self, request, **kwargs)

    monkeypatch.setattr(HTTPAdapter, "send", note)
    with org(lambda _: Reply(body={})) as server:
        transport = transport_to(server, connect_timeout=1.5, read_timeout=2.5)
        transport.read("/x")
        transport.write("/y", b"{}")

    assert seen == [(1.5, 2.5)] * 3  # the login is the first


CUT_SHORT = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"graphs"'
CHUNK_CUT_SHORT = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n{"graphs"'
HTML = Reply(body=b"<html>proxy</html>")


@pytest.mark.parametrize(
    "reply",
    [
        Reply(raw=b""),
        Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Le"),
        Reply(raw=CUT_SHORT),
        Reply(raw=CHUNK_CUT_SHORT),
        HTML,
        Reply(body=b'{"graphs":[{"graphId"'),
        Reply(body=b""),
        Reply(status=500, body=[{"errorCode": "UNKNOWN_EXCEPTION", "message": "ErrorId 1"}]),
        Reply(status=503, body=b"<html>down</html>"),
        Reply(status=502, body=b""),
        Reply(status=420, body=b""),
    ],
    ids=str,
)
def test_a_write_without_a_whole_answer_is_in_doubt_and_a_read_is_not(reply: Reply) -> None:
    with org(lambda _: reply) as server:
        transport = transport_to(server)
        with pytest.raises(OutcomeUnknownError):
            transport.write(PATH, b"{}")
        with pytest.raises(UnavailableError):
            transport.read("/x")

    assert server.paths() == [TOKEN, PATH, "/x"]


def test_a_write_that_times_out_is_in_doubt() -> None:
    release = threading.Event()

    def silent(_: Asked) -> Reply:
        release.wait(5)
        return Reply(body={})

    with org(silent) as server:
        with pytest.raises(OutcomeUnknownError):
            transport_to(server, read_timeout=0.2).write(PATH, b"{}")
        release.set()


def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    with org(lambda _: Reply(body={})) as server:
        transport = transport_to(server, instance_url="http://127.0.0.1:9")
        with pytest.raises(UnavailableError, match="cannot be reached"):
            transport.write(PATH, b"{}")


@pytest.mark.parametrize(
    ("reply", "error", "wait"),
    [
        (error_reply(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), ThrottledError, 900),
        (
            error_reply(403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded"),
            ThrottledError,
            30,
        ),
        (error_reply(429, "X", Retry_After="7"), ThrottledError, 7),
        (error_reply(503, "SERVER_UNAVAILABLE", Retry_After="60"), ThrottledError, 60),
        (error_reply(429, "X", Retry_After="Mon, 02 Mar 2026 12:01:00 GMT"), ThrottledError, 60),
        (error_reply(429, "X", Retry_After="soon"), ThrottledError, 30),
        (error_reply(429, "X", Retry_After="Mon, 02 Mar 2026 11:00:00 GMT"), ThrottledError, 0),
        (error_reply(429, "X", Retry_After="999999999"), ThrottledError, 86400),
        (error_reply(429, "X", Retry_After="9" * 5000), ThrottledError, 30),
    ],
)
def test_throttling_says_when_to_come_back(reply: Reply, error: type[ThrottledError], wait: int) -> None:
    with org(lambda _: reply) as server, pytest.raises(error) as caught:
        transport_to(server).write(PATH, b"{}")

    assert caught.value.until == NOON + timedelta(seconds=wait)


@pytest.mark.parametrize(
    ("reply", "error", "remedy"),
    [
        (error_reply(403, "API_DISABLED_FOR_ORG"), AccessRefusedError, "API Enabled"),
        (error_reply(403, "TXN_SECURITY_NO_ACCESS"), AccessRefusedError, "security"),
        (Reply(status=403, body=b"<html>no</html>"), AccessRefusedError, "rights"),
        (error_reply(404, "NOT_FOUND"), AccessRefusedError, "api_version"),
        (error_reply(410, "UNSUPPORTED_API_VERSION"), AccessRefusedError, "api_version"),
        (error_reply(400, "JSON_PARSER_ERROR"), RejectedError, "mapping"),
        (Reply(status=413, body=b"<html>too large</html>"), RejectedError, "mapping"),
    ],
)
def test_a_refused_call_has_its_class_and_a_remedy(
    reply: Reply, error: type[ConnectorError], remedy: str
) -> None:
    with org(lambda _: reply) as server, pytest.raises(error) as caught:
        transport_to(server).write(PATH, b"{}")

    assert remedy in caught.value.remedy


def test_what_is_not_there_is_none_and_not_an_error() -> None:
    with org(lambda _: error_reply(404, "NOT_FOUND")) as server:
        assert transport_to(server).read_if_known("/x") is None


def test_the_address_of_the_api_is_known_even_while_nobody_can_log_in() -> None:
    replies = iter([Reply(body={})])
    expired = error_reply(401, "INVALID_SESSION_ID", "Session expired or invalid")
    with org(lambda _: next(replies, expired)) as server:
        transport = transport_to(server)
        transport.write(PATH, b"{}")
        server.answer = lambda asked: Reply(status=503) if asked.path == TOKEN else expired
        with pytest.raises(UnavailableError):
            transport.read("/x")

        assert transport.instance_url() == server.url


def test_no_token_is_in_an_error() -> None:
    with org(lambda _: Reply(raw=b"")) as server, pytest.raises(OutcomeUnknownError) as caught:
        transport_to(server).write(PATH, b"{}")

    assert "token-1" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_a_ca_bundle_that_is_not_there_is_named() -> None:
    settings = make_settings("https://127.0.0.1:9", ca_bundle="/nowhere/ca.pem")

    with pytest.raises(UnavailableError) as caught:
        Transport(settings, utc_now).read("/x")

    assert "ca_bundle" in caught.value.message + caught.value.remedy


def test_threads_do_not_share_a_session_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(4)
    sessions: list[int] = []
    real = requests.Session.request

    def note(self: requests.Session, *args: str, **kwargs: object) -> requests.Response:
        if "/x" in args[1]:
            sessions.append(id(self))
        return real(self, *args, **kwargs)  # type: ignore[arg-type]

    def together(_: Asked) -> Reply:
        barrier.wait(5)
        return Reply(body={})

    monkeypatch.setattr(requests.Session, "request", note)
    with org(together) as server:
        transport = transport_to(server)
        threads = [threading.Thread(target=transport.read, args=("/x",)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)

    assert len(set(sessions)) == 4
