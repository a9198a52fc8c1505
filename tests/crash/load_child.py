"""The process that dies in a load. Its argument: a file for the id of the process that lives now."""

import os
import sys
from pathlib import Path
from unittest.mock import patch

from connector.cli.crash_child import serve


def _tell() -> None:
    Path(sys.argv[1]).write_text(str(os.getpid()), encoding="ascii")


if __name__ == "__main__":
    os.register_at_fork(after_in_child=_tell)
    # A few documents are worth a load, and a job is looked at as soon as it is closed.
    with (
        patch("connector.adapters.salesforce.loads.calls_of_graphs", lambda *_: 10**6),
        patch("connector.adapters.salesforce.bulk_jobs._FIRST_LOOK", 0.01),
    ):
        serve()
