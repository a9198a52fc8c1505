"""A downloaded file: streamed to disk, named safely, and only ever there as a whole."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from email.utils import collapse_rfc2231_value
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from connector.errors import ConfigError, UnexpectedResponseError

LONGEST_NAME = 120
OCTETS = "application/octet-stream"
_NOT_A_FILE = re.compile(r"\bjson\b|\bhtml\b")
_MAGIC = {
    b"%PDF": "application/pdf",
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
    b"<": "text/html",
    b"{": "application/json",
    b"[": "application/json",
}
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]')


class TooLargeError(UnexpectedResponseError):
    """The answer is larger than the caller wants to take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file on disk."""

    path: Path
    size: int  # bytes
    content_type: str
    sha256: str  # hex


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A file that was written where the caller wanted it."""

    name: str  # safe as the name of a file
    size: int  # bytes
    content_type: str
    sha256: str  # hex


def save(chunks: Iterable[bytes], headers: Mapping[str, str], folder: Path, *, fallback: str) -> Download:
    """Write the chunks into `folder`; a file appears only when it is whole and replaces one of its name.

    Raises: UnexpectedResponseError when JSON came instead of a file; ConfigError when `folder` is read-only
    """
    content_type, stream = _begin(chunks, headers)
    name = file_name(headers.get("content-disposition"), fallback)
    with _writing_into(str(folder)):
        folder.mkdir(parents=True, exist_ok=True)
        return _write(stream, folder / name, content_type)


def receive(
    chunks: Iterable[bytes], headers: Mapping[str, str], file: BinaryIO, *, fallback: str
) -> Received:
    """Write the chunks into an open file.

    Raises: UnexpectedResponseError when JSON came instead of a file; ConfigError when there is no room
    """
    content_type, stream = _begin(chunks, headers)
    with _writing_into("the folder for temporary files"):
        digest, size = _copy(stream, file)
    name = file_name(headers.get("content-disposition"), fallback)
    return Received(name=name, size=size, content_type=content_type, sha256=digest)


def _begin(chunks: Iterable[bytes], headers: Mapping[str, str]) -> tuple[str, Iterator[bytes]]:
    stream = iter(chunks)
    first = next(stream, b"")
    content_type = _content_type(headers.get("content-type", ""), first)
    # A file that carries a name is a file, whatever is in it.
    if "content-disposition" not in headers and (not first or _NOT_A_FILE.search(content_type)):
        message = f"expected a file, but Docflo answered with {content_type if first else 'nothing'}"
        raise UnexpectedResponseError(message, remedy="the document may have no file, or only a link to one")
    return content_type, chain([first], stream)


@contextmanager
def _writing_into(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        message = f"cannot write into {place}: {error.strerror}"
        raise ConfigError(message, remedy="name a folder that is writable and has room") from error


def _content_type(told: str, start: bytes) -> str:
    content_type = told.split(";", maxsplit=1)[0].strip().lower()
    if content_type and content_type != OCTETS:
        return content_type
    known = (type_ for magic, type_ in _MAGIC.items() if start.lstrip().startswith(magic))
    return next(known, OCTETS)


def file_name(disposition: str | None, fallback: str) -> str:
    """Give a safe name from a Content-Disposition header: no folder, no control or direction characters."""
    told = _told_name(disposition) or fallback
    return safe_name(told) if disposition else _safe(told)


def safe_name(told: str) -> str:
    """Give a name that others chose as one for a file here; of a path, whatever its system, the last part."""
    return _safe(told.replace("\\", "/").rsplit("/", maxsplit=1)[-1])


def _safe(last: str) -> str:
    safe = _UNSAFE.sub("_", last).strip(" .")
    stem, suffix = os.path.splitext(safe or "document")  # noqa: PTH122 a name, not a path
    # File systems count bytes, 255 of them: four a character at most, with room for the ending.
    room = LONGEST_NAME - len(suffix.encode())
    if room <= 0:
        stem, suffix, room = safe, "", LONGEST_NAME
    return stem.encode()[:room].decode(errors="ignore") + suffix


def _told_name(disposition: str | None) -> str | None:
    message = Message()
    message["content-disposition"] = disposition or "attachment"
    params = message.get_params([], "content-disposition")
    names: list[object] = [value for name, value in params if name.lower() == "filename"]
    # `filename*` knows all characters, and `filename` beside it is for those who cannot read that.
    extended = [collapse_rfc2231_value(value) for value in names if isinstance(value, tuple)]
    return next((name for name in (*extended, *names) if isinstance(name, str)), None)


def _write(chunks: Iterable[bytes], path: Path, content_type: str) -> Download:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".download-")
    try:
        with os.fdopen(handle, "wb") as file:
            digest, size = _copy(chunks, file)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Download(path=path, size=size, content_type=content_type, sha256=digest)


def _copy(chunks: Iterable[bytes], file: BinaryIO) -> tuple[str, int]:
    digest, size = sha256(), 0
    for chunk in chunks:
        file.write(chunk)
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size
