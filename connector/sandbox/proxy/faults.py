"""What goes wrong between a caller and a server, for which requests, and how often."""

import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from connector.sandbox.proxy.exchange import Request

Kind: TypeAlias = Literal[
    "drop",  # closed without an answer
    "reset",  # the same, with a TCP reset
    "truncate",  # the whole length announced, half of the body, closed
    "redirect",  # 302 to `location`
    "throttle",  # 429 with Retry-After
    "gateway",  # 502 with a web page
    "accepted",  # 202 with a web page
    "login-page",  # 200 with a web page
    "empty",  # 200 without a body
    "answer",  # the answer's body is replaced by `content`
    "huge",  # 200 and `size` bytes of XML without an end
    "slow-headers",  # one byte of the head every `seconds`
    "slow-body",  # the head at once, one byte of the body every `seconds`
    "delay",  # `seconds` of silence, then everything as it should be
]
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong. Conditions left at their defaults let it hit every request.

    `forward`: whether the server gets the request, and does its work. A delay is always forwarded: before
    the silence or after it.
    """

    kind: Kind
    forward: bool

    method: str = ""
    path: str = ""  # text in the path or query
    header: str = ""  # text in one of the header lines, as "soapaction: create"; case does not matter
    body: str = ""  # text in the request's body
    nth: int | None = None  # only this one of the fitting requests, from 1
    every: int | None = None  # each third, with 3
    rate: float = 1.0  # so many of the fitting requests, chosen at random
    times: int | None = None  # then never again

    seconds: float = 0.2
    size: int = 50 * MEGABYTE
    status: int | None = None  # None: the kind's own
    location: str = "/login"
    content: bytes = b""
    retry_after: int | None = 1  # seconds

    def fits(self, request: Request) -> bool:
        """Tell whether the request is of the kind that this fault waits for."""
        return (
            self.method.upper() in ("", request.method)
            and self.path in request.target
            and self.body.encode() in request.body
            and any(self.header.lower() in line for line in request.header_lines())
        )

    def is_turn(self, seen: int) -> bool:
        """Tell whether the `seen`-th fitting request, from 1, is one to hit."""
        if self.nth is not None:
            return seen == self.nth
        return self.every is None or seen % self.every == 0


@dataclass(slots=True, kw_only=True)
class _Planned:
    fault: Fault
    seen: int = 0
    used: int = 0


class Plan:
    """The faults to come. Safe to change from another thread; the same seed hits the same requests."""

    def __init__(self, faults: Sequence[Fault] = (), *, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(seed)
        self._planned = [_Planned(fault=fault) for fault in faults]

    def add(self, *faults: Fault) -> None:
        """Plan faults. Of several whose turn it is, the first added hits."""
        with self._lock:
            self._planned.extend(_Planned(fault=fault) for fault in faults)

    def clear(self) -> None:
        """Let everything through from here on."""
        with self._lock:
            self._planned.clear()

    def take(self, request: Request) -> Fault | None:
        """Give the fault that hits this request, and count it as used."""
        with self._lock:
            fitting = [planned for planned in self._planned if planned.fault.fits(request)]
            for planned in fitting:
                planned.seen += 1
            hit = next((planned for planned in fitting if self._hits(planned)), None)
            if hit is None:
                return None
            hit.used += 1
            return hit.fault

    def _hits(self, planned: _Planned) -> bool:
        fault = planned.fault
        if fault.times is not None and planned.used >= fault.times:
            return False
        return fault.is_turn(planned.seen) and (fault.rate >= 1 or self._random.random() < fault.rate)
