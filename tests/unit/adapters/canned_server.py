"""A server on loopback that answers as a test says, and remembers what it was asked."""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from connector.adapters.salesforce.settings import SalesforceSettings

TOKEN = "/services/oauth2/token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    port: int  # of the caller

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. `raw` is written as it is, and the connection closed after it."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None


Answer = Callable[[Asked], Reply]


class CannedServer:
    """Answers with what `answer` gives for each request."""

    def __init__(self, answer: Answer) -> None:
        self.asked: list[Asked] = []
        self.answer = answer
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(
                    method=self.command,
                    path=self.path,
                    headers=headers,
                    body=self.rfile.read(length),
                    port=self.client_address[1],
                )
                outer.asked.append(asked)
                outer._write(self, outer.answer(asked))

            do_GET = do_POST = _serve  # noqa: N815 the names that http.server looks for

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def _write(self, handler: BaseHTTPRequestHandler, reply: Reply) -> None:
        if reply.raw is not None:
            handler.wfile.write(reply.raw)
            handler.wfile.flush()
            handler.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        handler.wfile.flush()

    def paths(self, containing: str = "") -> list[str]:
        """Give the paths asked for, in order."""
        return [asked.path for asked in self.asked if containing in asked.path]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)


def make_settings(login_url: str | None = "http://127.0.0.1:9", **parts: Any) -> SalesforceSettings:
    """Give settings for client credentials; the secrets are in SF_KEY and SF_SECRET."""
    values = {
        "adapter": "salesforce",
        "login_url": login_url,
        "consumer_key": "${env:SF_KEY}",
        "consumer_secret": "${env:SF_SECRET}",
        "connect_timeout": 2,
        "read_timeout": 2,
        "deadline": 4,
    }
    return SalesforceSettings.model_validate({**values, **parts})


def token_reply(url: str, number: int = 1) -> Reply:
    """Give what a login answers: token-1, token-2, …."""
    return Reply(body={"access_token": f"token-{number}", "instance_url": url, "token_type": "Bearer"})


def error_reply(status: int, code: str, message: str = "no", **headers: str) -> Reply:
    """Give what Salesforce answers when it refuses a call."""
    return Reply(
        status=status,
        body=[{"message": message, "errorCode": code}],
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )
