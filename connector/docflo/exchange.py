"""One call of Docflo as values: what is asked, what came back, and what a way there must do. No I/O."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Protocol, TypeVar

from msgspec import Struct

from connector import __version__
from connector.docflo.download import TooLargeError

HEADERS: Mapping[str, str] = {
    "User-Agent": f"docflo-connector/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
}
"""What every call says, unless it says otherwise."""
_LENGTH = re.compile(r"[0-9]{1,18}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that is read while it is sent, and the form around it."""

    name: str
    file: BinaryIO
    form: Mapping[str, str]


class Request(Struct, frozen=True, kw_only=True):
    """What is asked of Docflo."""

    operation: str  # as it is counted and logged
    method: str
    path: str  # below `base_url`, with its parts quoted
    seconds: float  # for the whole call
    params: Mapping[str, str] | None = None
    content: bytes | None = None  # JSON
    upload: Upload | None = None
    accept: str | None = None
    is_repeatable: bool = True
    # On a connection of its own: what must not be sent twice should find none closed, and a file takes long.
    is_alone: bool = False


class Answer(Struct, frozen=True, kw_only=True):
    """What came back. Its body is read within the call's deadline."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: Iterator[bytes]  # in pieces, without their encoding
    key: str

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"  # without the key

    def chunks(self, cap: int) -> Iterator[bytes]:
        """Give the body in pieces.

        Raises: TooLargeError beyond `cap` bytes, if it can be told before anything is read
        """
        told = self.headers.get("content-length", "")
        if _LENGTH.fullmatch(told) and int(told) > cap:
            raise _too_large(cap)
        received = 0
        for chunk in self.body:
            received += len(chunk)
            if received > cap:
                raise _too_large(cap)
            yield chunk

    def read(self, cap: int) -> bytes:
        """Give the whole body, without the key: some servers repeat the one that they refuse."""
        return b"".join(self.chunks(cap)).replace(self.key.encode(), b"***")


class Route(Protocol):
    """A way to Docflo."""

    def exchange(self, request: Request, key: str, read: Callable[[Answer], T]) -> T:
        """Send, and give what `read` makes of the answer, while its body can be read.

        Raises: httpx's errors, also while the body is read; ConnectError and ConnectTimeout exactly when
        nothing was sent
        """
        ...

    def close(self) -> None:
        """Close the connections that are not in use."""
        ...


def _too_large(cap: int) -> TooLargeError:
    return TooLargeError(
        f"Docflo's answer is larger than {cap // 2**20} MB",
        remedy="docflo.max_download_mb limits what is saved, original.max_mb what is attached",
    )
