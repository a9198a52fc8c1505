"""`mapping new|check|test|diff`: write mappings, and know what they do before they do it."""

from pathlib import Path
from typing import Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

app = typer.Typer(
    help="Mappings: propose one, check it, run its examples, compare two over real documents.",
    no_args_is_help=True,
)


@app.callback()
def mapping() -> None:
    """Look after mappings."""


@app.command("new")
def new(
    type_: Annotated[str, typer.Option("--type", help="Docflo document type, such as invoice.")],
    target: Annotated[
        str, typer.Option(help="A target of config.yaml and one of its objects: crm:Invoice__c.")
    ],
    document: Annotated[
        str | None, typer.Option(help="Docflo id of the document for the example; the newest by default.")
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(help="File to write; mappings/TYPE-TARGET.yaml beside config.yaml by default."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Propose a mapping: asks Docflo for the type's fields, and the target for those of its object.

    Fields with like names and fitting types get a rule; the others become comments that say what is missing
    or near. The example is a real document, and its values stand in the file. Overwrites nothing, sends
    nothing; look at every rule before you use it.
    """
    from connector.cli.mapping_new import (
        describe_target,
        read_type,
        report,
        save,
        split_target,
        write_mapping,
    )
    from connector.cli.session import open_session
    from connector.docflo.client import DocfloClient

    settings = open_session(config)
    name, object_name = split_target(settings, target)
    described = describe_target(settings, name, object_name)
    with DocfloClient(settings.docflo) as docflo:
        fields, documents = read_type(settings, docflo, type_, document)
    written = write_mapping(type_, fields, described, target, documents)
    path = to or config.parent / "mappings" / f"{type_}-{name}.yaml"
    save(written, path)
    typer.echo(f"Wrote {path}.")
    for line in report(written):
        typer.echo(line)
    typer.echo(f"\nNext: look at every rule, then `docflo-connector mapping check {path}`.")


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
