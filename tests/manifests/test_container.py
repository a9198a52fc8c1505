"""The container file and the compose file, without a container engine."""

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"

    found = subprocess.run(  # noqa: S603 a tool of ours on a file of ours
        [hadolint, ROOT / "Dockerfile"], check=False, capture_output=True, text=True
    )

    assert (found.returncode, found.stdout) == (0, "")


def test_the_image_runs_as_a_number_that_is_not_root() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()

    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users == ["10001:10001"]


def test_everything_the_build_copies_is_in_its_context() -> None:
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }

    sources = [
        word
        for line in lines
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert source.split("/")[0] in allowed


def test_the_connector_of_the_compose_file_waits_for_the_schema_and_cannot_write() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text(encoding="utf-8"))["services"]

    connector = services["connector"]
    assert connector["depends_on"]["database-upgrade"]["condition"] == "service_completed_successfully"
    assert services["database-upgrade"]["command"] == ["database", "upgrade"]
    assert (connector["read_only"], connector["cap_drop"]) == (True, ["ALL"])
