"""What commands that change deliveries share: who acts, what is meant, and a question before many."""

import getpass
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from connector.cli.output import cell_text
from connector.errors import ConfigError
from connector.ledger.delivery import Delivery, State
from connector.ledger.operations import By
from connector.ledger.selection import Selection, total
from connector.ledger.store import Store

_REFUSALS = 5  # named one by one; the rest is counted


def by(reason: str, chosen: str) -> By:
    """Give who acts.

    Raises: ConfigError without a reason: the record of an act is for somebody who was not there.
    """
    if not reason.strip():
        raise ConfigError("an act needs a reason", remedy='add --reason "..."')
    return By(actor=_actor(), reason=reason.strip(), chosen=chosen)


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"user {os.getuid()}"


def read_since(text: str | None) -> datetime | None:
    """Read a moment: a day or a time, UTC unless it says otherwise.

    Raises: ConfigError
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text} is no time", remedy="2026-03-02 or 2026-03-02T14:30") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def meant(store: Store, selection: Selection, *, default: tuple[State, ...]) -> tuple[Delivery, ...]:
    """Give the deliveries of a selection; without ids or states, those in the states of `default`.

    Raises: ConfigError when nothing was chosen, or an id is not there.
    """
    if selection == Selection():
        raise ConfigError(
            "name deliveries by id, or choose them", remedy="for all dead letters: --state dead"
        )
    if not selection.ids and not selection.states:
        selection = Selection(
            **{name: getattr(selection, name) for name in Selection.__dataclass_fields__ if name != "states"},
            states=default,
        )
    chosen = store.operations.select(selection)
    if selection.is_single and not chosen:
        raise ConfigError(
            f"there is no delivery {selection.ids[0]}",
            remedy="`docflo-connector deliveries list` shows the ids",
        )
    return chosen


def confirm(act: str, chosen: Sequence[Delivery], selection: Selection, *, yes: bool) -> None:
    """Show how many, and how much money, and ask; one that was named by its id is not asked for.

    Raises: ConfigError off a terminal without --yes; typer.Abort for a no.
    """
    if selection.is_single:
        return
    whole = total(chosen)
    money = ", ".join(f"{cell_text(amount)} {currency}" for currency, amount in whole.sums) or "no amounts"
    typer.echo(f"{act}: {whole.count} deliveries, {money}", err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{act} of {whole.count} deliveries needs a yes", remedy="add --yes")
    typer.confirm("Go on?", abort=True, err=True)


def say(act: str, done: Sequence[int], chosen: Sequence[Delivery]) -> None:
    """Print how many it were, and that some had changed meanwhile."""
    changed = len(chosen) - len(done)
    late = f"; {changed} changed meanwhile or are being worked on, and were left alone" if changed else ""
    typer.echo(f"{len(done)} {act}{late}.")
