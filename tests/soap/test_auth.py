"""Each way to prove who we are, against a server that verifies it."""

import base64
import hashlib
import hmac
import ssl
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import spnego
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from connector.adapters.soap.adapter import SoapAdapter
from connector.errors import AccessRefusedError, UnavailableError
from connector.record import Receipt
from tests.soap.tiny import Request, Response, TinyErp, adapter, fault, record, serving

WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"


def deliver(folder: Path, erp: TinyErp, auth: str, **parts: Any) -> Any:
    with serving(erp.answer) as address:
        soap = adapter(folder, address, f"auth:\n{auth}", **parts)
        try:
            [outcome] = soap.deliver([record()])
        finally:
            soap.close()
    return outcome


def test_http_basic(tmp_path: Path) -> None:
    erp = TinyErp()
    expected = "Basic " + base64.b64encode(b"user-name:p\xc3\xa4ss").decode()
    erp.guard = lambda request: None if request.headers["Authorization"] == expected else Response(401)

    auth = '  - http_basic: {user: "${secrets.user}", password: "${secrets.password}"}\n'

    assert deliver(tmp_path, erp, auth, secrets={"password": "päss"}) == Receipt(id="1", created=True)
    with pytest.raises(AccessRefusedError):
        deliver(tmp_path, erp, auth, secrets={"password": "wrong"})


