"""Which files a configuration consists of, and whether they have changed. No contents are kept."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel

from connector.references import Secret

Finger = str
GONE: Finger = ""


def settings_files(path: Path, config: BaseModel) -> frozenset[Path]:
    """Give the files that a change of behaviour can come from: config.yaml and all that it names."""
    return frozenset({path, *(value for value in _leaves(config) if isinstance(value, Path))})


def secret_files(config: BaseModel) -> frozenset[Path]:
    """Give the files that hold secrets; they are read anew at each use."""
    secrets = (value.file for value in _leaves(config) if isinstance(value, Secret))
    return frozenset(path for path in secrets if path is not None)


class Watch:
    """A set of files. A change counts once it has stayed for a look: a file may be seen half written."""

    def __init__(self, files: frozenset[Path]) -> None:
        self._known = _fingers(files)
        self._seen = self._known

    def follow(self, files: frozenset[Path]) -> None:
        """Watch these files from now on; those that are new to us as they are."""
        self._known = {path: self._known.get(path) or _finger(path) for path in files}
        self._seen = self._known

    def look(self) -> tuple[Path, ...]:
        """Give the files that have changed since they were last given, or since the beginning."""
        now = _fingers(frozenset(self._known))
        is_settled, self._seen = now == self._seen, now
        return self._taken(now) if is_settled else ()

    def take(self) -> tuple[Path, ...]:
        """Give the files that have changed, settled or not."""
        self._seen = _fingers(frozenset(self._known))
        return self._taken(self._seen)

    def _taken(self, now: Mapping[Path, Finger]) -> tuple[Path, ...]:
        changed = tuple(sorted(path for path in now if now[path] != self._known[path]))
        self._known = now
        return changed


def _fingers(files: frozenset[Path]) -> Mapping[Path, Finger]:
    return {path: _finger(path) for path in files}


def _finger(path: Path) -> Finger:
    # By content: a mounted Kubernetes volume is replaced by links, and its times say little.
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError:
        return GONE


def _leaves(value: object) -> Iterator[object]:
    match value:
        case BaseModel():
            for name in type(value).model_fields:
                yield from _leaves(getattr(value, name))
        case Mapping():
            for inner in value.values():
                yield from _leaves(inner)
        case tuple() | list():
            for inner in value:
                yield from _leaves(inner)
        case _:
            yield value
