"""`docflo-connector` and `python -m connector`."""

import sys

from connector.cli.app import app
from connector.cli.exits import run_and_explain


def main() -> None:
    """Run the command line; every error becomes a message and an exit code."""
    sys.exit(run_and_explain(app))


if __name__ == "__main__":
    main()
