"""A tiny ERP that each test scripts, over real HTTP. Its rows are what was really created."""

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lxml import etree

from connector.adapters.soap.adapter import SoapAdapter
from connector.adapters.soap.settings import SoapSettings
from connector.clock import Clock, utc_now
from connector.record import Record
from tests.factories import make_record

FOLDER = Path(__file__).parent
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def envelope(self) -> Any:
        return etree.fromstring(self.body)

    def text(self, name: str) -> str:
        found = self.envelope.find(f".//{{*}}{name}")
        return "" if found is None else found.text or ""

    @property
    def operation(self) -> str:
        return str(etree.QName(self.envelope.find(f"{{{SOAP}}}Body")[0]).localname)


@dataclass(frozen=True, slots=True)
class Response:
    """One response as it goes out."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Request], Response]


def envelope(content: str, header: str = "") -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{SOAP}">{head}<s:Body>{content}</s:Body></s:Envelope>'.encode()


def fault(code: str, text: str, status: int = 500) -> Response:
    content = f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>{text}</faultstring></s:Fault>"
    return Response(status, envelope(content), {"Content-Type": "text/xml"})


class TinyErp:
    """Creates whatever it is asked to, and finds it. `guard` may answer first."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.requests: list[Request] = []
        self.guard: Callable[[Request], Response | None] = lambda _request: None
        self.lock = threading.Lock()

    def answer(self, request: Request) -> Response:
        with self.lock:
            self.requests.append(request)
            refused = self.guard(request)
            if refused is not None:
                return refused
            return Response(200, envelope(getattr(self, f"_{request.operation.lower()}")(request)), XML)

    def _create(self, request: Request) -> str:
        self.rows.append((request.text("key"), request.text("total")))
        return f'<t:CreateResponse xmlns:t="urn:tiny"><t:id>{len(self.rows)}</t:id></t:CreateResponse>'

    def _find(self, request: Request) -> str:
        found = [at for at, (key, _) in enumerate(self.rows) if key == request.text("key")]
        rows = "".join(
            f"<t:row><t:id>{at + 1}</t:id><t:total>{self.rows[at][1]}</t:total></t:row>" for at in found
        )
        return f'<t:FindResponse xmlns:t="urn:tiny">{rows}</t:FindResponse>'

    def _login(self, request: Request) -> str:
        token = f"token-{len(self.requests)}" if request.text("password") == "pass-word" else ""
        return f'<t:LoginResponse xmlns:t="urn:tiny"><t:token>{token}</t:token></t:LoginResponse>'

    def _logout(self, _request: Request) -> str:
        return '<t:LogoutResponse xmlns:t="urn:tiny"/>'


XML = {"Content-Type": "text/xml; charset=utf-8"}


@contextmanager
def serving(handler: Handler, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serve a handler on loopback, with connections kept open as ERPs do."""

    class Http(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            response = self._with_connection(Request(self.path, self.headers, body))  # type: ignore[arg-type]
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        def _with_connection(self, request: Request) -> Response:
            return handler(request)

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Http)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        scheme = "http" if tls is None else "https"
        yield f"{scheme}://localhost:{server.server_port}/tiny"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


PROFILE = """
version: 1
record: {object: Invoice__c, key: Docflo_Id__c}
wsdl: {file: tiny.wsdl}
binding: {address: "${settings.address}"}
ns: {t: "urn:tiny"}
settings: {address: where it answers}
secrets: {user: user, password: password, other: another}
idempotency: {class: lookup_only}
steps:
  - operation: Create
    body: {key: "${key}", total: "${record.Total}", note: "${record.Number__c}"}
    outcome:
      - {when: //t:CreateResponse, is: delivered}
      - {fault_string: locked, is: retry}
      - {http_status: 429, is: throttled}
    record_id: //t:id
lookup:
  - operation: Find
    body: {key: "${key}"}
    many: count(//t:row) > 1
    found: count(//t:row) = 1
    not_found: //t:FindResponse[not(t:row)]
    record_id: //t:id
    compare: {//t:total: "${record.Total}"}
in_doubt: {settle_seconds: 0, then: recreate}
timeouts: {connect: 2, read: 3, deadline: 4}
limits: {max_body_bytes: 100000}
"""


def adapter(
    folder: Path,
    address: str,
    more: str = "",
    *,
    secrets: Mapping[str, str] | None = None,
    profile: str = PROFILE,
    clock: Clock = utc_now,
    ca_bundle: Path | None = None,
) -> SoapAdapter:
    """Give the adapter of the tiny ERP, with more in its profile; secrets are kept in files."""
    (folder / "tiny.wsdl").write_bytes((FOLDER / "tiny.wsdl").read_bytes())
    (folder / "profile.yaml").write_text(profile + more, encoding="utf-8")
    given = {"user": "user-name", "password": "pass-word", "other": "other-secret"} | dict(secrets or {})
    for name, value in given.items():
        (folder / name).write_text(value, encoding="utf-8")
    settings = SoapSettings.model_validate({
        "adapter": "soap",
        "profile": folder / "profile.yaml",
        "settings": {"address": address},
        "secrets": {name: f"${{file:{folder / name}}}" for name in given},
        "ca_bundle": ca_bundle,
    })  # fmt: skip
    return SoapAdapter(settings, clock=clock)


def record(key: str = "k1", total: str = "12.50") -> Record:
    return make_record(key, fields={"Number__c": "R-1", "Total": Decimal(total)})
