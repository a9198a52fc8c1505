"""What `demo` does and prints: one sync, a second one that finds nothing to do, and the proof in numbers."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from connector.cli.bar import Bar
from connector.cli.cycle import Cycle, run_cycle
from connector.cli.output import console, table
from connector.cli.report import cost_line, problem_table
from connector.cli.sandbox_setup import Sandboxes, write_sandbox_config
from connector.cli.session import open_session, upgrade_quietly
from connector.ledger.delivery import Delivery, State
from connector.telemetry import configure_logging
from connector.wiring import connect

SAMPLE = 5
NEXT = """
`docflo-connector sandbox` starts both sides, to try a mapping of your own.
docs/tutorial.md goes on from here."""


def run_demo(folder: Path, running: Sandboxes) -> Path:
    """Run the demo and print it; give the path of the configuration it used.

    Raises: RuntimeError when what arrived is not what was sent.
    """
    screen = console()
    config = write_sandbox_config(folder, running)
    with chdir(folder):  # so that places in messages are short
        _show_demo(Path(config.name), running, screen)
    return config


def _show_demo(config: Path, running: Sandboxes, screen: Console) -> None:
    screen.print(
        f"A sandbox Docflo is on {running.docflo_url}, a sandbox Salesforce on {running.salesforce_url}."
    )
    screen.print("Approved invoices go from the first to the second, header and lines, and Docflo is told.\n")
    upgrade_quietly(config)
    first, sample = _sync(config, "Syncing")
    second, _ = _sync(config, "Syncing again")
    sums = _sums(running)
    tables = (
        _outcomes(first),
        problem_table(first.dead, "Set aside, with the reason; nothing of these was written anywhere"),
        _sample(sample),
        _money(sums),
    )
    for each in tables:
        screen.print()
        screen.print(each)
    screen.print()
    _print_cost(first, second, screen)
    _verify(first, second, running, sums)


def _sync(config: Path, title: str) -> tuple[Cycle, Sequence[Delivery]]:
    # A new connection each time, as two runs of `docflo-connector sync` would have.
    settings = open_session(config)
    configure_logging("error")  # off a terminal too: the tables say it better than four hundred lines
    with connect(settings) as connector, Bar(title) as bar:
        cycle = run_cycle(connector, full=False, bar=bar)
        return cycle, connector.store.find(states=[State.COMPLETED], limit=SAMPLE)


def _outcomes(cycle: Cycle) -> Table:
    listed = sum(found.matched for found in cycle.discovered)
    rows = [
        ("approved invoices found in Docflo", listed, ""),
        ("delivered to Salesforce", cycle.count(State.DELIVERED), "header and lines together, or not at all"),
        (
            "shown in Docflo",
            cycle.count(State.COMPLETED),
            "Salesforce id and link in the document, status CONFIRMED",
        ),
        ("set aside for a person", cycle.count(State.DEAD), "listed below; the others did not wait for them"),
    ]
    return table("What became of them", ("step", "documents", "note"), rows)


def _sample(deliveries: Sequence[Delivery]) -> Table:
    rows = [
        (
            delivery.headline.number,
            delivery.headline.party,
            delivery.headline.amount,
            delivery.headline.currency,
            delivery.document_id,
            delivery.receipt_id,
        )
        for delivery in deliveries
    ]
    columns = ("invoice", "vendor", "amount", "currency", "in Docflo", "in Salesforce")
    return table(f"{len(rows)} of those delivered", columns, rows)


@dataclass(kw_only=True)
class Sums:
    """One currency's documents and money on both sides, read from the two servers and not from the ledger."""

    documents: int = 0
    lines: int = 0
    in_docflo: Decimal = Decimal(0)
    in_salesforce: Decimal = Decimal(0)
    unequal: int = 0  # documents whose total differs, even in a trailing zero


def _sums(running: Sandboxes) -> Mapping[str, Sums]:
    rows = {row["Id"]: row for row in running.salesforce.rows("Invoice__c")}
    lines = Counter(row["Invoice__c"] for row in running.salesforce.rows("Invoice_Line__c"))
    sums: defaultdict[str, Sums] = defaultdict(Sums)
    for document in running.docflo.documents.values():
        receipt = (document.fields.get("ErpId") or {}).get("value")
        if receipt is None:
            continue
        total = document.fields["InvoiceTotal"]["value"]
        arrived = rows[receipt]["Total__c"]
        currency = sums[total["currencyCode"]]
        currency.documents += 1
        currency.lines += lines[receipt]
        currency.in_docflo += total["amount"]
        currency.in_salesforce += arrived
        currency.unequal += str(total["amount"]) != str(arrived)
    return dict(sorted(sums.items()))


def _money(sums: Mapping[str, Sums]) -> Table:
    rows = [
        (
            currency,
            each.documents,
            each.lines,
            each.in_docflo,
            each.in_salesforce,
            "yes" if each.in_docflo == each.in_salesforce and not each.unequal else "NO",
        )
        for currency, each in sums.items()
    ]
    columns = ("currency", "documents", "lines", "total in Docflo", "total in Salesforce", "equal")
    return table("Money, as both sides have it now", columns, rows)


def _print_cost(first: Cycle, second: Cycle, screen: Console) -> None:
    delivered, written = second.count(State.DELIVERED), second.count(State.COMPLETED)
    screen.print(cost_line(first))
    screen.print(
        f"A second sync found nothing to do: {delivered} delivered, {written} written back, "
        f"{second.requests.total()} listing pages read."
    )
    screen.print(NEXT)


def _verify(first: Cycle, second: Cycle, running: Sandboxes, sums: Mapping[str, Sums]) -> None:
    """Refuse to look fine when it is not: the demo is a proof, so its claims are checked."""
    delivered = first.count(State.COMPLETED)
    claims = {
        "every delivered document is in Salesforce once": len(running.salesforce.rows("Invoice__c"))
        == delivered,
        "every delivered document is known in Docflo": sum(each.documents for each in sums.values())
        == delivered,
        "every total is equal, digit for digit": not any(each.unequal for each in sums.values()),
        "a second sync does nothing": not second.moves and second.requests.total() == second.requests["list"],
    }
    broken = [claim for claim, holds in claims.items() if not holds]
    if broken:
        message = "the demo does not hold: " + "; ".join(broken)
        raise RuntimeError(message)
