"""Two replicas on one PostgreSQL under all faults at once, one of them killed every few seconds, until quiet.

    make soak [documents=10000]

Prints what was lost and doubled, judged by the sandboxes alone, and ends with 1 if anything was.
"""

import argparse
import json
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from connector.cli.sandbox_setup import TENANT, Sandboxes, write_sandbox_config
from connector.cli.session import upgrade_quietly
from connector.clock import utc_now
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.document import SandboxDocument
from connector.sandbox.docflo.generate import generate_documents
from connector.sandbox.faults import Fault, FaultMiddleware, Faults
from connector.sandbox.journal import Journal
from connector.sandbox.salesforce.sandbox import SalesforceSandbox
from connector.sandbox.server import SandboxServer
from tests.postgres import PostgresServer, started

SHARE = 0.05  # of all requests meet a fault
KINDS: tuple[Mapping[str, Any], ...] = (
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "drop_after", "reset": True},
    {"kind": "truncate"},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 429, "headers": {"Retry-After": "1"}},
    {"kind": "html", "status": 502},
    {"kind": "slow", "seconds": 0.0001},
    {"kind": "delay", "seconds": 0.3},
)
PAGE = 300  # documents that arrive together
BACKLOG = 1000  # more arrive when fewer are open
LIFE = 5.0  # seconds between two kills; the two replicas die in turn
PATIENCE = 1500.0
STANDSTILL = 60.0  # seconds in which no document got anywhere: the story of one is printed


class RandomFaults(Faults):
    """A fault of any kind for one request in twenty, for ever."""

    def __init__(self, seed: str) -> None:
        super().__init__()
        self._random = random.Random(seed)  # noqa: S311 faults, not secrets
        self.hit: Counter[str] = Counter()

    def take(self, operation: str, text: str = "", *, method: str = "") -> Fault | None:
        """Give a fault, or most often none."""
        if self._random.random() >= SHARE:
            return super().take(operation, text, method=method)
        fault = Fault(**self._random.choice(KINDS))
        self.hit[f"{fault.kind}{fault.status or ''}"] += 1
        return fault


@dataclass(kw_only=True)
class Replicas:
    """The processes under test."""

    config: Path
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    kills: int = 0

    def start(self) -> None:
        """Start one more."""
        command = [sys.executable, "-m", "connector", "run", "--config", str(self.config)]
        with (self.config.parent / "replicas.log").open("ab") as log:
            self.running.append(subprocess.Popen(command, stdout=log, stderr=log))  # noqa: S603 our own program

    def kill_the_oldest(self) -> None:
        """Kill one without a warning, and start another in its place."""
        victim = self.running.pop(0)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        self.kills += 1
        self.start()

    def stop(self) -> None:
        """End all of them."""
        for each in self.running:
            each.terminate()
        for each in self.running:
            each.wait(60)


@contextmanager
def _served(
    docflo: DocfloSandbox, salesforce: SalesforceSandbox, faults: tuple[RandomFaults, RandomFaults]
) -> Iterator[Sandboxes]:
    with (
        SandboxServer(_disturbed(docflo.app, faults[0])) as docflo_server,
        SandboxServer(_disturbed(salesforce.app, faults[1])) as salesforce_server,
    ):
        yield Sandboxes(
            docflo=docflo,
            docflo_url=docflo_server.url,
            salesforce=salesforce,
            salesforce_url=salesforce_server.url,
        )


def _disturbed(app: ASGIApp, faults: RandomFaults) -> ASGIApp:
    return FaultMiddleware(app, faults=faults, journal=Journal(), operation_of=lambda _scope: "any")


def soak(count: int, folder: Path, server: PostgresServer) -> int:
    """Play it, print what came of it, and give the number of documents that are not as they must be."""
    documents = generate_documents(count, seed="soak", now=utc_now())
    docflo = DocfloSandbox(tenant_id=TENANT, documents=(), rate_limit=None)
    salesforce = SalesforceSandbox(daily_limit=10_000_000)
    faults = RandomFaults("docflo"), RandomFaults("salesforce")
    with _served(docflo, salesforce, faults) as running:
        config = write_sandbox_config(folder, running)
        text = config.read_text(encoding="utf-8")
        text = text.replace("sqlite:///connector.db", server.create())
        text = text.replace("    target: crm\n", "    target: crm\n    schedule: {every: 1s}\n", 1)
        # A call takes seconds here, and whoever was killed must be replaced while we watch.
        config.write_text(text + "service: {lease: 10s}\nlog: {level: warning}\n", encoding="utf-8")
        upgrade_quietly(config)
        began = time.monotonic()
        replicas = Replicas(config=config)
        try:
            _drive(docflo, documents, replicas)
        finally:
            replicas.stop()
        seconds = time.monotonic() - began
    return _report(docflo, salesforce, faults, replicas, seconds)


