"""`run`: the service."""

import os
import sys

import typer

from connector.cli.exits import Exit
from connector.cli.options import DEFAULT_CONFIG, ConfigOption


def run(config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Run as a service: list on schedule, deliver, write back, until SIGTERM or Ctrl-C.

    SIGHUP, or a change of a file, reads configuration and mappings again. Stopping finishes what is in flight
    within `service.grace`; the ledger keeps the rest for the next start.
    """
    from connector.cli.serving import serve
    from connector.config import load_config
    from connector.telemetry import configure_logging

    settings = load_config(config)
    configure_logging(settings.log.level, settings.log.format)
    left = serve(config, settings)
    if left:
        # Waiting for threads that hang is what the grace period has just ended.
        _leave_at_once(Exit.TERMINATED)
    raise typer.Exit(Exit.FINE)


def _leave_at_once(code: int) -> None:
    sys.stderr.flush()
    os._exit(code)
