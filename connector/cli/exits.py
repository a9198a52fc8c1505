"""Exit codes, and how an error is shown: what happened, where, and what to do. Never a traceback for those we know."""

import os
import sys
import traceback
from enum import IntEnum
from typing import TYPE_CHECKING

import click

from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    MappingError,
    TemporaryError,
    ThrottledError,
    UnexpectedResponseError,
)

if TYPE_CHECKING:
    import typer


class Exit(IntEnum):
    """What the exit code of every command means."""

    FINE = 0
    BUG = 1
    CONFIGURATION = 2
    CREDENTIALS = 3
    DEAD = 4  # some documents are dead letters
    IN_DOUBT = 5  # some deliveries are in doubt
    LATER = 75  # budget spent or the other side is away: come back later
    INTERRUPTED = 130
    TERMINATED = 143


def exit_code(error: ConnectorError) -> Exit:
    """Give the exit code that belongs to an error."""
    match error:
        case AccessRefusedError():
            return Exit.CREDENTIALS
        case ThrottledError() | TemporaryError():
            return Exit.LATER
        case ConfigError() | UnexpectedResponseError():
            return Exit.CONFIGURATION
        case MappingError():
            return Exit.DEAD
        case _:
            return Exit.CONFIGURATION


def run_and_explain(app: "typer.Typer") -> int:
    """Run the command line and give its exit code."""
    try:
        result = app(standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.exceptions.Abort:
        return Exit.INTERRUPTED
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return Exit.CONFIGURATION
    except ConnectorError as error:
        show_error(error)
        return exit_code(error)
    except BrokenPipeError:
        # The reader of our output went away (`| head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FINE
    except Exception:  # noqa: BLE001 the last boundary: a bug must end with exit code 1 and a way to report it
        traceback.print_exc()
        print("\nThis is a bug in docflo-connector. Nothing is lost: the ledger holds every delivery.", file=sys.stderr)
        print("Please report it with the lines above (they hold no document contents).", file=sys.stderr)
        return Exit.BUG
    return result if isinstance(result, int) else Exit.FINE


def show_error(error: ConnectorError) -> None:
    """Print an error for a person: message, every problem with its place, the remote's words, the remedy."""
    lines = [f"error: {error.message}"]
    if isinstance(error, ConfigError | MappingError):
        lines += [f"  {problem}" for problem in error.problems]
    if error.remote is not None:
        said = (error.remote.code, error.remote.message, error.remote.details)
        words = " · ".join(part for part in said if part and part not in error.message)
        lines += [f"  the answer said: {words}"] if words else []
    if isinstance(error, ThrottledError):
        lines.append(f"  come back after {error.until:%Y-%m-%d %H:%M:%S} UTC; nothing is lost")
    if error.remedy:
        lines.append(f"  remedy: {error.remedy}")
    print("\n".join(lines), file=sys.stderr)
