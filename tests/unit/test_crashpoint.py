import os
import signal
import subprocess
import sys

import pytest

from connector.crashpoint import ARMED, COUNT, Point, arm, arrivals, crashpoint

THREE_TIMES = """
from connector.crashpoint import Point, crashpoint
for number in range(3):
    crashpoint(Point.MAPPED)
    crashpoint(Point.ANSWERED)
    print(number, flush=True)
"""


def _run(armed: str | None) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != ARMED}
    if armed is not None:
        environment[ARMED] = armed
    return subprocess.run(  # noqa: S603 our own program
        [sys.executable, "-c", THREE_TIMES], env=environment, capture_output=True, text=True, check=False
    )


def test_nothing_happens_and_nothing_is_counted_unless_it_is_armed() -> None:
    arm(None)
    before = arrivals()

    crashpoint(Point.MAPPED)

    assert arrivals() == before


def test_arrivals_are_counted_without_dying() -> None:
    before = arrivals().get(Point.MAPPED, 0)

    arm(COUNT)
    try:
        crashpoint(Point.MAPPED)
    finally:
        arm(None)

    assert arrivals()[Point.MAPPED] == before + 1


@pytest.mark.parametrize(
    ("armed", "printed"), [("mapped:1", ""), ("mapped:3", "0\n1\n"), ("answered:2", "0\n")]
)
def test_the_process_is_killed_at_its_nth_arrival(armed: str, printed: str) -> None:
    ran = _run(armed)

    assert ran.returncode == -signal.SIGKILL
    assert ran.stdout == printed


def test_an_arrival_that_never_comes_kills_nothing() -> None:
    assert _run("mapped:4").returncode == 0


@pytest.mark.parametrize("armed", ["mappped:1", "mapped", "mapped:first"])
def test_a_misspelt_order_is_refused_loudly(armed: str) -> None:
    ran = _run(armed)

    assert ran.returncode == 1
    assert "ValueError" in ran.stderr
