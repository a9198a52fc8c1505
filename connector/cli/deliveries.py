"""`deliveries list|show|replay|link|dismiss|acts`: look into the ledger, and act on what is in it."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

if TYPE_CHECKING:
    from connector.ledger.selection import Selection

app = typer.Typer(
    help="Deliveries: list them, look at one, try dead letters again, link or dismiss them.",
    no_args_is_help=True,
)


class StateOption(StrEnum):
    """States, as options; the ledger has the same names."""

    PENDING = "pending"
    IN_DOUBT = "in_doubt"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    DEAD = "dead"
    DISMISSED = "dismissed"


class ReplayAs(StrEnum):
    """What a replay sends."""

    RECORD = "record"
    MAP = "map"
    FETCH = "fetch"


IdsArgument = Annotated[
    list[int] | None, typer.Argument(metavar="[ID]...", help="Ids that `deliveries list` shows.")
]
StatesOption = Annotated[list[StateOption] | None, typer.Option("--state", help="Only these states.")]
PipelineOption = Annotated[str | None, typer.Option(help="Only this pipeline.")]
ClassOption = Annotated[
    str | None, typer.Option("--class", help="Only what failed with this class, e.g. MappingError.")
]
CauseOption = Annotated[
    str | None, typer.Option(help="Only what failed for this cause, as the console's commands name it.")
]
SinceOption = Annotated[
    str | None, typer.Option(help="Only what changed since: 2026-03-02 or 2026-03-02T14:30, UTC.")
]
NumberOption = Annotated[str | None, typer.Option(help="Only document numbers with this text in them.")]
PartyOption = Annotated[str | None, typer.Option(help="Only vendors or customers with this text in them.")]
DocumentOption = Annotated[str | None, typer.Option(help="Only this Docflo document id.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept for the record.")]


def _selection(
    ids: list[int] | None,
    state: list[StateOption] | None,
    pipeline: str | None,
    class_: str | None,
    cause: str | None,
    since: str | None,
    number: str | None,
    party: str | None,
    document: str | None,
) -> "Selection":
    from connector.cli.acting import read_since
    from connector.ledger.delivery import State
    from connector.ledger.selection import Selection

    return Selection(
        ids=tuple(ids or ()),
        states=tuple(State(each.value) for each in state or ()),
        pipeline=pipeline,
        failure_class=class_,
        cause=cause,
        since=read_since(since),
        number=number,
        party=party,
        document_id=document,
    )


@app.command("list")
def list_(
    ids: IdsArgument = None,
    state: StatesOption = None,
    pipeline: PipelineOption = None,
    class_: ClassOption = None,
    cause: CauseOption = None,
    since: SinceOption = None,
    number: NumberOption = None,
    party: PartyOption = None,
    document: DocumentOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")] = 50,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """List deliveries, newest first."""
    from connector.cli.output import console, print_json, table
    from connector.cli.report import delivery_json
    from connector.cli.session import open_session
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    selection = _selection(ids, state, pipeline, class_, cause, since, number, party, document)
    with open_ledger(settings) as store:
        found = store.operations.select(selection, limit=limit)
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
    whole: Annotated[bool, typer.Option("--all", help="Every event and request, repeated ones too.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show one delivery on one screen: where it is, why, and everything that happened to it."""
    from connector.cli.originals import original_json
    from connector.cli.output import console, print_json
    from connector.cli.report import delivery_json
    from connector.cli.session import open_session
    from connector.cli.story import facts_table, story_table
    from connector.errors import ConfigError
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings) as store:
        delivery = store.get(delivery_id)
        if delivery is None:
            message = f"there is no delivery {delivery_id}"
            raise ConfigError(message, remedy="`docflo-connector deliveries list` shows the ids")
        events = store.events(delivery_id)
        original = store.originals.of(delivery_id)
    if output is Output.JSON:
        print_json({**delivery_json(delivery), "original": original_json(original), "events": events})
        return
    screen = console()
    screen.print(facts_table(delivery, original, events))
    screen.print(story_table(events, is_whole=whole))


