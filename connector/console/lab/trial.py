"""A mapping tried in a process of its own: without secrets in its environment, and ended in time."""

import os
import subprocess
import sys
import threading

import msgspec

from connector.console.lab.job import Fault, Job, Trial

SECONDS = 10.0
AT_A_TIME = 2
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT")

_turns = threading.BoundedSemaphore(AT_A_TIME)  # of this process: each trial takes a core


def try_mapping(job: Job, *, seconds: float = SECONDS) -> Trial:
    """Give what comes of it; a trial that is not over in time, or uses too much, is a fault of its own."""
    command = [sys.executable, "-m", "connector.console.lab.child"]
    environment = {name: value for name, value in os.environ.items() if name in _KEPT}
    with _turns:
        try:
            done = subprocess.run(  # noqa: S603 our own module
                command,
                input=msgspec.json.encode(job),
                capture_output=True,
                env=environment,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return _fault(f"it was not over after {seconds:g} seconds, and was ended", job)
    if done.returncode != 0:
        return _fault("it used more memory or time than a trial may, or failed", job)
    return msgspec.json.decode(done.stdout, type=Trial)


def _fault(message: str, job: Job) -> Trial:
    return Trial(faults=(Fault(message=message, place=job.path.rpartition("/")[2]),))
