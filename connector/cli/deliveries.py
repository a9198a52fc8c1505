"""`deliveries list|show|replay`: look into the ledger, and try dead letters again."""

import getpass
from enum import StrEnum
from typing import Annotated

import typer

from connector.cli.exits import Exit
from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

app = typer.Typer(help="Deliveries: list them, look at one, try dead letters again.", no_args_is_help=True)


class StateOption(StrEnum):
    """States, as options; the ledger has the same names."""

    PENDING = "pending"
    IN_DOUBT = "in_doubt"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    DEAD = "dead"
    DISMISSED = "dismissed"


@app.command("list")
def list_(
    state: Annotated[list[StateOption] | None, typer.Option("--state", help="Only these states.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only this pipeline.")] = None,
    document: Annotated[str | None, typer.Option(help="Only this Docflo document id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")] = 50,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """List deliveries, newest first."""
    from connector.cli.output import console, print_json, table
    from connector.cli.report import delivery_json
    from connector.cli.session import open_session
    from connector.ledger.delivery import State
    from connector.wiring import open_ledger

    settings = open_session(config, offline=True)
    states = [State(name.value) for name in state] if state else None
    with open_ledger(settings) as store:
        found = store.find(pipeline=pipeline, states=states, document_id=document, limit=limit)
    if output is Output.JSON:
        print_json([delivery_json(delivery) for delivery in found])
        return
    rows = [
        (
            delivery.id,
            delivery.pipeline,
            delivery.state.value,
            delivery.headline.number or delivery.document_id,
            delivery.headline.party,
            delivery.headline.amount,
            delivery.headline.currency,
            delivery.receipt_id,
            delivery.failure.reason if delivery.failure else None,
        )
        for delivery in found
    ]
    columns = ("id", "pipeline", "state", "number", "party", "amount", "currency", "receipt", "why")
    console().print(table(f"{len(rows)} deliveries", columns, rows))


@app.command("show")
def show(
    delivery_id: Annotated[int, typer.Argument(metavar="ID", help="The id that `deliveries list` shows.")],
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one delivery: where it is, why, and everything that happened to it."""
    from connector.cli.output import console, print_json, table
    from connector.cli.report import delivery_json
    from connector.cli.session import open_session
    from connector.errors import ConfigError
    from connector.wiring import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings) as store:
        delivery = store.get(delivery_id)
        if delivery is None:
            message = f"there is no delivery {delivery_id}"
            raise ConfigError(message, remedy="`docflo-connector deliveries list` shows the ids")
        events = store.events(delivery_id)
    if output is Output.JSON:
        print_json({**delivery_json(delivery), "events": events})
        return
    screen = console()
    facts = [
        (key.replace("_", " "), value) for key, value in delivery_json(delivery).items() if value is not None
    ]
    screen.print(table(f"Delivery {delivery_id}", ("", ""), facts))
    rows = [
        (event.at, event.event, event.to_state, event.attempt, event.actor, event.detail) for event in events
    ]
    screen.print(table("What happened", ("at (UTC)", "event", "state", "attempt", "by", "detail"), rows))


@app.command("replay")
def replay(
    delivery_id: Annotated[int, typer.Argument(metavar="ID", help="A dead delivery.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the delivery's history.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put a dead delivery back into the state it died in; the next sync tries it again.

    A delivery that died in write-back is only written back: what the target has is not sent again.
    """
    from connector.cli.session import open_session
    from connector.wiring import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings) as store:
        delivery = store.replay(delivery_id, actor=getpass.getuser(), reason=reason)
    typer.echo(
        f"Delivery {delivery_id} is {delivery.state.value} again; run `docflo-connector sync` to try it now."
    )
    raise typer.Exit(Exit.FINE)
