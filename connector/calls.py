"""What each thread is busy with now, and when it last gave a sign of life. Never contents.

The watchdog reads it to name a call that is stuck; metrics and traces are told when a call ends. Kept for the
whole process, because a thread that hangs cannot be asked.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType

from msgspec import Struct


class Call(Struct, frozen=True, kw_only=True):
    """One thing that a thread is busy with."""

    what: str  # "deliver", "PATCH update_fields"
    side: str  # whom it waits for: "docflo", "target crm", "" for a step as a whole
    thread: str
    began: float  # of `time.monotonic`
    pipeline: str | None = None
    documents: tuple[str, ...] = ()  # ids
    deliveries: tuple[int, ...] = ()

    def seconds(self) -> float:
        """Give how long it has been under way."""
        return time.monotonic() - self.began


Ended = Callable[[Call, BaseException | None], None]
"""Told when a call ends, in its thread, with the error that ended it. Must be quick, and never raise."""

_under_way: dict[str, list[Call]] = {}  # thread -> outermost first
_signs: dict[str, float] = {}  # thread -> when it last began or ended something
_listeners: list[Ended] = []


def under_way(
    what: str,
    *,
    side: str = "",
    pipeline: str | None = None,
    documents: tuple[str, ...] = (),
    deliveries: tuple[int, ...] = (),
) -> AbstractContextManager[None]:
    """Let it be known that this thread is busy with something until the block ends.

    What is not named is taken from the call around it.
    """
    thread = threading.current_thread().name
    stack = _under_way.setdefault(thread, [])
    outer = stack[-1] if stack else None
    return _UnderWay(
        stack,
        Call(
            what=what,
            side=side,
            thread=thread,
            began=time.monotonic(),
            pipeline=pipeline or (outer.pipeline if outer else None),
            documents=documents or (outer.documents if outer else ()),
            deliveries=deliveries or (outer.deliveries if outer else ()),
        ),
    )


class _UnderWay:
    """The block of a call. No generator: every request of every document goes through here."""

    __slots__ = ("_call", "_stack")

    def __init__(self, stack: list[Call], call: Call) -> None:
        self._stack = stack
        self._call = call

    def __enter__(self) -> None:
        self._stack.append(self._call)
        _signs[self._call.thread] = self._call.began

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.pop()
        if not self._stack:
            _under_way.pop(self._call.thread, None)
        _signs[self._call.thread] = time.monotonic()
        for listener in tuple(_listeners):
            listener(self._call, error)


def alive() -> None:
    """Give a sign of life of this thread."""
    _signs[threading.current_thread().name] = time.monotonic()


def forget() -> None:
    """Take this thread off the record: it ends."""
    _signs.pop(threading.current_thread().name, None)


def now_under_way() -> tuple[Call, ...]:
    """Give the innermost call of each thread, the longest first."""
    innermost = [stack[-1] for stack in tuple(_under_way.values()) if stack]
    return tuple(sorted(innermost, key=lambda call: call.began))


def signs() -> Mapping[str, float]:
    """Give when each thread last gave a sign of life, by `time.monotonic`."""
    return dict(_signs)


def this_thread() -> Call | None:
    """Give the innermost call of the calling thread."""
    stack = _under_way.get(threading.current_thread().name)
    return stack[-1] if stack else None


@contextmanager
def listening(listener: Ended) -> Iterator[None]:
    """Let `listener` be told of every call that ends while the block runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
