"""A file on its way to Docflo, and who is told how far it is."""

from collections.abc import Callable
from typing import Any, BinaryIO, cast

Progress = Callable[[int], None]
"""Told how many bytes of an upload were sent so far."""


def watched(file: BinaryIO, progress: Progress | None) -> BinaryIO:
    """Give the same file, reporting what is read of it."""
    return file if progress is None else cast("BinaryIO", _Watched(file, progress))


class _Watched:
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self._sent = 0

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        self._sent += len(chunk)
        self._progress(self._sent)
        return chunk

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 whatever httpx asks of a file: seek, tell, fileno
        return getattr(self._file, name)
