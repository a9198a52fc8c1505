"""References in configuration: `${env:NAME}` and `${file:/path}` instead of the value itself.

A `Secret` keeps its reference and reads the value at each use, so that a rotated key file is picked up
and no value can slip into a log, an error or a `repr`. `ResolvedText` is read once, for what is not secret.
"""

import os
import re
import time
from pathlib import Path
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_Mark: TypeAlias = tuple[int, ...]
_TICK = 2_000_000_000  # nanoseconds; the coarsest clock of a file system
_REFERENCE = re.compile(r"\$\{(?P<kind>env|file):(?P<name>[^}]+)\}")

OFFLINE = "offline"
"""Validation context key: when true, a secret may be missing (checking files without credentials)."""
FOLDER = "folder"
"""Validation context key: the folder that relative `${file:}` paths start from."""


def read_reference(reference: str, folder: Path) -> str:
    """Read what `${env:NAME}` or `${file:path}` refers to.

    Raises: ValueError naming the variable or file, never a value.
    """
    match = _REFERENCE.fullmatch(reference.strip())
    if match is None:
        message = "expected a reference, ${env:NAME} or ${file:/path/to/file}, not the value itself"
        raise ValueError(message)
    name = match["name"].strip()
    if match["kind"] == "env":
        value = os.environ.get(name, "")
        if not value:
            message = f"environment variable {name} is not set; set it, or use ${{file:/path/to/file}}"
            raise ValueError(message)
        return value
    path = _file(name, folder)
    try:
        value = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        # As it was written, not resolved: that is what the reader can find in the file.
        why = "there is no such file" if isinstance(error, FileNotFoundError) else type(error).__name__
        message = f"cannot read the file {name}: {why}"
        raise ValueError(message) from error
    if not value:
        message = f"the file {name} is empty"
        raise ValueError(message)
    return value


def _file(name: str, folder: Path) -> Path:
    try:
        return folder / Path(name).expanduser()
    except RuntimeError:
        return folder / name  # `~somebody`, whom nobody knows here


def _mark(path: str | None) -> _Mark | None:
    """Give what changes with a file's content; None where that cannot be told."""
    if path is None:
        return None
    try:
        seen = os.stat(path)  # noqa: PTH116 before each request, and a Path costs more than the question
    except (OSError, ValueError):
        return None
    # Two changes within one tick of its clock look alike: what has just changed may change again.
    if time.time_ns() - max(seen.st_mtime_ns, seen.st_ctime_ns) < _TICK:
        return None
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


class Secret:
    """A secret known by reference only. `reveal` reads it anew, so rotation needs no restart."""

    __slots__ = ("_folder", "_kept", "_path", "reference")

    def __init__(self, reference: str, folder: Path | None = None) -> None:
        self.reference = reference
        self._folder = folder or Path()
        file = self.file
        self._path = None if file is None else str(file)
        self._kept: tuple[_Mark, str] | None = None  # what a file held when it looked like this

    def reveal(self) -> str:
        """Give the secret as it is now. A file that has not changed since is not read again.

        Raises: ValueError naming the variable or file that is missing.
        """
        mark, kept = _mark(self._path), self._kept
        if kept is not None and kept[0] == mark:
            return kept[1]
        value = read_reference(self.reference, self._folder)
        self._kept = None if mark is None else (mark, value)
        return value

    @property
    def file(self) -> Path | None:
        """The file that holds it; None when it is in the environment."""
        match = _REFERENCE.fullmatch(self.reference.strip())
        is_file = match is not None and match["kind"] == "file"
        return _file(match["name"].strip(), self._folder) if match and is_file else None

    def __repr__(self) -> str:
        return f"Secret({self.reference})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reference == self.reference

    def __hash__(self) -> int:
        return hash(self.reference)

    @classmethod
    def _validate(cls, value: object, info: ValidationInfo) -> "Secret":
        if isinstance(value, cls):
            return value
        if not isinstance(value, str) or _REFERENCE.fullmatch(value.strip()) is None:
            message = "secrets are references, ${env:NAME} or ${file:/path/to/file}, never the value itself"
            raise ValueError(message)
        context: dict[str, Any] = info.context or {}
        secret = cls(value, context.get(FOLDER))
        if not context.get(OFFLINE):
            secret.reveal()
        return secret

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:  # noqa: ANN401 pydantic's own signature
        return core_schema.with_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda secret: secret.reference),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {
            "type": "string",
            "pattern": r"^\$\{(env|file):[^}]+\}$",
            "description": "A reference to a secret: ${env:NAME} or ${file:/path/to/file}.",
        }


def _resolve(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str) or "${" not in value:
        return value
    context: dict[str, Any] = info.context or {}
    try:
        return _REFERENCE.sub(lambda match: read_reference(match[0], context.get(FOLDER, Path())), value)
    except ValueError:
        if context.get(OFFLINE):
            return value
        raise


ResolvedText = Annotated[str, BeforeValidator(_resolve)]
"""Text in which `${env:NAME}` and `${file:path}` are replaced when the configuration is read."""
