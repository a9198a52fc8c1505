import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connector.adapters.base import TokenLife
from connector.adapters.salesforce.auth import Login, TokenProvider, log_in
from connector.clock import utc_now
from connector.errors import AccessRefusedError, ConnectorError, ThrottledError, UnavailableError
from tests.factories import NOON, HandClock
from tests.unit.adapters.canned_server import TOKEN, Asked, CannedServer, Reply, make_settings, token_reply

LATER = NOON + timedelta(minutes=5)


def test_client_credentials_are_exchanged_for_a_token() -> None:
    with CannedServer(lambda _: token_reply("http://127.0.0.1:7")) as server:
        login = log_in(make_settings(server.url), utc_now)

    form = parse_qs(server.asked[0].body.decode())
    assert server.asked[0].path == TOKEN
    assert form["grant_type"] == ["client_credentials"]
    assert form["client_secret"] == ["the-consumer-secret"]
    assert (login.access_token, login.instance_url) == ("token-1", "http://127.0.0.1:7")


@pytest.mark.parametrize(
    ("told", "issued_at", "ends_at"),
    [
        ({"issued_at": "1772452800000"}, NOON, None),
        ({"issued_at": "1772452800000", "expires_in": 7200}, NOON, NOON + timedelta(hours=2)),
        ({"expires_in": "60"}, LATER, LATER + timedelta(minutes=1)),
        ({"issued_at": "soon", "expires_in": "1e400"}, LATER, None),
        ({"issued_at": True, "expires_in": 1e300}, LATER, None),
    ],
)
def test_the_life_of_a_token_is_what_salesforce_tells_and_nothing_else(
    told: dict[str, object], issued_at: datetime, ends_at: datetime | None
) -> None:
    answer = {"access_token": "token-1", "instance_url": "http://127.0.0.1:7", **told}
    with CannedServer(lambda _: Reply(body=answer)) as server:
        life = log_in(make_settings(server.url), lambda: LATER).life

    assert (life.issued_at, life.ends_at, life.renewed_at) == (issued_at, ends_at, None)


def test_a_jwt_says_who_logs_in_where_and_for_how_long(tmp_path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(pem)
    with CannedServer(lambda _: token_reply("http://127.0.0.1:7")) as server:
        settings = make_settings(
            server.url,
            consumer_secret=None,
            private_key=f"${{file:{tmp_path}/key.pem}}",
            username="robot@acme.example",
            audience="https://acme.my.salesforce.com",
        )
        log_in(settings, HandClock())

    form = parse_qs(server.asked[0].body.decode())
    claims = jwt.decode(
        form["assertion"][0],
        key.public_key(),
        algorithms=["RS256"],
        audience="https://acme.my.salesforce.com",
        options={"verify_exp": False},
    )
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert (claims["iss"], claims["sub"]) == ("the-consumer-key", "robot@acme.example")
    assert claims["exp"] == int((NOON + timedelta(minutes=3)).timestamp())


def test_a_private_key_that_is_none_is_named_by_its_reference_only() -> None:
    settings = make_settings(consumer_secret=None, private_key="${env:SF_SECRET}", username="u@x")

    with pytest.raises(AccessRefusedError) as caught:
        log_in(settings, utc_now)

    assert "${env:SF_SECRET}" in caught.value.message
    assert "the-consumer-secret" not in caught.value.message


def test_a_secret_is_read_again_at_each_login(monkeypatch: pytest.MonkeyPatch) -> None:
    with CannedServer(lambda _: token_reply("http://127.0.0.1:7")) as server:
        settings = make_settings(server.url)
        log_in(settings, utc_now)
        monkeypatch.setenv("SF_SECRET", "rotated")
        log_in(settings, utc_now)

    assert b"client_secret=rotated" in server.asked[1].body


def test_a_secret_that_went_away_is_a_refused_access(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = make_settings()
    monkeypatch.delenv("SF_SECRET")

    with pytest.raises(AccessRefusedError, match="SF_SECRET"):
        log_in(settings, utc_now)


def _oauth(status: int, code: str, description: str) -> Reply:
    return Reply(status=status, body={"error": code, "error_description": description})


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (
            _oauth(400, "invalid_client", "invalid client credentials"),
            AccessRefusedError,
            "invalid client credentials",
        ),
        (
            _oauth(400, "invalid_grant", "user hasn't approved this consumer"),
            AccessRefusedError,
            "hasn't approved",
        ),
        (
            _oauth(400, "invalid_grant", "request not supported on this domain"),
            AccessRefusedError,
            "invalid_grant",
        ),
        (_oauth(400, "unknown_error", "retry your request"), UnavailableError, "retry your request"),
        (_oauth(400, "invalid_grant", "login rate exceeded"), ThrottledError, "login rate exceeded"),
        (Reply(status=429, body={}), ThrottledError, "429"),
        (Reply(status=503, body=b"<html>maintenance</html>"), UnavailableError, "503"),
        (Reply(status=404, body=b"<html>no such page</html>"), AccessRefusedError, "404"),
        (Reply(status=200, body=b"<html>sign in</html>"), AccessRefusedError, "did not answer with a token"),
        (Reply(status=200, body=["x"]), AccessRefusedError, "did not answer with a token"),
        (Reply(status=200, body={"access_token": "t"}), AccessRefusedError, "did not answer with a token"),
        (Reply(status=400, body=["x"]), AccessRefusedError, "400"),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:9/"}), AccessRefusedError, "302"),
    ],
)
def test_each_way_a_login_fails_has_its_class(reply: Reply, error: type[ConnectorError], words: str) -> None:
    with CannedServer(lambda _: reply) as server, pytest.raises(error, match=words) as caught:
        log_in(make_settings(server.url), HandClock())

    assert caught.value.remedy or not isinstance(caught.value, AccessRefusedError)
    assert len(server.asked) == 1


