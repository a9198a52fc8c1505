"""The demo ends with its console."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx


def test_the_demo_offers_a_console_with_its_data_in_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "connector", "demo", "--keep", "--folder", str(tmp_path)]
    with subprocess.Popen(  # noqa: S603 our own program
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        found = (re.search(r"until Ctrl-C: (http\S+)", line) for line in process.stdout)
        address = next(match[1] for match in found if match)
        overview = httpx.get(address).text
        dead = httpx.get(f"{address}/documents?state=dead").text
        process.send_signal(signal.SIGINT)
        code = process.wait(60)

    assert code == 0
    assert "<strong>196</strong>" in overview
    assert "4 documents, newest first" in dead
