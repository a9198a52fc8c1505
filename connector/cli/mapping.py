"""`mapping new|check|test|diff`: write mappings, and know what they do before they do it."""

from pathlib import Path
from typing import Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

app = typer.Typer(
    help="Mappings: check them, run their examples, compare two of them over real documents.",
    no_args_is_help=True,
)


@app.callback()
def mapping() -> None:
    """Look after mappings."""


@app.command("diff")
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The mapping as it is.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The mapping as it shall be.")],
    since: Annotated[
        str,
        typer.Option(help="Documents that the ledger found since: 30d, 12h, or a day such as 2026-03-02."),
    ] = "30d",
    pipeline: Annotated[str | None, typer.Option(help="Only documents of this pipeline.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Changed documents that the table shows.")] = 10,
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="Exit code 6 when any record changes; for CI.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Map every stored document by both files, and show which records change and by how much money.

    Reads the ledger only: nothing is sent, and Docflo and the target are not asked. A field counts as money
    when its rule reads an amount; sums are exact, and each currency has its own. To compare with what is
    in git: `git show HEAD:mappings/invoice.yaml > before.yaml`.
    """
    from connector.cli.exits import Exit
    from connector.cli.mapping_diff import compare_stored, require_comparable, show
    from connector.cli.moments import read_age
    from connector.cli.output import console, print_json
    from connector.cli.session import open_session
    from connector.ledger.snapshots import Stored
    from connector.mapping.load import load_mapping
    from connector.wiring import open_ledger

    before, after = load_mapping(old), load_mapping(new)
    require_comparable(before, after)
    settings = open_session(config, offline=True)
    wanted = Stored(document_type=before.document, since=read_age(since), pipeline=pipeline)
    with open_ledger(settings) as store:
        tally = compare_stored(before, after, store.snapshots, wanted, settings)
    if output is Output.JSON:
        print_json({"old": str(old), "new": str(new), "since": wanted.since, **tally.as_json()})
    else:
        show(console(), tally, before, after, wanted, limit)
    raise typer.Exit(Exit.DIFFERENT if fail_on_change and tally.has_changes else Exit.FINE)