def _drive(docflo: DocfloSandbox, documents: list[SandboxDocument], replicas: Replicas) -> None:
    replicas.start()
    replicas.start()
    arriving = iter(documents)
    arrived = 0
    end, next_kill, next_word = time.monotonic() + PATIENCE, time.monotonic() + LIFE, 0.0
    before, wonder = 0, time.monotonic() + STANDSTILL
    while time.monotonic() < end:
        waiting = [name for name in list(docflo.documents) if docflo.status(name) != "CONFIRMED"]
        confirmed = arrived - len(waiting)
        if confirmed > before:
            before, wonder = confirmed, time.monotonic() + STANDSTILL
        elif time.monotonic() > wonder:
            _tell_why(waiting[0], replicas.config)
            wonder = time.monotonic() + STANDSTILL
        if arrived - confirmed < BACKLOG and arrived < len(documents):
            for document in [each for _, each in zip(range(PAGE), arriving, strict=False)]:
                docflo.add(document)
                arrived += 1
        if confirmed == len(documents):
            return
        if time.monotonic() > next_kill:
            replicas.kill_the_oldest()
            next_kill = time.monotonic() + LIFE
        if time.monotonic() > next_word:
            print(f"{arrived} arrived, {confirmed} confirmed, {replicas.kills} kills", file=sys.stderr)  # noqa: T201
            next_word = time.monotonic() + 10
        time.sleep(0.2)  # other processes are at work: there is no clock of ours to move


def _tell_why(document_id: str, config: Path) -> None:
    """Print the story of one that waits, as an operator would read it."""
    command = [sys.executable, "-m", "connector", "deliveries"]
    where = ["--config", str(config)]
    listed = subprocess.run(  # noqa: S603 our own program
        [*command, "list", "--document", document_id, *where, "-o", "json"],
        stdout=subprocess.PIPE,
        check=False,
    )
    for row in json.loads(listed.stdout or "[]"):
        subprocess.run([*command, "show", str(row["id"]), *where], stdout=sys.stderr, check=False)  # noqa: S603


def _report(
    docflo: DocfloSandbox,
    salesforce: SalesforceSandbox,
    faults: tuple[RandomFaults, RandomFaults],
    replicas: Replicas,
    seconds: float,
) -> int:
    headers = salesforce.rows("Invoice__c")
    held = Counter(row["Docflo_Id__c"].rpartition(":")[2] for row in headers)
    by_document = {row["Docflo_Id__c"].rpartition(":")[2]: row for row in headers}
    lines = Counter(row["Invoice__c"] for row in salesforce.rows("Invoice_Line__c"))
    created = Counter(effect.subject for effect in salesforce.journal.effects if effect.kind == "created")
    lost = [name for name in docflo.documents if name not in held]
    doubled = [name for name, number in held.items() if number > 1]
    doubled += [name for name, number in created.items() if number > 1]
    wrong = [
        name
        for name, row in by_document.items()
        if str(row["Total__c"]) != str(docflo.documents[name].fields["InvoiceTotal"]["value"]["amount"])
        or lines[row["Id"]] != len(docflo.documents[name].fields["Items"]["value"])
    ]
    not_shown = [
        name
        for name, document in docflo.documents.items()
        if docflo.status(name) != "CONFIRMED"
        or document.fields.get("ErpId", {}).get("value") != by_document.get(name, {}).get("Id")
    ]
    requests = docflo.journal.count() + salesforce.journal.count()
    hit = faults[0].hit + faults[1].hit
    figures = {
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "documents": len(docflo.documents),
        "lost": len(lost),
        "doubled": len(doubled),
        "wrong amounts or lines": len(wrong),
        "not shown in Docflo": len(not_shown),
        "kills": replicas.kills,
        "seconds": round(seconds),
        "requests": requests.total(),
        "faults": f"{hit.total()}: {dict(sorted(hit.items()))}",
        "by operation": dict(sorted(requests.items())),
    }
    for name, figure in figures.items():
        print(f"{name:24}{figure}")  # noqa: T201 what it is for
    return len(lost) + len(doubled) + len(wrong) + len(not_shown)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=10_000)
    count = parser.parse_args().documents
    # Below /tmp and open to all: as root the server runs as another user, who must reach the folder.
    with tempfile.TemporaryDirectory(prefix="soak-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        with started(Path(folder) / "data") as server:
            sys.exit(1 if soak(count, Path(folder) / "connector", server) else 0)


if __name__ == "__main__":
    main()
