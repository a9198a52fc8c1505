"""`docflo-connector` and `python -m connector`."""

import gc
import sys

from connector.cli.app import app
from connector.cli.exits import run_and_explain

GARBAGE = 20_000
"""After so many new values the interpreter looks for garbage in circles, of which we make hardly any; a batch
makes as many values as this. Its own 700 cost 2 % of a document's time, and 3 % of a short command's."""


def main() -> None:
    """Run the command line; every error becomes a message and an exit code."""
    gc.set_threshold(GARBAGE)
    sys.exit(run_and_explain(app))


if __name__ == "__main__":
    main()
