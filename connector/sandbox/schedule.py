"""What is planned to go wrong, and how often it still may: shared by faults of every kind."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class Limited(Protocol):
    """Something that lets `after` matches pass and then hits `times` of them; None hits for ever."""

    @property
    def times(self) -> int | None:
        """How many matches are hit."""

    @property
    def after(self) -> int:
        """How many matches pass before the first hit."""


F = TypeVar("F", bound=Limited)


class Schedule(Generic[F]):
    """The faults that are still to come. Safe to fill from another thread while requests arrive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: list[_Planned[F]] = []

    def add(self, *faults: F) -> None:
        """Plan faults. Of several that fit one occasion, the first added hits."""
        with self._lock:
            self._planned.extend(_Planned(fault=fault) for fault in faults)

    def clear(self) -> None:
        """Drop what is planned: from here on everything works."""
        with self._lock:
            self._planned.clear()

    def next_hit(self, fits: Callable[[F], bool]) -> F | None:
        """Give the fault that hits this occasion, and count it as used."""
        if not self._planned:
            return None
        with self._lock:
            fitting = [planned for planned in self._planned if planned.is_left and fits(planned.fault)]
            for planned in fitting:
                planned.seen += 1
            hit = next((planned for planned in fitting if planned.seen > planned.fault.after), None)
            if hit is None:
                return None
            hit.used += 1
            return hit.fault

    def mark(self) -> dict[int, tuple[int, int]]:
        """Give what `rewind` needs to forget the hits after this moment."""
        with self._lock:
            return {id(planned): (planned.seen, planned.used) for planned in self._planned}

    def rewind(self, mark: dict[int, tuple[int, int]]) -> None:
        """Forget the hits since `mark`: what they hit was undone and is tried again."""
        with self._lock:
            for planned in self._planned:
                planned.seen, planned.used = mark.get(id(planned), (0, 0))

    @property
    def pending(self) -> tuple[F, ...]:
        """Faults that can still hit."""
        with self._lock:
            return tuple(planned.fault for planned in self._planned if planned.is_left)


@dataclass(slots=True, kw_only=True)
class _Planned(Generic[F]):
    fault: F
    seen: int = 0
    used: int = 0

    @property
    def is_left(self) -> bool:
        return self.fault.times is None or self.used < self.fault.times
