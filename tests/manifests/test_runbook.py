"""The runbook has an answer to everything that asks for one, and names commands that exist."""

import re
from pathlib import Path

import pytest
import typer.main
import yaml
from typer.core import TyperGroup

from connector import errors
from connector.cli.app import app

ROOT = Path(__file__).parents[2]
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
HEADINGS = {line.lstrip("# ").split(",")[0] for line in RUNBOOK.splitlines() if line.startswith("### ")}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
KINDS = {"ConnectorError", "TemporaryError", "PermanentError", "StoppingError"}  # never shown by themselves


def test_every_error_that_an_operator_meets_has_a_heading() -> None:
    raised = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.ConnectorError)
    }

    assert raised - KINDS - HEADINGS == set()


def test_every_alert_has_a_heading() -> None:
    rules = yaml.safe_load((ROOT / "deploy" / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))

    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert alerts
    assert alerts - HEADINGS == set()


def commands() -> set[str]:
    """Give every command there is: "sync", "deliveries list"."""
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    found = set()
    for name, command in root.commands.items():
        found.add(name)
        if isinstance(command, TyperGroup):
            found |= {f"{name} {inner}" for inner in command.commands}
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_shows_exists(page: Path) -> None:
    known = commands()
    shown = re.findall(
        r"(?<!-n )docflo-connector ([a-z]+)(?: ([a-z][a-z-]*)(?![\w.-]))?", page.read_text(encoding="utf-8")
    )

    unknown = {
        f"{first} {second}".strip()
        for first, second in shown
        if first not in known
        or (
            second
            and any(name.startswith(f"{first} ") for name in known)
            and f"{first} {second}" not in known
        )
    }
    assert unknown == set()
