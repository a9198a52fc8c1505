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
    from connector.cli.checking import Report, check_offline, check_online, show_report
    from connector.cli.session import open_session

    settings = open_session(config, offline=offline)
    report = Report()
    mappings = check_offline(settings, report)
    if not offline:
        check_online(settings, mappings, report)
    raise typer.Exit(show_report(report, as_json=output is Output.JSON))