@app.command("replay")
def replay(
    ids: IdsArgument = None,
    how: Annotated[
        ReplayAs,
        typer.Option(
            "--as",
            help="record: send the same record again; map: map the stored document again; "
            "fetch: read the document anew from Docflo.",
        ),
    ] = ReplayAs.MAP,
    target_has_none: Annotated[
        bool,
        typer.Option("--target-has-none", help="You have looked: the target does not have what is in doubt."),
    ] = False,
    state: StatesOption = None,
    pipeline: PipelineOption = None,
    class_: ClassOption = None,
    cause: CauseOption = None,
    since: SinceOption = None,
    number: NumberOption = None,
    party: PartyOption = None,
    document: DocumentOption = None,
    reason: ReasonOption = "replayed",
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Put dead deliveries back into the state they died in; the next sync tries them again.

    A delivery that died in write-back is only written back: what the target has is not sent again.
    """
    from connector.cli import acting
    from connector.cli.session import open_session
    from connector.ledger.delivery import State
    from connector.ledger.operations import Replay
    from connector.pipeline import by_hand
    from connector.sight import open_ledger
    from connector.wiring import connect

    settings = open_session(config, offline=how is not ReplayAs.FETCH)
    selection = _selection(ids, state, pipeline, class_, cause, since, number, party, document)
    by = acting.by(reason, f"{selection} as={how.value}")
    with open_ledger(settings) as store:
        chosen = acting.meant(store, selection, default=(State.DEAD,))
        by_hand.check_replay(store, chosen, by_hand.ReplayAs(how.value), is_absent=target_has_none)
        acting.confirm("replay", chosen, selection, yes=yes)
        fetched = {}
        if how is ReplayAs.FETCH and chosen:
            names = sorted({delivery.pipeline for delivery in chosen})
            with connect(settings, only=names) as connector:
                fetched = by_hand.fetch(chosen, connector.pipelines, connector.docflo)
        wanted = Replay(is_record=how is ReplayAs.RECORD, is_absent=target_has_none, fetched=fetched)
        done = store.operations.replay([delivery.id for delivery in chosen], by, wanted)
        if selection.is_single and done:
            now = store.get(done[0])
            typer.echo(f"Delivery {done[0]} is {now.state.value if now else 'gone'} again.")
    acting.say("replayed", done, chosen)


@app.command("dismiss")
def dismiss(
    reason: ReasonOption,
    ids: IdsArgument = None,
    state: StatesOption = None,
    pipeline: PipelineOption = None,
    class_: ClassOption = None,
    cause: CauseOption = None,
    since: SinceOption = None,
    number: NumberOption = None,
    party: PartyOption = None,
    document: DocumentOption = None,
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Take dead letters and doubts out of the connector's hands, for good.

    They stay dismissed when their documents change; `replay` takes one back.
    """
    from connector.cli import acting
    from connector.cli.session import open_session
    from connector.ledger.delivery import State
    from connector.pipeline import by_hand
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    selection = _selection(ids, state, pipeline, class_, cause, since, number, party, document)
    by = acting.by(reason, str(selection))
    with open_ledger(settings) as store:
        chosen = acting.meant(store, selection, default=(State.DEAD,))
        by_hand.check_dismiss(chosen)
        acting.confirm("dismiss", chosen, selection, yes=yes)
        done = store.operations.dismiss([delivery.id for delivery in chosen], by)
    acting.say("dismissed", done, chosen)


@app.command("link")
def link(
    delivery_id: Annotated[int, typer.Argument(metavar="ID", help="A delivery that is dead or in doubt.")],
    receipt: Annotated[str, typer.Option(help="The id that the target has it under.")],
    reason: ReasonOption,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Say that the target has it, and under which id; Docflo is told next.

    The target is asked where it can be: an id that it does not have is refused.
    """
    from connector.cli import acting
    from connector.cli.session import open_session
    from connector.ledger.selection import Selection
    from connector.pipeline import by_hand
    from connector.wiring import connect

    settings = open_session(config)
    selection = Selection(ids=(delivery_id,))
    by = acting.by(reason, f"{selection} receipt={receipt}")
    with connect(settings) as connector:
        (delivery,) = acting.meant(connector.store, selection, default=())
        known = by_hand.link(connector.store, delivery, receipt, by, connector.pipelines)
    typer.echo(f"Delivery {delivery_id} is delivered as {known.id}; the next sync writes it back.")


@app.command("attach")
def attach(
    ids: IdsArgument = None,
    state: StatesOption = None,
    pipeline: PipelineOption = None,
    class_: ClassOption = None,
    cause: CauseOption = None,
    since: SinceOption = None,
    number: NumberOption = None,
    party: PartyOption = None,
    document: DocumentOption = None,
    reason: ReasonOption = "attached by hand",
    yes: YesOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let original files be shown: those given up or left out, and of what was delivered before.

    What the target shows already, or is under way, is left alone.
    """
    from connector.cli import acting
    from connector.cli.session import open_session
    from connector.errors import ConfigError
    from connector.ledger.delivery import State
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    selection = _selection(ids, state, pipeline, class_, cause, since, number, party, document)
    by = acting.by(reason, str(selection))
    with open_ledger(settings) as store:
        chosen = acting.meant(store, selection, default=(State.DELIVERED, State.COMPLETED))
        unwanted = {name for name, section in settings.pipelines.items() if not section.original.is_wanted}
        if refused := sorted({each.pipeline for each in chosen} & unwanted):
            raise ConfigError(
                f"no originals are wanted by {', '.join(refused)}",
                remedy="set original.policy to file or link",
            )
        acting.confirm("attach the originals of", chosen, selection, yes=yes)
        done = store.originals.attach([delivery.id for delivery in chosen], by)
    typer.echo(
        f"{len(done)} of {len(chosen)} are attached by the next sync; the others are, or have no record."
    )


@app.command("acts")
def acts(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, newest first.")] = 50,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show who replayed, linked, dismissed or resumed what, when and why."""
    from connector.cli.output import console, print_json, table
    from connector.cli.session import open_session
    from connector.sight import open_ledger

    settings = open_session(config, offline=True)
    with open_ledger(settings) as store:
        done = store.operations.acts(limit)
    if output is Output.JSON:
        print_json(list(done))
        return
    rows = [(each.at, each.actor, each.act, each.filter, each.count, each.reason) for each in done]
    columns = ("at (UTC)", "by", "act", "chosen by", "deliveries", "reason")
    console().print(table("Acts", columns, rows))
