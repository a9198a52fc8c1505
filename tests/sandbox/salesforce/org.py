"""A client of a sandbox org, and the words its answers are checked with."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx
import msgspec

from connector.sandbox.salesforce import SalesforceSandbox

CREDENTIALS = {
    "grant_type": "client_credentials",
    "client_id": "sandbox-consumer",
    "client_secret": "sandbox-secret",
}


class SteppedClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


class Org:
    """A served sandbox and a client of it. Paths are relative to `/services/data/v66.0`."""

    def __init__(self, sandbox: SalesforceSandbox, url: str, clock: SteppedClock) -> None:
        self.sandbox = sandbox
        self.url = url
        self.clock = clock
        self.client = httpx.Client(base_url=url)

    def log_in(self, **credentials: str) -> httpx.Response:
        answer = self.client.post("/services/oauth2/token", data=credentials or CREDENTIALS)
        if answer.is_success:
            self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return answer

    def send(self, method: str, path: str, body: object = None, *, version: str = "v66.0") -> httpx.Response:
        content = None if body is None else encoded(body)
        headers = {} if content is None else {"Content-Type": "application/json"}
        return self.client.request(
            method, f"/services/data/{version}{path}", content=content, headers=headers
        )

    def upsert(self, object_name: str, field: str, key: str, body: object) -> httpx.Response:
        return self.send("PATCH", f"/sobjects/{object_name}/{field}/{quote(key, safe='')}", body)

    def query(self, soql: str) -> httpx.Response:
        return self.client.get("/services/data/v66.0/query", params={"q": soql})

    def graphs(self, *graphs: object) -> httpx.Response:
        return self.send("POST", "/composite/graph", {"graphs": list(graphs)})


def encoded(body: object) -> bytes:
    return msgspec.json.Encoder(decimal_format="number").encode(body)


def decoded(answer: httpx.Response) -> Any:
    return msgspec.json.Decoder(float_hook=Decimal).decode(answer.content)


def code(answer: httpx.Response) -> tuple[int, str]:
    """Give the status and the first error's code."""
    return answer.status_code, answer.json()[0]["errorCode"]


MakeOrg: TypeAlias = Callable[..., Org]
