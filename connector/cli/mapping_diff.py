"""`mapping diff`: both mappings over the stored documents, counted and drawn."""

import sys
from collections.abc import Iterator, Sequence
from decimal import Decimal

from rich.console import Console
from rich.progress import track
from rich.table import Table
from rich.text import Text

from connector.cli.mapping_tally import Changed, FieldTotal, Tally
from connector.cli.output import cell_text, table
from connector.config import Config
from connector.docflo.wire import read_stored
from connector.errors import ConfigError, UnexpectedResponseError
from connector.ledger.delivery import Delivery
from connector.ledger.snapshots import Snapshots, Stored
from connector.mapping.difference import Comparer, FieldChange, Verdict
from connector.mapping.path import ABSENT
from connector.mapping.rules import Mapping
from connector.record import record_key

_WORDS = {
    Verdict.SAME: "the same record",
    Verdict.CHANGED: "another record",
    Verdict.GAINED: "a record, and none before",
    Verdict.LOST: "no record any more",
    Verdict.REFUSED: "no record, as before",
}
_STYLES = {Verdict.CHANGED: "yellow", Verdict.GAINED: "green", Verdict.LOST: "red"}
_FIELDS_SHOWN = 6  # of one document


def require_comparable(old: Mapping, new: Mapping) -> None:
    """Refuse mappings of two document types.

    Raises: ConfigError
    """
    if old.document != new.document:
        message = f"{old.path.name} maps `{old.document}` and {new.path.name} maps `{new.document}`"
        raise ConfigError(message, remedy="compare two mappings of one document type")


def compare_stored(old: Mapping, new: Mapping, snapshots: Snapshots, wanted: Stored, config: Config) -> Tally:
    """Run both mappings over every stored document; a document of several pipelines counts once."""
    tally = Tally()
    comparer = Comparer(old, new)
    seen: set[str] = set()
    for delivery in _with_progress(snapshots, wanted):
        if delivery.document_id in seen:
            continue
        if not delivery.snapshot:
            tally.not_stored += 1
            continue
        seen.add(delivery.document_id)
        try:
            document = read_stored(delivery.snapshot)
        except UnexpectedResponseError:
            tally.unreadable += 1
            continue
        key = record_key(config.docflo.tenant_id, delivery.pipeline, delivery.document_id)
        tally.add(delivery, comparer.compare(document, key, delivery.headline.currency))
    return tally


def _with_progress(snapshots: Snapshots, wanted: Stored) -> Iterator[Delivery]:
    return iter(
        track(
            snapshots.read(wanted),
            description="Comparing",
            total=snapshots.count(wanted),
            console=Console(file=sys.stderr),
            disable=not sys.stderr.isatty(),
            transient=True,
        )
    )


def show(screen: Console, tally: Tally, old: Mapping, new: Mapping, wanted: Stored, limit: int) -> None:
    """Print what changes: counts, then fields with their sums, then documents."""
    where = f" of {wanted.pipeline}" if wanted.pipeline else ""
    screen.print(
        f"{tally.documents} documents of type {wanted.document_type}{where}, "
        f"found since {wanted.since:%Y-%m-%d %H:%M} UTC: {old.path.name} → {new.path.name}\n",
        markup=False,
    )
    for count, words in ((tally.not_stored, "no longer stored"), (tally.unreadable, "not readable")):
        if count:
            screen.print(f"{count} more could not be compared: {words}.\n", style="yellow")
    if not tally.has_changes:
        screen.print("Every document gives the same record as before.", style="green")
        return
    screen.print(_counts(tally))
    if tally.totals:
        screen.print(_totals(tally))
    for each in tally.changed[:limit]:
        screen.print()
        screen.print(_title(each))
        screen.print(_fields(each))
    hidden = len(tally.changed) - limit
    if hidden > 0:
        screen.print(f"\n{hidden} more documents change: --limit shows more, --output json shows all.")


def _counts(tally: Tally) -> Table:
    rows = [
        (_WORDS[verdict], tally.counts[verdict], _sums(tally.worth.get(verdict, {})))
        for verdict in Verdict
        if tally.counts[verdict]
    ]
    return table("What the new mapping gives", ("", "documents", "their totals"), rows)


def _sums(sums: dict[str, Decimal]) -> str:
    return ", ".join(f"{cell_text(amount)}\u00a0{code}" for code, amount in sorted(sums.items()))


def _totals(tally: Tally) -> Table:
    drawn = Table(
        title="Fields that change, where both give a record",
        title_justify="left",
        title_style="bold",
        header_style="bold",
    )
    drawn.add_column("field", overflow="fold")
    for column in ("documents", "values"):
        drawn.add_column(column, justify="right")
    drawn.add_column("currency")
    for column in ("sum before", "sum after", "difference"):
        drawn.add_column(column, justify="right")
    for total in _in_order(tally):
        drawn.add_row(total.target, str(len(total.documents)), str(total.values), *_amounts(total))
    return drawn


def _in_order(tally: Tally) -> list[FieldTotal]:
    """Fields as the mapping has them, each with its currencies in order."""
    fields = list(dict.fromkeys(total.target for total in tally.totals.values()))
    return sorted(tally.totals.values(), key=lambda total: (fields.index(total.target), total.currency or ""))


def _amounts(total: FieldTotal) -> Sequence[str | Text]:
    if not total.is_amount:
        return ("", "", "", "")
    return (
        total.currency or "?",
        cell_text(total.old),
        cell_text(total.new),
        _signed(total.difference),
    )


def _signed(amount: Decimal) -> Text:
    if not amount:
        return Text("0", style="dim")
    return Text(f"{amount:+,f}", style="bold")


def _fields(each: Changed) -> Table:
    drawn = Table.grid(padding=(0, 3))
    for change in each.comparison.changes[:_FIELDS_SHOWN]:
        values = Text.assemble(_value(change.old), " → ", _value(change.new))
        drawn.add_row(Text(f"  {change.target}"), values, _difference(change))
    more = len(each.comparison.changes) - _FIELDS_SHOWN
    if more > 0:
        drawn.add_row(Text(f"  and {more} more", style="dim"))
    for problem in each.comparison.problems:
        drawn.add_row(Text(f"  {problem}", style=_STYLES[each.comparison.verdict]))
    return drawn


def _title(each: Changed) -> Text:
    headline = each.headline
    names = [cell_text(part) for part in (headline.number, headline.party) if part]
    money = [cell_text(part) for part in (headline.amount, headline.currency) if part is not None]
    verdict = each.comparison.verdict
    said = " · ".join([each.document_id, *names, *([" ".join(money)] if money else [])])
    return Text.assemble((said, "bold"), "  ", (_WORDS[verdict], _STYLES[verdict]))


def _value(value: object) -> Text:
    if value is ABSENT:
        return Text("not sent", style="dim")
    if value is None:
        return Text("cleared", style="yellow")
    return Text(f"{value:f}" if isinstance(value, Decimal) else cell_text(value))


def _difference(change: FieldChange) -> str | Text:
    amount = change.difference
    return "" if amount is None else Text.assemble(_signed(amount), f" {change.currency or ''}".rstrip())
