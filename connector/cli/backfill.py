"""`backfill`: bring in what was created in a range of time, and look after such loads."""

from typing import Annotated

import typer

from connector.cli.backfill_group import START, BackfillGroup
from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

app = typer.Typer(
    cls=BackfillGroup,
    help="Bring in documents of a range of time, beside the live service: `backfill PIPELINE --from --to`.",
    no_args_is_help=True,
)

IdArgument = Annotated[int, typer.Argument(metavar="ID", help="`backfill list` shows them.")]
ReasonOption = Annotated[str, typer.Option(help="Why; kept for the record.")]
BudgetOption = Annotated[
    str,
    typer.Option(
        "--budget",
        help="Share of each hour's requests that may be used, by whomever, before this waits. "
        "The reserve of the live pipelines (30%) is never touched.",
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        "--until", help="Stop then, and wait for budget until then: 06:00 (UTC) or 2026-03-02T06:00."
    ),
]
WaitOption = Annotated[
    bool, typer.Option("--wait", help="Wait for budget as long as it takes, instead of ending with 75.")
]


@app.callback()
def backfill() -> None:
    """Plan and run one-time loads."""


@app.command(START)
def start(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="A name under `pipelines`.")],
    since: Annotated[str, typer.Option("--from", help="Created at or after: 2024-01-01 or a time, UTC.")],
    to: Annotated[
        str | None, typer.Option("--to", help="Created before: the same; left out: until now.")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, show what it would cost.")] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read and map every document, write nothing, group the problems."),
    ] = False,
    budget: BudgetOption = "70%",
    until: UntilOption = None,
    wait: WaitOption = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="New documents to bring at most, oldest first.")
    ] = None,
    only_missing: Annotated[
        bool,
        typer.Option("--only-missing", help="Leave alone what the ledger knows, also where it was edited."),
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Bring in what was created from one time to another; without --apply: only say what it would cost.

    The same command goes on where it was stopped, by whatever. Exit code 75: come back later.
    """
    from connector.cli.backfilling import Wish, bring
    from connector.errors import ConfigError

    if apply and dry_run:
        raise ConfigError("--apply writes and --dry-run does not", remedy="name one of them")
    wish = Wish(
        pipeline=pipeline,
        since=since,
        to=to,
        apply=apply,
        dry_run=dry_run,
        most=limit,
        only_missing=only_missing,
        budget=budget,
        until=until,
        wait=wait,
    )
    raise typer.Exit(bring(wish, config, output))


@app.command("resume")
def resume(
    number: Annotated[
        int | None, typer.Argument(metavar="ID", help="Needed where several are not over.")
    ] = None,
    budget: BudgetOption = "70%",
    until: UntilOption = None,
    wait: WaitOption = False,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Go on with a backfill, also with one that was paused, and work on it.

    With none to go on with, this ends with 0: fit for a schedule.
    """
    from connector.cli.backfilling import go_on

    raise typer.Exit(go_on(number, config, output, budget=budget, until=until, wait=wait))


@app.command("pause")
def pause(number: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Leave a backfill alone: whoever works on it finishes what is in flight and ends, until `resume`."""
    from connector.cli.acting import by
    from connector.cli.session import open_session
    from connector.ledger.backfill import BackfillState
    from connector.sight import open_sight

    settings = open_session(config, offline=True)
    with open_sight(settings) as sight:
        sight.backfills.change(number, BackfillState.PAUSED, by(reason, f"backfill={number}"))
    typer.echo(f"Backfill {number} is paused; `docflo-connector backfill resume {number}` goes on with it.")


@app.command("cancel")
def cancel(number: IdArgument, reason: ReasonOption, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Give a backfill up. What it has delivered stays; what is begun is finished; the rest is forgotten."""
    from connector.cli.acting import by
    from connector.cli.session import open_session
    from connector.sight import open_sight

    settings = open_session(config, offline=True)
    with open_sight(settings) as sight:
        forgotten = sight.backfills.cancel(number, by(reason, f"backfill={number}"))
    typer.echo(
        f"Backfill {number} is cancelled: {forgotten} documents were listed and never touched, and are "
        "forgotten. What it has delivered stays."
    )


@app.command("list")
def list_backfills(config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE) -> None:
    """Show every backfill, newest first."""
    from connector.cli.backfill_report import backfill_json, backfill_table
    from connector.cli.output import console, print_json
    from connector.cli.session import open_session
    from connector.sight import open_sight

    settings = open_session(config, offline=True)
    with open_sight(settings) as sight:
        known = [(each, sight.backfills.tally(each)) for each in sight.backfills.all()]
    if output is Output.JSON:
        print_json([backfill_json(*each) for each in known])
    else:
        console().print(backfill_table(known))


@app.command("show")
def show(
    number: IdArgument, config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE
) -> None:
    """Show one backfill: how far it is, what waits, and what was set aside."""
    from connector.cli.backfill_report import backfill_json, show_backfill
    from connector.cli.output import console, print_json
    from connector.cli.session import open_session
    from connector.errors import ConfigError
    from connector.sight import open_sight

    settings = open_session(config, offline=True)
    with open_sight(settings) as sight:
        known = sight.backfills.get(number)
        if known is None:
            raise ConfigError(
                f"there is no backfill {number}", remedy="`docflo-connector backfill list` shows them"
            )
        tally = sight.backfills.tally(known)
    if output is Output.JSON:
        print_json(backfill_json(known, tally))
    else:
        show_backfill(known, tally, console())
