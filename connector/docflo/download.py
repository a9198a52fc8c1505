"""A downloaded file: streamed to disk, named safely, and only ever there as a whole."""

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from itertools import chain
from pathlib import Path

from connector.errors import ConfigError, UnexpectedResponseError

LONGEST_NAME = 120
_UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file on disk."""

    path: Path
    size: int  # bytes
    content_type: str
    sha256: str  # hex


def save(chunks: Iterable[bytes], headers: Mapping[str, str], folder: Path, *, fallback: str) -> Download:
    """Write the chunks into `folder`; a file appears only when it is whole and replaces one of its name.

    Raises: UnexpectedResponseError when JSON came instead of a file; ConfigError when `folder` is read-only
    """
    content_type = headers.get("content-type", "application/octet-stream").split(";")[0].strip().lower()
    stream = iter(chunks)
    first = next(stream, b"")
    name = file_name(headers.get("content-disposition"), fallback)
    if content_type == "application/json" and not name.lower().endswith(".json"):
        message = f"expected a file, but Docflo answered with JSON of {len(first)} bytes or more"
        raise UnexpectedResponseError(message, remedy="the document may have no file, or only a link to one")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _write(chain([first], stream), folder / name, content_type)
    except OSError as error:
        message = f"cannot write into {folder}: {error.strerror}"
        raise ConfigError(message, remedy="name a folder that is writable and has room") from error


def file_name(disposition: str | None, fallback: str) -> str:
    """Give a safe name from a Content-Disposition header: no folder, no control or direction characters."""
    message = Message()
    message["content-disposition"] = disposition or "attachment"
    told = message.get_filename() or fallback
    safe = _UNSAFE.sub("_", told).strip(" .")
    return (safe or "document")[-LONGEST_NAME:]


def _write(chunks: Iterable[bytes], path: Path, content_type: str) -> Download:
    digest, size = sha256(), 0
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".download-")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return Download(path=path, size=size, content_type=content_type, sha256=digest.hexdigest())
