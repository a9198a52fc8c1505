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
    from connector.sight import docflo_by_hand

    settings = open_session(config)
    name, object_name = split_target(settings, target)
    described = describe_target(settings, name, object_name)
    with docflo_by_hand(settings) as docflo:
        fields, documents = read_type(settings, docflo, type_, document)
    written = write_mapping(type_, fields, described, target, documents)
    path = to or config.parent / "mappings" / f"{type_}-{name}.yaml"
    save(written, path)
    typer.echo(f"Wrote {path}.")
    for line in report(written):
        typer.echo(line)
    typer.echo(f"\nNext: look at every rule, then `docflo-connector mapping check {path}`.")


FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[FILE]...", help="Mapping files; those of every pipeline when none is named."),
]


@app.command("check")
def check(
    files: FilesArgument = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Files only: no network, no credentials needed.")
    ] = False,
    target: Annotated[
        str | None,
        typer.Option(help="Compare with this target, instead of that of the pipelines that use the file."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Check mapping files: keys, paths, examples; and, where there is a configuration, both sides.

    With a config.yaml, every path is compared with the document type in Docflo, and every field with the
    target of the pipelines that use the file. Without one, or with --offline, the files alone are read.
    Every problem comes with its place. Exit code 0 when nothing is wrong.
    """
    from connector.cli.checking import Report, show_report
    from connector.cli.mapping_check import check_against, check_files, files_of
    from connector.cli.session import open_session

    # A file can be checked where no configuration is, but a configuration that is named must be there.
    has_config = config.exists() or config != DEFAULT_CONFIG
    settings = open_session(config, offline=offline) if has_config else None
    report = Report()
    mappings = check_files(files_of(settings, files or ()), report)
    if settings is not None and not offline and mappings:
        check_against(settings, mappings, target, report)
    raise typer.Exit(show_report(report, as_json=output is Output.JSON))


@app.command("test")
def run_examples(
    files: FilesArgument = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Run the examples of mapping files, and show field by field where a record is not as promised.

    Needs no network and no credentials. Exit code 2 when an example fails.
    """
    from connector.cli.exits import Exit
    from connector.cli.mapping_check import files_of, run_tests, show_tests
    from connector.cli.output import console, print_json
    from connector.cli.session import open_session

    settings = None if files else open_session(config, offline=True)
    tests = [test for path in files_of(settings, files or ()) for test in run_tests(path)]
    if output is Output.JSON:
        print_json(tests)
    else:
        show_tests(console(), tests)
    fails = any(test.mismatches for test in tests)
    raise typer.Exit(Exit.CONFIGURATION if fails else Exit.FINE)


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
    from connector.sight import open_ledger

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
