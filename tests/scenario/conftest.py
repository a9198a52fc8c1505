"""A whole connector over two sandboxes, on real sockets, driven through its command line."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.cli.app import app
from connector.cli.exits import run_and_explain
from connector.cli.sandbox_setup import TENANT, Sandboxes, sandboxes, write_sandbox_config
from connector.cli.session import upgrade_quietly
from connector.clock import utc_now
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.demo import demo_documents

APPROVED = 40
"""Approved invoices in the world of a test: enough for two pages of a listing and eight batches."""
MAPPABLE = APPROVED - 2  # two have no total
GOOD = MAPPABLE - 2  # and two a currency that the target refuses
PAGE, BATCH = 20, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process as the shell would."""

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr("sys.argv", ["docflo-connector", *map(str, arguments)])
        capsys.readouterr()
        code = run_and_explain(app)
        printed = capsys.readouterr()
        return Ran(code=int(code), out=printed.out, err=printed.err)

    return run


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Two servers, a configuration that points at them, and its file."""

    running: Sandboxes
    config: Path

    def edit(self, old: str, new: str) -> None:
        """Change the configuration file."""
        text = self.config.read_text(encoding="utf-8")
        assert old in text
        self.config.write_text(text.replace(old, new), encoding="utf-8")

    def edit_mapping(self, old: str, new: str) -> None:
        """Change the mapping file."""
        path = self.config.parent / "mappings" / "invoice-salesforce.yaml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


def small_docflo(**limits: Any) -> DocfloSandbox:
    """Give the demo's Docflo with fewer documents."""
    return DocfloSandbox(tenant_id=TENANT, documents=demo_documents(utc_now(), invoices=APPROVED), **limits)


def small_world(folder: Path, running: Sandboxes) -> World:
    """Point a configuration at the servers: pages and batches as small as the documents are few."""
    world = World(running=running, config=write_sandbox_config(folder, running))
    world.edit("  tenant_id:", f"  page_size: {PAGE}\n  tenant_id:")
    world.edit("    adapter: salesforce\n", f"    adapter: salesforce\n    batch_size: {BATCH}\n")
    upgrade_quietly(world.config)
    return world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with sandboxes(docflo=small_docflo()) as running:
        yield small_world(tmp_path, running)


@pytest.fixture
def demo_world(tmp_path: Path) -> Iterator[World]:
    """What the demo carries, as the demo carries it."""
    with sandboxes() as running:
        config = write_sandbox_config(tmp_path, running)
        upgrade_quietly(config)
        yield World(running=running, config=config)
