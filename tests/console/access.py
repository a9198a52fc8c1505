"""A console that people must log in to, on an empty ledger, and somebody who calls it without a browser."""

import atexit
import re
import shutil
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import yaml
from argon2 import PasswordHasher

from connector.cli.serving_console import serve_console
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.console.access.login import WINDOW
from connector.ledger.acts import ActFilter, ActStore
from connector.ledger.database import Database, open_database
from connector.ledger.logins import TryStore

PASSWORD = "correct horse battery"
# The library's own costs are for one login; a test makes many.
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
MAPPING = """\
version: 1
document: invoice
record:
  object: Invoice__c
  key: Docflo_Id__c
  fields: {Number__c: InvoiceId}
examples:
  - name: one
    document: {InvoiceId: R-1}
    record: {Number__c: R-1}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A console, its folder, and how to call it."""

    url: str
    folder: Path
    callers: list["Caller"] = field(default_factory=list)

    def caller(self, **options: Any) -> "Caller":
        self.callers.append(Caller(self.url, **options))
        return self.callers[-1]

    def acts(self) -> list[tuple[str, str]]:
        """Give what is on record, oldest first: the act and who."""
        with self._database() as database:
            page = ActStore(database).page(ActFilter(), 1000)
        return [(act.act, act.actor) for _, act in reversed(page)]

    def use_up(self, subject: str, tries: int) -> None:
        """Let somebody have tried so often."""
        with self._database() as database:
            for _ in range(tries):
                TryStore(database, window=WINDOW).count({subject: tries}, utc_now())

    @contextmanager
    def _database(self) -> Iterator[Database]:
        database = open_database(f"sqlite:///{self.folder / 'ledger.db'}")
        yield database
        database.close()


class Caller(httpx.Client):
    """Somebody without a browser: cookies are kept, redirects are not followed."""

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(base_url=url, trust_env=False, timeout=30, **options)
        self.url = url

    def token(self, path: str) -> str:
        """Give the token of the first form of a page."""
        found = re.search(r'name="form_token" value="([^"]+)"', self.get(path).text)
        assert found is not None, path
        return unescape(found[1])

    def log_in(
        self, name: str, password: str = PASSWORD, *, wanted: str = "/", **options: Any
    ) -> httpx.Response:
        form = {"form_token": self.token("/login"), "name": name, "password": password, "next": wanted}
        return self.post("/login", data=form, **options)


def guesses(door: Guarded, name: str, *, at_once: int, each: int) -> Counter[int]:
    """Try passwords from several threads; give how often each status was the answer."""
    with Caller(door.url) as caller:
        form = {"form_token": caller.token("/login"), "name": name, "next": "/"}
        headers = {"cookie": f"login={caller.cookies['login']}"}
    begun = threading.Barrier(at_once)
    statuses: Counter[int] = Counter()

    def guess(number: int) -> None:
        with Caller(door.url) as guesser:
            begun.wait()
            for count in range(each):
                sent = {**form, "password": f"guess {number} {count}"}
                statuses[guesser.post("/login", data=sent, headers=headers).status_code] += 1
                guesser.cookies.clear()

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(at_once)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def write_people(path: Path, *people: str) -> None:
    lines = [
        f"{name}:{role}:{_CHEAP.hash(PASSWORD)}\n" for name, role in (each.split(":") for each in people)
    ]
    path.write_text("".join(lines), encoding="utf-8")


@cache
def _migrated() -> Path:
    """Give a ledger without rows, made once: each test copies it."""
    path = Path(tempfile.mkdtemp(prefix="ledger-")) / "ledger.db"
    database = open_database(f"sqlite:///{path}")
    database.upgrade()
    database.close()
    atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    return path


@contextmanager
def guarded(folder: Path, *, port: int | None = None, **access: Any) -> Iterator[Guarded]:
    """Serve a console with these settings of `web.access`."""
    port = port or free_port()
    write_people(folder / "people", "vera:viewer", "otto:operator", "ada:admin")
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    (folder / "key").write_text("sandbox", encoding="utf-8")
    settings = {"public_url": f"http://127.0.0.1:{port}", "passwords": "people", **access}
    config = {
        "docflo": {"base_url": "http://127.0.0.1:9", "tenant_id": "t", "api_key": "${file:key}"},
        "database": "sqlite:///ledger.db",
        "targets": {"shelf": {"adapter": "memory"}},
        "pipelines": {
            "invoices": {
                "documents": {"types": ["invoice"], "since": "2026-01-01"},
                "mapping": "mapping.yaml",
                "target": "shelf",
            }
        },
        "web": {"access": {name: value for name, value in settings.items() if value is not None}},
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    shutil.copy(_migrated(), folder / "ledger.db")
    with serve_console(open_session(path), port=port) as url:
        it = Guarded(url=url, folder=folder)
        try:
            yield it
        finally:
            for caller in it.callers:
                caller.close()
