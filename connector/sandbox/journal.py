"""What a sandbox was asked and what it did: the evidence that tests and the demo read."""

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ANSWER_BYTES = 65_536


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived, with the status it was answered with."""

    method: str
    path: str
    operation: str  # the endpoint's name: "list", "update_fields", "graph", ...
    status: int
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  # lower-case names
    body: bytes = b""
    at: datetime = field(default_factory=_now, compare=False)
    answer: bytes = b""  # its first `ANSWER_BYTES`


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One change that a request made: what, on which object, to which values."""

    kind: str  # "created", "updated", "deleted", "status", "fields"
    subject: str  # "Invoice__c/a0B…", "document/68be…"
    values: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """Requests and effects in the order they happened. Safe to read from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._effects: list[Effect] = []

    def request(self, entry: Request) -> None:
        """Record a request and how it was answered."""
        with self._lock:
            self._requests.append(entry)

    def effect(self, kind: str, subject: str, values: Mapping[str, Any] | None = None) -> None:
        """Record a change."""
        with self._lock:
            self._effects.append(Effect(kind=kind, subject=subject, values=dict(values or {})))

    def forget(self) -> None:
        """Begin anew: what was recorded so far is dropped; the sandbox's data stays."""
        with self._lock:
            self._requests.clear()
            self._effects.clear()

    @property
    def requests(self) -> tuple[Request, ...]:
        """All requests so far."""
        with self._lock:
            return tuple(self._requests)

    @property
    def effects(self) -> tuple[Effect, ...]:
        """All changes so far."""
        with self._lock:
            return tuple(self._effects)

    def history(self, record_id: str) -> tuple[Effect, ...]:
        """Give all changes of one object, oldest first."""
        return tuple(effect for effect in self.effects if effect.subject.endswith(f"/{record_id}"))

    def count(self) -> Counter[str]:
        """Count requests by operation."""
        return Counter(entry.operation for entry in self.requests)
