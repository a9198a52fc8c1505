import gzip

import pytest
import requests

from connector.adapters.salesforce.session import DeadlineAdapter, SalesforceSession
from tests.unit.adapters.canned_server import CannedServer, Reply, make_settings

# The rest never comes: whoever waits for more than this meets the closed connection, not the deadline.
DRIP = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n"


def test_a_dripping_answer_is_given_up_at_the_total_deadline() -> None:
    ticks = iter([0.0, 299.0, 301.0])
    with CannedServer(lambda _: Reply(raw=DRIP)) as server, requests.Session() as session:
        session.mount("http://", DeadlineAdapter(make_settings(deadline=298), ticks=lambda: next(ticks)))
        with pytest.raises(requests.exceptions.ReadTimeout, match="not complete after 298 seconds"):
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
