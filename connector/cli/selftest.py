"""`selftest`: proof on this machine, with your own pipelines, that a crash loses and doubles nothing."""

from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.exits import Exit
from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connector.cli.crash_matrix import Clean, Verdict


def selftest(
    crash_matrix: Annotated[
        bool, typer.Option("--crash-matrix", help="Kill the connector at each arrow and let it recover.")
    ] = False,
    pairs: Annotated[
        bool, typer.Option("--pairs", help="Also kill it a second time, while it recovers: every two places.")
    ] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Run your pipelines and mappings against the sandbox, kill them at every arrow, and count what is wrong.

    Nothing leaves this machine: the pipelines are copied, with the sandbox's addresses and documents and a
    ledger of their own. Exit code 0 when every case recovered, 1 when one did not.
    """
    import sys
    import tempfile
    from pathlib import Path

    from connector.cli.crash_matrix import Forks, pairs_of_kills, play, run_clean, single_kills
    from connector.cli.crash_script import write_script
    from connector.cli.crash_stage import sandbox_stages
    from connector.cli.session import open_session
    from connector.telemetry import configure_logging

    if not crash_matrix:
        raise typer.BadParameter("say which: --crash-matrix")
    settings = open_session(config, offline=True)
    configure_logging("error")
    with tempfile.TemporaryDirectory(prefix="docflo-selftest-") as temporary, Forks() as forks:
        script = write_script(settings, config, Path(temporary))
        with sandbox_stages(script, Path(temporary) / "case") as stages:
            clean = run_clean(forks, stages)
            _require_deliveries(clean)
            cases = [*single_kills(clean), *(pairs_of_kills(clean) if pairs else ())]
            with typer.progressbar(
                cases, label=f"Killing it {len(cases)} times", file=sys.stderr, hidden=not sys.stderr.isatty()
            ) as shown:
                verdicts = [play(forks, stages, clean, case) for case in shown]
    _show(clean, verdicts, output)
    raise typer.Exit(Exit.FINE if all(verdict.is_recovered for verdict in verdicts) else Exit.BUG)


def _require_deliveries(clean: "Clean") -> None:
    """Refuse a proof that proves nothing."""
    from connector.errors import ConfigError

    if not clean.seen.held:
        raise ConfigError(
            "no document of the sandbox fits these mappings, so there is nothing to lose",
            remedy="add an example to the mapping that shows every field it needs; "
            "`docflo-connector check` runs it",
        )
    if clean.waiting:
        raise ConfigError(
            f"{clean.waiting} deliveries still wait without any crash",
            remedy="run `docflo-connector check`; the pipeline must come to an end in the sandbox first",
        )


def _show(clean: "Clean", verdicts: "Sequence[Verdict]", output: Output) -> None:
    from connector.cli.output import console, print_json, table

    rows = [_row(name, clean, cases) for name, cases in _by_place(verdicts).items()]
    if output is Output.JSON:
        recovered = all(verdict.is_recovered for verdict in verdicts)
        print_json({"records": len(clean.seen.held), "recovered": recovered, "points": rows})
        return
    columns = ("point", "reached", "hits", "recovered", "lost", "doubled", "changed")
    title = f"{len(verdicts)} crashes over {len(clean.seen.held)} records"
    console().print(table(title, columns, [tuple(row[column] for column in columns) for row in rows]))


def _by_place(verdicts: "Sequence[Verdict]") -> "Mapping[str, list[Verdict]]":
    """Group by the places of the kills; places that were never reached are told as well."""
    from connector.crashpoint import Point

    places: dict[str, list[Verdict]] = {point.value: [] for point in Point}
    for verdict in verdicts:
        name = " then ".join(kill.point.value for kill in verdict.kills)
        places.setdefault(name, []).append(verdict)
    return places


def _row(name: str, clean: "Clean", cases: "Sequence[Verdict]") -> "Mapping[str, object]":
    from connector.crashpoint import Point

    reached = {point.value: clean.arrivals.get(point, 0) for point in Point}
    return {
        "point": name,
        "reached": reached.get(name),
        "hits": sum(case.died for case in cases),
        "recovered": sum(case.is_recovered for case in cases),
        "lost": sum(len(case.lost) for case in cases),
        "doubled": sum(len(case.doubled) for case in cases),
        "changed": sum(len(case.changed) for case in cases),
    }
