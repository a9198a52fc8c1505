"""`reconcile`: documents in Docflo against records in the target, both read anew."""

from enum import StrEnum
from typing import Annotated

import typer

from connector.cli.options import DEFAULT_CONFIG, ConfigOption


class Form(StrEnum):
    """How the comparison is printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def reconcile(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="A name under `pipelines`.")],
    since: Annotated[
        str,
        typer.Option("--from", metavar="DAY", help="Documents created from here on: a day or 30d, 12h; UTC."),
    ],
    until: Annotated[
        str | None, typer.Option("--to", metavar="DAY", help="And before this day. Default: now.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with code 6 when the sides differ.")] = False,
    output: Annotated[Form, typer.Option("--output", "-o", help="A table, JSON or CSV.")] = Form.TABLE,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Compare what Docflo has with what the target has: what is missing, doubled, different, or nobody's.

    Both sides are read anew; nothing is written. Docflo's requests come out of the budget, in the lane of
    what is done by hand.
    """
    from connector.cli.exits import Exit
    from connector.cli.moments import read_age
    from connector.cli.reconciling import draw
    from connector.cli.session import open_session
    from connector.clock import utc_now
    from connector.docflo.budget import Lane
    from connector.pipeline.reconcile import make_reconciler
    from connector.wiring import connect

    begin, end = read_age(since), read_age(until) if until else utc_now()
    with connect(open_session(config), only=[pipeline]) as connector:
        [meant] = connector.pipelines
        docflo = connector.docflo.lane(Lane.BY_HAND)
        found = make_reconciler(meant, docflo, connector.store, connector.clock).compare(begin, end)
    draw(found, output.value)
    if strict and not found.is_even:
        raise typer.Exit(Exit.DIFFERENT)
