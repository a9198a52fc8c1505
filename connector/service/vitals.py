"""Whether this process works: which threads give no sign of life, and which calls take too long."""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog

from connector.calls import Call, now_under_way, signs

log = structlog.get_logger(__name__)

SLOW = timedelta(minutes=1)  # a call is named after this, and again each time it has doubled


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A thread that has given no sign of life for too long, and what it was busy with."""

    thread: str
    seconds: float | None  # None: it never gave one, or it has ended
    call: Call | None


class Vitals:
    """What is known of the threads of this process. Safe between threads."""

    def __init__(self, *, limit: timedelta) -> None:
        """`limit`: longer than any single call may take."""
        self._limit = limit.total_seconds()
        self._expected: tuple[str, ...] = ()
        self._own: dict[str, float] = {}  # signs of what is no thread of ours
        self._unlisted: frozenset[str] = frozenset()
        self._told: dict[tuple[str, float], float] = {}  # a slow call -> after how many seconds to tell again

    def expect(self, names: Iterable[str]) -> None:
        """Take these threads to be running from now on."""
        self._expected = tuple(names)

    def sign(self, name: str) -> None:
        """Note a sign of life in the name of something that has no thread of its own."""
        self._own[name] = time.monotonic()

    def lists(self, names: Iterable[str], listed: Iterable[str]) -> None:
        """Note which pipelines there are, and which of them have been listed once."""
        self._unlisted = (self._unlisted | frozenset(names)) - frozenset(listed)

    @property
    def unlisted(self) -> frozenset[str]:
        """The pipelines whose first listing has not ended yet."""
        return self._unlisted

    def silent(self) -> tuple[Silence, ...]:
        """Give the threads that have stopped: none means that the process is alive."""
        last: Mapping[str, float] = {**signs(), **self._own}
        running = {thread.name for thread in threading.enumerate()} | self._own.keys()
        calls = {call.thread: call for call in now_under_way()}
        now = time.monotonic()
        silent = []
        for name in self._expected:
            seconds = now - last[name] if name in last and name in running else None
            if seconds is None or seconds > self._limit:
                silent.append(Silence(thread=name, seconds=seconds, call=calls.get(name)))
        return tuple(silent)

    def name_slow_calls(self) -> None:
        """Log each call that takes long, once and again each time it has doubled."""
        calls = {(call.thread, call.began): call for call in now_under_way()}
        self._told = {key: after for key, after in self._told.items() if key in calls}
        for key, call in calls.items():
            after = self._told.get(key, SLOW.total_seconds())
            seconds = call.seconds()
            if seconds >= after:
                self._told[key] = 2 * max(after, seconds)
                log.warning("service.slow_call", **call_facts(call))


def call_facts(call: Call) -> dict[str, object]:
    """Give a call as facts of a log line."""
    return {
        "thread": call.thread,
        "call": call.what,
        "side": call.side,
        "pipeline": call.pipeline,
        "deliveries": list(call.deliveries),
        "documents": list(call.documents),
        "seconds": round(call.seconds(), 1),
    }