def test_a_refused_login_keeps_the_code_and_gives_a_remedy_for_it() -> None:
    reply = _oauth(400, "invalid_client", "invalid client credentials")
    with CannedServer(lambda _: reply) as server, pytest.raises(AccessRefusedError) as caught:
        log_in(make_settings(server.url), utc_now)

    assert caught.value.remote is not None
    assert caught.value.remote.code == "invalid_client"
    assert "consumer_key" in caught.value.remedy


def test_a_login_host_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(UnavailableError, match="cannot log in"):
        log_in(make_settings("http://127.0.0.1:9"), utc_now)


def test_a_login_that_never_answers_is_given_up() -> None:
    release = threading.Event()

    def silent(_: Asked) -> Reply:
        release.wait(5)
        return Reply()

    with CannedServer(silent) as server:
        with pytest.raises(UnavailableError):
            log_in(make_settings(server.url, read_timeout=0.2), utc_now)
        release.set()


def test_a_token_is_not_carried_over_plain_http_to_another_machine() -> None:
    reply = token_reply("https://acme.my.salesforce.com")
    with CannedServer(lambda _: reply) as server, pytest.raises(AccessRefusedError, match="must not reach"):
        log_in(make_settings(server.url), utc_now)


def test_a_configured_instance_url_wins_over_the_answer() -> None:
    with CannedServer(lambda _: token_reply("https://acme.my.salesforce.com")) as server:
        login = log_in(make_settings(server.url, instance_url="https://gateway.example"), utc_now)

    assert login.instance_url == "https://gateway.example"


def test_credentials_in_netrc_are_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login stranger password theirs\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with CannedServer(lambda _: token_reply("http://127.0.0.1:7")) as server:
        log_in(make_settings(server.url), utc_now)

    assert "authorization" not in server.asked[0].headers


class _Logins:
    """Logins that wait at a gate, so that a test can let threads pile up behind the first."""

    def __init__(self, failure: ConnectorError | None = None) -> None:
        self.count = 0
        self.failure = failure
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> Login:
        self.count += 1
        assert self.gate.wait(5)
        if self.failure:
            raise self.failure
        life = TokenLife(name="access token", issued_at=NOON)
        return Login(access_token=f"token-{self.count}", instance_url="https://x", life=life)


def test_twelve_threads_that_meet_one_expiry_log_in_once() -> None:
    logins = _Logins()
    provider = TokenProvider(logins)
    expired = provider.current()
    start = threading.Barrier(12)

    def renew(_: int) -> str:
        start.wait(5)
        return provider.renew(expired).value

    with ThreadPoolExecutor(12) as threads:
        values = set(threads.map(renew, range(12)))

    assert values == {"token-2"}
    assert logins.count == 2


class _NoticedLock:
    """A lock that says when someone arrives at it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.arrivals = threading.Semaphore(0)

    def __enter__(self) -> None:
        self.arrivals.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_thread_that_waited_for_a_failed_login_shares_its_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = AccessRefusedError("no")
    logins = _Logins(refused)
    logins.gate.clear()
    provider = TokenProvider(logins)
    lock = _NoticedLock()
    monkeypatch.setattr(provider, "_lock", lock)

    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(provider.current) for _ in range(2)]
        assert all(lock.arrivals.acquire(timeout=5) for _ in asked)
        logins.gate.set()
        failures = [future.exception(5) for future in asked]

    assert failures == [refused, refused]
    assert logins.count == 1


def test_after_a_failed_login_the_next_caller_tries_again() -> None:
    logins = _Logins(UnavailableError("down"))
    provider = TokenProvider(logins)
    with pytest.raises(UnavailableError):
        provider.current()
    logins.failure = None

    assert provider.current().value == "token-2"


def test_a_token_already_renewed_by_another_thread_is_taken_over() -> None:
    logins = _Logins()
    provider = TokenProvider(logins)
    expired = provider.current()
    renewed = provider.renew(expired)

    assert provider.renew(expired) is renewed
    assert logins.count == 2


def test_neither_token_nor_secret_is_in_a_repr_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with CannedServer(lambda _: token_reply("http://127.0.0.1:7", 12345)) as server:
        provider = TokenProvider(lambda: log_in(make_settings(server.url), utc_now))
        token = provider.current()

    shown = f"{token!r} {provider!r} {caplog.text}"
    assert token.value == "token-12345"
    assert "token-12345" not in shown
    assert "the-consumer" not in shown
