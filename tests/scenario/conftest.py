"""A whole connector over two sandboxes, on real sockets, driven through its command line."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.cli.app import app
from connector.cli.exits import run_and_explain
from connector.cli.sandbox_setup import Sandboxes, sandboxes, write_sandbox_config
from connector.cli.session import upgrade_quietly


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


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with sandboxes() as running:
        config = write_sandbox_config(tmp_path, running)
        upgrade_quietly(config)
        yield World(running=running, config=config)
