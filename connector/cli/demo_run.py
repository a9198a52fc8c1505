"""What `demo` does and prints: one sync, a second one that finds nothing to do, and the proof in numbers."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.table import Table

from connector.cli.cycle import Cycle, progress, run_cycle
from connector.cli.output import console, table
from connector.cli.report import cost_line, problem_table
from connector.cli.sandbox_setup import Sandboxes, write_sandbox_config
from connector.cli.session import open_session, upgrade_quietly
from connector.errors import ConnectorError
from connector.ledger.delivery import Delivery, State
from connector.wiring import connect

SAMPLE = 5


def run_demo(folder: Path, running: Sandboxes) -> Path:
    """Run the demo and print it; give the path of the configuration it used.

    Raises: ConnectorError when what arrived is not what was sent: then the demo must not look fine.
    """
    screen = console()
    config = write_sandbox_config(folder, running)
    screen.print(f"A sandbox Docflo is listening on {running.docflo_url}, a sandbox Salesforce on {running.salesforce_url}.")
    screen.print("Approved invoices go from the first to the second, header and lines, and Docflo is told.\n")
    upgrade_quietly(config)
    first, sample = _sync(config, "Syncing")
    second, _ = _sync(config, "Syncing again")
    screen.print(_outcomes(first))
    screen.print(problem_table(first.dead, "Set aside, with the reason; nothing of these was written anywhere"))
    screen.print(_sample(sample))
    screen.print(_money(running))
    _print_cost(first, second, screen)
    _verify(first, second, running)
    return config


def _sync(config: Path, title: str) -> tuple[Cycle, Sequence[Delivery]]:
    # A new connection each time, as two runs of `docflo-connector sync` would have.
    with connect(open_session(config)) as connector, progress(connector, title) as on_move:
        cycle = run_cycle(connector, full=False, on_move=on_move)
        return cycle, connector.store.find(states=[State.COMPLETED], limit=SAMPLE)


def _outcomes(cycle: Cycle) -> Table:
    listed = sum(found.matched for found in cycle.discovered)
    rows = [
        ("approved invoices found in Docflo", listed, ""),
        ("delivered to Salesforce", cycle.count(State.DELIVERED), "header and lines together, or not at all"),
        ("shown in Docflo", cycle.count(State.COMPLETED), "Salesforce id and link in the document, status CONFIRMED"),
        ("set aside for a person", cycle.count(State.DEAD), "listed below; the others did not wait for them"),
    ]
    return table("What became of them", ("", "documents", ""), rows)


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
    columns = ("invoice", "vendor", "amount", "", "in Docflo", "in Salesforce")
    return table(f"{len(rows)} of those delivered", columns, rows)


def _money(running: Sandboxes) -> Table:
    sent, arrived, documents = _sums(running)
    rows = [
        (currency, documents[currency], sent[currency], arrived[currency], "yes" if sent[currency] == arrived[currency] else "NO")
        for currency in sorted(sent)
    ]
    return table("Money, by currency", ("", "documents", "in Docflo", "in Salesforce", "equal"), rows)
