"""The sandbox's commands as a person starts them: what they print is what works."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.server import SandboxServer


@contextmanager
def running(*arguments: str, until: str) -> Iterator[str]:
    """Start a command; give what it printed up to the line with `until`; stop it."""
    command = [sys.executable, "-u", "-m", "connector", "sandbox", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)  # noqa: S603 our own command
    try:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if until in line:
                break
        yield printed
    finally:
        process.terminate()
        process.communicate()


def test_sandbox_alone_starts_all_four_and_says_where(tmp_path: Path) -> None:
    with running("--folder", str(tmp_path), until="Running until") as printed:
        addresses = re.findall(r"(http://127\.0\.0\.1:\d+/erp/\w+\?wsdl)", printed)
        files = [httpx.get(address).text for address in addresses]

    assert len(addresses) == 2
    assert all("definitions>" in text for text in files)
    assert (tmp_path / "config.yaml").exists()


def test_the_proxy_breaks_what_it_was_asked_to() -> None:
    with (
        SandboxServer(ErpSandbox().app) as server,
        running("proxy", "--to", server.url, "--fault", "gateway:nth=2", until="Running until") as printed,
    ):
        url = printed.split()[0] + PATH + "?wsdl"
        answers = [httpx.get(url).status_code for _ in range(3)]

    assert answers == [200, 502, 200]


@pytest.mark.parametrize(
    "arguments", [["--to", "ftp://x"], ["--to", "http://127.0.0.1:1", "--fault", "drop"]]
)
def test_what_the_proxy_cannot_do_is_said_at_once(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "connector", "sandbox", "proxy", *arguments]

    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 our own command

    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
