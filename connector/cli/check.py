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
    pin: Annotated[
        bool,
        typer.Option("--pin", help="Keep what targets say of their objects, where `schemas` names a folder."),
    ] = False,
) -> None:
    """Check configuration, mappings and their examples, credentials, fields and limits.

    Writes nothing but what --pin asks for.

    Every problem comes with its place and a remedy. Exit code 0 when nothing is wrong.
    """
    from connector.cli.checking import Report, check_offline, check_online, check_pins, show_report
    from connector.cli.session import open_session

    settings = open_session(config, offline=offline)
    report = Report()
    mappings = check_offline(settings, report)
    if offline:
        check_pins(settings, mappings, report)
    else:
        check_online(settings, mappings, report, pin=pin)
    raise typer.Exit(show_report(report, as_json=output is Output.JSON))
