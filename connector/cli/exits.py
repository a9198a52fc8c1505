"""Exit codes, and how an error is shown: what happened, where, what to do. A traceback is only for bugs."""

import traceback
from enum import IntEnum

import typer

from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    MappingError,
    TemporaryError,
    ThrottledError,
    UnexpectedResponseError,
)


class Exit(IntEnum):
    """What the exit code of every command means."""

    FINE = 0
    BUG = 1
    CONFIGURATION = 2
    CREDENTIALS = 3
    DEAD = 4  # some documents are dead letters
    IN_DOUBT = 5  # some deliveries are in doubt
    DIFFERENT = 6  # a comparison found a change, and was asked to fail then
    LATER = 75  # budget spent or the other side is away: come back later
    INTERRUPTED = 130
    TERMINATED = 143


BUG = """
This is a bug in docflo-connector. Nothing is lost: the ledger holds every delivery.
Please report it with the lines above; they hold no document contents."""


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
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 the last boundary: a bug ends with exit code 1
        return _explain(error)
    return result if isinstance(result, int) else Exit.FINE


def _explain(error: BaseException) -> int:
    code: int = Exit.BUG
    match error:
        case typer.Exit():
            code = error.exit_code
        case typer.Abort() | KeyboardInterrupt():
            code = Exit.INTERRUPTED
        case typer.TyperException():
            typer.echo(f"error: {error.format_message()}\n  remedy: add --help to the command", err=True)
            code = Exit.CONFIGURATION
        case ConnectorError():
            show_error(error)
            code = exit_code(error)
        case _:
            traceback.print_exception(error)
            typer.echo(BUG, err=True)
    return code


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
    typer.echo("\n".join(lines), err=True)