def test_http_headers(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.guard = lambda request: None if request.headers["X-Key"] == "other-secret" else Response(403)

    assert isinstance(deliver(tmp_path, erp, '  - http_header: {X-Key: "${secrets.other}"}\n'), Receipt)


def test_fields_of_the_body(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.guard = lambda request: None if request.text("password") == "pass-word" else fault("Client", "who?")
    fields = '{credentials: {user: "${secrets.user}", password: "${secrets.password}"}}'

    # The schema has them after `key`, whatever the order in which they are given.
    assert isinstance(deliver(tmp_path, erp, f"  - body_fields: {fields}\n"), Receipt)


@pytest.mark.parametrize("digest", [True, False])
def test_wsse_username(tmp_path: Path, *, digest: bool) -> None:
    erp = TinyErp()
    nonces: list[str] = []

    def check(request: Request) -> Response | None:
        token = request.envelope.find(f".//{WSSE}UsernameToken")
        password = token.findtext(f"{WSSE}Password")
        if not digest:
            return None if password == "pass-word" else fault("Client", "no")
        nonce, created = token.findtext(f"{WSSE}Nonce"), token.findtext(f"{WSU}Created")
        seed = base64.b64decode(nonce) + created.encode() + b"pass-word"
        nonces.append(nonce)
        stamp = request.envelope.find(f".//{WSU}Timestamp")
        age = datetime.now(UTC) - datetime.fromisoformat(stamp.findtext(f"{WSU}Created"))
        fresh = abs(age) < timedelta(minutes=1)
        right = password == base64.b64encode(hashlib.sha1(seed).digest()).decode()  # noqa: S324 the standard's own
        return None if right and fresh else fault("Client", "no")

    erp.guard = check
    told = f"digest: {str(digest).lower()}, timestamp: true"
    words = f'{{user: "${{secrets.user}}", password: "${{secrets.password}}", {told}}}'

    assert isinstance(deliver(tmp_path, erp, f"  - wsse_username: {words}\n"), Receipt)
    assert len(set(nonces)) == len(nonces)


@pytest.fixture(scope="module")
def signing_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def certificate(
    key: rsa.RSAPrivateKey, *, days: int = 1, name: str = "localhost", ca: bool = False
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def written(made: x509.Certificate) -> str:
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_wsse_signature_is_sha256_and_covers_body_and_timestamp(
    tmp_path: Path, signing_key: rsa.RSAPrivateKey
) -> None:
    erp = TinyErp()
    made = written(certificate(signing_key))
    verified: list[bool] = []

    def check(request: Request) -> None:
        root = request.envelope
        signature = xmlsec.tree.find_node(root, xmlsec.constants.NodeSignature)
        context = xmlsec.SignatureContext()
        for node in root.iter():
            if node.get(f"{WSU}Id"):
                context.register_id(node, "Id", WSU[1:-1])
        context.key = xmlsec.Key.from_memory(made, xmlsec.constants.KeyDataFormatCertPem)
        context.verify(signature)
        text = etree.tostring(signature).decode()
        verified.append(text.count("Reference URI=") == 2 and "rsa-sha256" in text and "rsa-sha1" not in text)

    erp.guard = check
    auth = '  - wsse_signature: {key: "${secrets.other}", certificate: "${secrets.user}"}\n'

    outcome = deliver(tmp_path, erp, auth, secrets={"other": pem(signing_key), "user": made})

    assert isinstance(outcome, Receipt)
    assert verified == [True, True]


def test_a_key_that_cannot_sign_sends_nothing(tmp_path: Path) -> None:
    erp = TinyErp()
    auth = '  - wsse_signature: {key: "${secrets.other}", certificate: "${secrets.user}"}\n'

    with pytest.raises(AccessRefusedError, match="cannot be signed"):
        deliver(tmp_path, erp, auth)
    assert erp.requests == []


TOKENS = """
  - header_block:
      element: t:Passport
      vars:
        nonce: ${attempt.nonce}
        base: ${settings.address}&${secrets.user}&${attempt.nonce}&${attempt.now_unix}
        key: ${secrets.password}&${secrets.other}
      value:
        account: ${secrets.user}
        nonce: ${attempt.nonce}
        timestamp: ${attempt.now_unix}
        signature:
          "@algorithm": HMAC-SHA256
          _value_1: ${vars.base | hmac_sha256(vars.key) | base64}
"""


def test_a_header_block_is_signed_anew_for_each_attempt(tmp_path: Path) -> None:
    erp = TinyErp()
    nonces: list[str] = []

    def check(request: Request) -> Response | None:
        nonce, moment = request.text("nonce"), request.text("timestamp")
        address = f"http://{request.headers['Host']}/tiny"
        base = f"{address}&user-name&{nonce}&{moment}"
        signed = hmac.new(b"pass-word&other-secret", base.encode(), hashlib.sha256).digest()
        right = request.text("signature") == base64.b64encode(signed).decode() and nonce not in nonces
        nonces.append(nonce)
        return None if right else fault("Client", "bad signature")

    erp.guard = check

    assert isinstance(deliver(tmp_path, erp, TOKENS), Receipt)
    assert len(set(nonces)) == 2


SESSION = """
  - session:
      operation: Login
      body: {user: "${secrets.user}", password: "${secrets.password}"}
      token: //t:LoginResponse/t:token
      header_block: {element: t:Session, value: {token: "${session.token}"}}
      expired: [{fault_string: expired}]
"""


class Sessions:
    """Lets a session make so many calls, then lets it expire."""

    def __init__(self, erp: TinyErp, calls: int) -> None:
        self.erp, self.calls = erp, calls
        self.used: dict[str, int] = {}
        self.logins = 0

    def __call__(self, request: Request) -> Response | None:
        if request.operation == "Login":
            self.logins += 1
            self.used[f"token-{len(self.erp.requests)}"] = 0
            return None
        token = request.text("token")
        if token not in self.used or self.used[token] >= self.calls:
            return fault("Client", "the session has expired")
        self.used[token] += 1
        return None


def test_a_session_is_renewed_and_the_call_made_once_more(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.guard = sessions = Sessions(erp, calls=3)
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, f"auth:\n{SESSION}")

        receipts = [soap.deliver([record(f"k{at}")])[0] for at in range(4)]

        soap.close()
    assert [getattr(receipt, "id", None) for receipt in receipts] == ["1", "2", "3", "4"]
    assert sessions.logins == 3
    assert len(erp.rows) == 4


def test_a_session_is_ended_when_the_target_is_closed(tmp_path: Path) -> None:
    erp = TinyErp()
    session = f"auth:\n{SESSION}      logout: Logout\n"
    with serving(erp.answer) as address:
        adapter(tmp_path, address, session).close()  # no session was begun, so none is ended
        soap = adapter(tmp_path, address, session)
        soap.deliver([record()])

        soap.close()

    assert [request.operation for request in erp.requests] == ["Login", "Find", "Create", "Logout"]
    assert erp.requests[-1].text("token") == erp.requests[1].text("token") != ""


def test_a_logout_that_fails_harms_nothing(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.guard = lambda request: Response(500) if request.operation == "Logout" else None
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, f"auth:\n{SESSION}      logout: Logout\n")
        receipts = soap.deliver([record()])

        soap.close()

    assert receipts == [Receipt(id="1", created=True)]


def test_many_threads_that_meet_one_expiry_log_in_once(tmp_path: Path) -> None:
    erp = TinyErp()
    erp.guard = sessions = Sessions(erp, calls=1000)
    with serving(erp.answer) as address:
        soap = adapter(tmp_path, address, f"auth:\n{SESSION}")
        in_threads([lambda at=at: soap.deliver([record(f"k{at}")]) for at in range(6)])  # type: ignore[misc]
        sessions.used.clear()
        in_threads([lambda at=at: soap.deliver([record(f"n{at}")]) for at in range(6)])  # type: ignore[misc]
        soap.close()

    assert sessions.logins == 2
    assert len({key for key, _ in erp.rows}) == len(erp.rows) == 12


def in_threads(calls: list[Callable[[], object]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_refused_login_is_about_credentials(tmp_path: Path) -> None:
    with pytest.raises(AccessRefusedError, match="refuses the login"):
        deliver(tmp_path, TinyErp(), SESSION, secrets={"password": "wrong"})


class Authority:
    """An OAuth server: one client, tokens that end."""

    def __init__(self) -> None:
        self.given = 0

    def __call__(self, request: Request) -> Response:
        body = request.body.decode()
        if "client_secret=other-secret" not in body or "grant_type=client_credentials" not in body:
            return Response(400, b'{"error": "invalid_client"}', {"Content-Type": "application/json"})
        self.given += 1
        return Response(200, b'{"access_token": "bearer-%d", "expires_in": 3600}' % self.given, {})


def oauth(address: str) -> str:
    return (
        f'auth:\n  - oauth2_client: {{token_url: {address}, client_id: "${{secrets.user}}", '
        'client_secret: "${secrets.other}", scope: erp}\n'
    )


def test_oauth_client_credentials_are_exchanged_once_and_renewed_when_refused(tmp_path: Path) -> None:
    erp, authority = TinyErp(), Authority()
    good = ["Bearer bearer-1"]
    erp.guard = lambda request: None if request.headers["Authorization"] in good else Response(401)
    with serving(authority) as tokens, serving(erp.answer) as address:
        soap = adapter(tmp_path, address, oauth(tokens))
        soap.deliver([record("k1")])
        good[:] = ["Bearer bearer-2"]
        soap.deliver([record("k2")])
        soap.close()

    assert authority.given == 2
    assert [key for key, _ in erp.rows] == ["k1", "k2"]


def test_an_oauth_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    erp, authority = TinyErp(), Authority()
    now = [datetime(2026, 1, 1, tzinfo=UTC)]
    with serving(authority) as tokens, serving(erp.answer) as address:
        soap = adapter(tmp_path, address, oauth(tokens), clock=lambda: now[0])
        before = soap.tokens()
        soap.deliver([record("k1")])
        [life] = soap.tokens()
        now[0] += timedelta(seconds=3590)
        soap.deliver([record("k2")])
        soap.close()

    assert authority.given == 2
    assert before == ()
    assert (life.ends_at, life.renewed_at) == (
        life.issued_at + timedelta(hours=1),
        life.issued_at + timedelta(minutes=59),
    )


def test_a_refused_oauth_client_is_told_in_the_servers_words(tmp_path: Path) -> None:
    with serving(Authority()) as tokens, serving(TinyErp().answer) as address:
        soap = adapter(tmp_path, address, oauth(tokens), secrets={"other": "wrong"})
        with pytest.raises(AccessRefusedError, match="invalid_client"):
            soap.deliver([record()])
        soap.close()


class NtlmGuard:
    """Verifies NTLM with the library's own server side, one context a connection."""

    def __init__(self, credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        credentials.write_text("ERP:user-name:pass-word\n")
        monkeypatch.setenv("NTLM_USER_FILE", str(credentials))
        self.contexts: dict[int, Any] = {}

    def __call__(self, request: Request) -> Response | None:
        told = request.headers.get("Authorization", "")
        if not told.startswith("NTLM "):
            return Response(401, b"", {"WWW-Authenticate": "NTLM"})
        message = base64.b64decode(told.removeprefix("NTLM "))
        kind = message[8]
        thread = threading.get_ident()  # a thread of the server serves one connection
        if kind == 1:
            self.contexts[thread] = spnego.server(protocol="ntlm")
        context = self.contexts[thread]
        try:
            answer = context.step(message)
        except spnego.exceptions.SpnegoError:
            return Response(401)
        if context.complete:
            return None
        return Response(401, b"", {"WWW-Authenticate": "NTLM " + base64.b64encode(answer or b"").decode()})


NTLM = '  - ntlm: {user: "ERP\\\\${secrets.user}", password: "${secrets.password}"}\n'


def test_ntlm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    erp = TinyErp()
    erp.guard = NtlmGuard(tmp_path / "ntlm", monkeypatch)

    assert deliver(tmp_path, erp, NTLM) == Receipt(id="1", created=True)
    assert len(erp.rows) == 1


def test_ntlm_with_a_wrong_password_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    erp = TinyErp()
    erp.guard = NtlmGuard(tmp_path / "ntlm", monkeypatch)

    with pytest.raises(AccessRefusedError):
        deliver(tmp_path, erp, NTLM, secrets={"password": "wrong"})
    assert erp.rows == []


@pytest.fixture
def secure(tmp_path: Path, signing_key: rsa.RSAPrivateKey) -> Path:
    """A folder with a server certificate and a client certificate."""
    (tmp_path / "server.pem").write_text(written(certificate(signing_key, ca=True)) + pem(signing_key))
    (tmp_path / "old.pem").write_text(written(certificate(signing_key, days=-1, ca=True)) + pem(signing_key))
    (tmp_path / "client.pem").write_text(written(certificate(signing_key, name="client", ca=True)))
    (tmp_path / "client.key").write_text(pem(signing_key))
    return tmp_path


def tls(folder: Path, name: str = "server.pem", *, client: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / name)
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "client.pem")
    return context


def secure_adapter(folder: Path, address: str, more: str = "", bundle: str = "server.pem") -> SoapAdapter:
    return adapter(folder, address, more, ca_bundle=folder / bundle)


def test_mutual_tls(secure: Path) -> None:
    erp = TinyErp()
    more = f"auth:\n  - mtls: {{certificate: {secure / 'client.pem'}, key: {secure / 'client.key'}}}\n"
    with serving(erp.answer, tls(secure, client=True)) as address:
        soap = secure_adapter(secure, address, more)

        assert soap.deliver([record()]) == [Receipt(id="1", created=True)]

        soap.close()


def test_an_expired_certificate_is_named_and_nothing_is_sent(secure: Path) -> None:
    erp = TinyErp()
    with serving(erp.answer, tls(secure, "old.pem")) as address:
        soap = secure_adapter(secure, address, bundle="old.pem")
        with pytest.raises(UnavailableError, match="expired"):
            soap.deliver([record()])
        soap.close()
    assert erp.requests == []
