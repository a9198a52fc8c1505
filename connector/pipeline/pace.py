"""How many write-backs a worker claims at once: as many as take about half a second.

A claim and a commit cost a batch, not a document, so quick answers make large batches. What a crash leaves
unrecorded, and what others could have begun meanwhile, stays at that half second when answers are slow.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

FEWEST = 5
MOST = 100
SECONDS = 0.5  # of a batch


class Pace:
    """The pace of one worker."""

    def __init__(self) -> None:
        self.batch = FEWEST

    @contextmanager
    def keeping(self, documents: int) -> Iterator[None]:
        """Learn from how long so many documents take in the block."""
        began = time.monotonic()
        yield
        seconds = time.monotonic() - began
        if documents == self.batch and seconds < SECONDS / 2:
            self.batch = min(MOST, self.batch * 2)
        elif seconds > SECONDS:
            self.batch = max(FEWEST, self.batch // 2)
