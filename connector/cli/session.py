"""What commands do before they work: read the configuration and set up logging."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connector.config import Config


def open_session(path: Path, *, offline: bool = False) -> "Config":
    """Read the configuration for a command that prints its own results.

    Raises: ConfigError listing every problem of the file.
    """
    from connector.config import load_config
    from connector.telemetry import configure_logging

    # Before the file is read: a problem in it must not be logged in another format than the rest.
    configure_logging("error")
    config = load_config(path, offline=offline)
    # A progress bar and log lines do not share a terminal; off it, one line per step is what scripts read.
    level = "error" if sys.stderr.isatty() and config.log.level in ("info", "warning") else config.log.level
    configure_logging(level, config.log.format)
    return config


def upgrade_quietly(path: Path) -> None:
    """Create or upgrade the ledger of a configuration that was just written."""
    from connector.sight import upgrade_database

    upgrade_database(open_session(path))
