"""Ends what takes too long: one thread watches over all calls of this process, not one for each."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_ready = threading.Condition()
_running: dict[object, tuple[float, Callable[[], None]]] = {}  # what runs, with its end and what is done then
_watch: threading.Thread | None = None
_next_look = float("inf")  # of time.monotonic: when the thread looks again by itself


@contextmanager
def overdue(seconds: float, act: Callable[[], None]) -> Iterator[None]:
    """Do `act`, in another thread, if the block takes longer than that. It must be quick and never raise."""
    mark, end = object(), time.monotonic() + seconds
    with _ready:
        _running[mark] = end, act
        if end < _next_look or _watch is None or not _watch.is_alive():
            _look_sooner(end)
    try:
        yield
    finally:
        with _ready:
            _running.pop(mark, None)


def _look_sooner(end: float) -> None:
    global _watch, _next_look  # noqa: PLW0603 one thread for the whole process, made when it is first needed
    _next_look = end
    if _watch is None or not _watch.is_alive():  # a forked process has the variable and not the thread
        _watch = threading.Thread(target=_look_after_all, name="overdue", daemon=True)
        _watch.start()
    _ready.notify()


def _look_after_all() -> None:
    global _next_look  # noqa: PLW0603 as above
    while True:
        with _ready:
            now = time.monotonic()
            late = [mark for mark, (end, _) in _running.items() if end <= now]
            acts = [_running.pop(mark)[1] for mark in late]
            _next_look = min((end for end, _ in _running.values()), default=float("inf"))
            if not acts:
                _ready.wait(None if _next_look == float("inf") else _next_look - now)
        for act in acts:
            act()
