"""What was asked of other sides and answered, noted for the story of a delivery. Never contents."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MOST = 20  # lines a step may add to a story

_noted: ContextVar[list[str] | None] = ContextVar("noted", default=None)


@contextmanager
def noted() -> Iterator[list[str]]:
    """Collect what is sent in the block by this thread, one line a request."""
    lines: list[str] = []
    token = _noted.set(lines)
    try:
        yield lines
    finally:
        _noted.reset(token)


def note(method: str, target: str, answer: object) -> None:
    """Note one request: `target` without its query, `answer` a status or why there is none."""
    lines = _noted.get()
    if lines is not None and len(lines) < MOST:
        lines.append(f"{method} {target.partition('?')[0]} -> {answer}")


def told(lines: list[str]) -> str | None:
    """Give the lines as the ledger keeps them; None when nothing was sent."""
    return "\n".join(lines) or None
