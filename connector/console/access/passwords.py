"""The file of people who log in with a password: a name, a role and an Argon2id hash a line.

It is read again when it changes: who is taken out of it, or gets another password, is logged out.
"""

import os
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connector.console.person import Role
from connector.errors import ConfigError

LEAST = 12  # characters of a new password
MOST = 1024  # more is no password, and costs time
AT_A_TIME = 2  # verifications: each takes 64 MiB for a twentieth of a second
_HEAD = "# name:role:hash; written by `docflo-connector console password`\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the file."""

    name: str
    role: Role
    hash: str

    @property
    def stamp(self) -> str:
        """Give what changes with the password."""
        return sha256(self.hash.encode()).hexdigest()[:16]


class PasswordFile:
    """Reads the file when it has changed. Safe between threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._hasher = PasswordHasher()
        self._turns = threading.BoundedSemaphore(AT_A_TIME)
        self._nobody = self._hasher.hash("nobody")  # who is not known takes as long as who is
        self._read_of: tuple[int, int] | None = None
        self._entries: Mapping[str, Entry] = {}
        self._lock = threading.Lock()

    def entry(self, name: str) -> Entry | None:
        """Give somebody's line.

        Raises: ConfigError when the file cannot be read.
        """
        with self._lock:
            is_of = _version(self._path)
            if is_of != self._read_of:
                self._entries, self._read_of = read_people(self._path), is_of
            return self._entries.get(name)

    def verify(self, name: str, password: str) -> Entry | None:
        """Give somebody's line when the password is theirs; it takes as long when it is not.

        Raises: ConfigError when the file cannot be read.
        """
        entry = self.entry(name)
        with self._turns:
            try:
                self._hasher.verify(entry.hash if entry else self._nobody, _normal(password[:MOST]))
            except (VerificationError, InvalidHashError):
                return None
        return entry


def read_people(path: Path) -> dict[str, Entry]:
    """Read the file: people by name.

    Raises: ConfigError naming the line that cannot be read, never its hash.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"the password file {path} cannot be read: {type(error).__name__}",
            remedy="run `docflo-connector console password NAME` to make it",
        ) from error
    people: dict[str, Entry] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.strip().partition(":")
        role, _, hashed = rest.partition(":")
        if not name or role.upper() not in Role.__members__ or not hashed.startswith("$argon2id$"):
            raise ConfigError(f"{path}:{number}: expected name:role:hash with an Argon2id hash")
        people[name] = Entry(name=name, role=Role[role.upper()], hash=hashed)
    return people


def write_person(path: Path, name: str, role: Role, password: str) -> bool:
    """Add somebody, or give them a new password and role; True: they are new.

    Raises: ConfigError for a name or password that is none, or a file that cannot be written.
    """
    if not name.strip() or name != name.strip() or not name.isprintable() or ":" in name or name[0] == "#":
        raise ConfigError("a name has no colon, no blank around it, and does not begin with #")
    if not LEAST <= len(_normal(password)) <= MOST:
        raise ConfigError(f"a password has {LEAST} to {MOST} characters")
    people = read_people(path) if path.exists() else {}
    is_new = name not in people
    people[name] = Entry(name=name, role=role, hash=PasswordHasher().hash(_normal(password)))
    _write(path, people)
    return is_new


def remove_person(path: Path, name: str) -> bool:
    """Take somebody out; False: they are not in it.

    Raises: ConfigError for a file that cannot be read or written.
    """
    people = read_people(path)
    if people.pop(name, None) is None:
        return False
    _write(path, people)
    return True


def _write(path: Path, people: Mapping[str, Entry]) -> None:
    lines = (f"{each.name}:{each.role.name.lower()}:{each.hash}\n" for each in people.values())
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        with os.fdopen(
            os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as out:
            out.write(_HEAD + "".join(lines))
        beside.replace(path)  # whoever reads it meanwhile sees one or the other, whole
    except OSError as error:
        raise ConfigError(f"the password file {path} cannot be written: {error.strerror}") from error


def _version(path: Path) -> tuple[int, int] | None:
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_ino


def _normal(password: str) -> str:
    # The same keys give one spelling on one machine and another on the next.
    return unicodedata.normalize("NFKC", password)
