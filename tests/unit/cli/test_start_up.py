"""`--help` must stay quick, so the heavy libraries are imported by the commands that need them."""

import subprocess
import sys

HEAVY = (
    "alembic",
    "apscheduler",
    "httpx",
    "pydantic",
    "psycopg",
    "requests",
    "simple_salesforce",
    "sqlalchemy",
    "starlette",
    "structlog",
    "uvicorn",
    "yaml",
    "zeep",
)


def _imported_by(*arguments: str) -> set[str]:
    told = subprocess.run(  # noqa: S603 our own program
        [sys.executable, "-X", "importtime", "-m", "connector", *arguments],
        capture_output=True,
        check=True,
        text=True,
    ).stderr
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in told.splitlines()}


def test_help_imports_nothing_heavy() -> None:
    assert _imported_by("--help") & set(HEAVY) == set()


def test_help_of_a_command_imports_nothing_heavy() -> None:
    # Typer itself reads a command's parameters with pydantic.
    assert _imported_by("deliveries", "replay", "--help") & set(HEAVY) <= {"pydantic"}


def test_the_check_would_notice() -> None:
    assert {"pydantic", "yaml"} <= _imported_by("schema", "config")
