"""`check`: whether everything is right before the first document moves."""

from typing import Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption


def check(
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
    offline: Annotated[
        bool, typer.Option("--offline", help="Files only: no network, no credentials needed.")
    ] = False,
) -> None:
    """Check configuration, mappings and their examples, credentials, fields and limits. Writes nothing.

    Every problem comes with its place and a remedy. Exit code 0 when nothing is wrong.
    """
    from rich.markup import escape

    from connector.cli.checking import Report, check_offline, check_online, lines
    from connector.cli.exits import Exit, exit_code
    from connector.cli.output import console, print_json
    from connector.cli.session import open_session

    settings = open_session(config, offline=offline)
    report = Report()
    mappings = check_offline(settings, report)
    if not offline:
        check_online(settings, mappings, report)
    if output is Output.JSON:
        print_json(report.findings)
    else:
        screen = console()
        for mark, line in lines(report):
            screen.print(f"{mark}{escape(line)}", soft_wrap=True)
        wrong = len(report.errors)
        screen.print(f"\n{wrong} problem(s)." if wrong else "\nEverything is fine.")
    codes = sorted({exit_code(error) for error in report.errors})
    raise typer.Exit(codes[0] if codes else Exit.FINE)
