"""A served sandbox Docflo, a client that reaches it, and a clock that moves only when told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, Protocol

import httpx
import msgspec

from connector.sandbox.docflo import DocfloSandbox, SandboxDocument
from connector.sandbox.docflo.document import settled

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HEADERS = {"x-tenant-id": "sandbox-tenant", "apiKey": "sandbox-key"}

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_numbers = count(1)


@dataclass
class SetClock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Docflo:
    """A served sandbox, and a client with the right headers."""

    sandbox: DocfloSandbox
    client: httpx.Client

    def get(self, path: str, **query: str) -> Any:
        return read(self.client.get(path, params=query))

    def rows(self, **query: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.get("/docs/v1/document", **query)["documents"]
        return rows

    def ids(self, **query: str) -> list[str]:
        return [row["_id"] for row in self.rows(**query)]

    def patch(self, path: str, body: object, **query: str) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return self.client.patch(path, content=_encoder.encode(body), headers=headers, params=query)

    def edit(self, document: SandboxDocument, fields: Mapping[str, object]) -> httpx.Response:
        return self.patch(f"/docs/v1/document/fields/{document.id}", {"fields": fields})

    def fields(self, document: SandboxDocument) -> dict[str, Any]:
        fields: dict[str, Any] = self.get(f"/docs/v1/document/byId/{document.id}")["results"]
        return fields


class Serve(Protocol):
    def __call__(self, **options: object) -> Docflo: ...


def read(answer: httpx.Response) -> Any:
    """Give the body of an answer that succeeded, its numbers exact."""
    assert answer.is_success, answer.text
    return _decoder.decode(answer.content)


def refused(answer: httpx.Response, status: int) -> dict[str, str]:
    """Give the error of an answer that has the documented envelope and nothing else."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert all(isinstance(text, str) for text in body["error"].values())
    error: dict[str, str] = body["error"]
    return error


def make_sandbox_document(status: str = "APPROVED", **parts: object) -> SandboxDocument:
    """Give a small document; keyword options replace its parts."""
    number = next(_numbers)
    fields = {"VendorName": {"type": "string", "value": "Northwind", "confidence": Decimal("0.9")}}
    defaults: dict[str, Any] = {
        "id": f"{number:024x}",
        "type": "invoice",
        "name": f"invoice-{number}.pdf",
        "created_on": NOW - timedelta(days=1),
        "timeline": settled(status),
        "fields": fields,
    }
    return SandboxDocument(**{**defaults, **parts})
