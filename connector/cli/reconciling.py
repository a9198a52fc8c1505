"""A comparison of both sides, drawn for a terminal or printed for a script."""

import sys

from connector.cli.output import cell_text, console, print_json, table
from connector.pipeline.comparing import by_kind
from connector.pipeline.reconcile import Reconciliation
from connector.pipeline.reconciled import as_csv, as_json

_MOST = 200  # differences drawn; the rest is counted


def draw(found: Reconciliation, form: str) -> None:
    """Print it."""
    match form:
        case "json":
            print_json(as_json(found))
        case "csv":
            sys.stdout.writelines(as_csv(as_json(found)))
        case _:
            _tables(found)


def _tables(found: Reconciliation) -> None:
    screen = console()
    period = f"{found.begin:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M} UTC"
    screen.print(f"{found.pipeline}: documents created {period}, as of {found.as_of:%Y-%m-%d %H:%M:%S} UTC\n")
    columns = ("period", "currency", "documents", "amount", "records", "amount there", "differences")
    rows = [
        (
            *(each.period, each.currency, each.documents, each.documents_amount, each.records),
            "not told" if each.records_amount is None else each.records_amount,
            each.differences,
        )
        for each in found.compared.totals
    ]
    screen.print(table(f"Docflo and {found.target}", columns, rows))
    for words in found.cannot_know:
        screen.print(f"Cannot know: {words}.", style="yellow", markup=False)
    if found.unwanted:
        screen.print(f"{found.unwanted} more documents are not wanted by the pipeline.", markup=False)
    if found.is_even:
        screen.print("Both sides are alike.", style="green")
        return
    counts = ", ".join(
        f"{count} {kind.value.replace('_', ' ')}" for kind, count in by_kind(found.compared.differences)
    )
    drawn = [
        (
            *(each.kind.value.replace("_", " "), each.document_id, each.headline.number),
            *(cell_text(each.values.amount), ", ".join(one.id for one in each.held), each.words),
        )
        for each in found.compared.differences[:_MOST]
    ]
    screen.print(table(counts, ("", "document", "number", "amount", "in the target", "what"), drawn))
    hidden = len(found.compared.differences) - _MOST
    if hidden > 0:
        screen.print(f"and {hidden} more: --output csv shows all.")
