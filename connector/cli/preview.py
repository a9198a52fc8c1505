"""`preview`: what would be sent for one document, and why. Writes nothing."""

from pathlib import Path
from typing import Annotated

import typer

from connector.cli.exits import Exit
from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption


def preview(
    pipeline: Annotated[str, typer.Argument(help="Name of the pipeline.")],
    document: Annotated[
        str | None, typer.Option(help="Docflo document id; the newest one that is ready when none is named.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A document saved as JSON, instead of one from Docflo.")
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what would be sent for one document: source, rule and result of every field. Writes nothing.

    Gates and conditions stand below the fields. With --file neither Docflo nor the target is asked, so no
    credentials are needed; what a look-up would ask stands in <...>. Exit code 4 when the document does not
    fit the mapping: every problem is named with its place.
    """
    from connector.cli.previewing import answers_for, document_to_preview, show_preview
    from connector.cli.session import open_session
    from connector.wiring import select_pipeline

    settings = open_session(config, offline=file is not None)
    name, section, mapping = select_pipeline(settings, pipeline)
    chosen = document_to_preview(settings, section, document, file)
    answers = answers_for(settings, section, mapping, chosen, offline=file is not None)
    fits = show_preview(settings, name, mapping, chosen, answers, as_json=output is Output.JSON)
    raise typer.Exit(Exit.FINE if fits else Exit.DEAD)
