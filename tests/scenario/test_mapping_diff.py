"""`mapping diff` as a person and as CI meet it."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import create_engine, text

from connector.cli.sandbox_setup import TENANT, sandboxes, write_sandbox_config
from connector.cli.session import upgrade_quietly
from connector.clock import utc_now
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.generate import generate_documents
from tests.scenario.conftest import Cli, World


@pytest.fixture
def listed(tmp_path: Path, cli: Cli) -> Iterator[World]:
    """Give a world whose ledger holds two dozen approved invoices."""
    documents = generate_documents(24, seed=1, now=utc_now())
    with sandboxes(docflo=DocfloSandbox(tenant_id=TENANT, documents=documents)) as running:
        config = write_sandbox_config(tmp_path, running)
        upgrade_quietly(config)
        assert cli("sync", "--config", config).code in {0, 4}
        yield World(running=running, config=config)


def edited(world: World, old: str, new: str) -> tuple[Path, Path]:
    before = world.config.parent / "mappings" / "invoice-salesforce.yaml"
    after = before.with_name("after.yaml")
    source = before.read_text(encoding="utf-8")
    assert old in source
    after.write_text(source.replace(old, new), encoding="utf-8")
    return before, after


def test_a_comment_changes_nothing(listed: World, cli: Cli) -> None:
    files = edited(listed, "version: 1", "# better\nversion: 1")

    ran = cli("mapping", "diff", *files, "--config", listed.config, "--fail-on-change")

    assert (ran.code, "Every document gives the same record as before" in ran.out) == (0, True)


def test_a_changed_amount_is_counted_per_field_and_currency(listed: World, cli: Cli) -> None:
    files = edited(listed, "Tax__c: {from: TotalTax.amount", "Tax__c: {from: SubTotal.amount")

    ran = cli("mapping", "diff", *files, "--config", listed.config, "--output", "json")

    told = msgspec.json.Decoder(float_hook=Decimal).decode(ran.out)
    assert ran.code == 0
    assert {total["field"] for total in told["fields"]} == {"Invoice__c.Tax__c"}
    per_currency = {total["currency"]: total for total in told["fields"]}
    for code, total in per_currency.items():
        changes = [
            change
            for document in told["changed"]
            for change in document["fields"]
            if change["currency"] == code
        ]
        assert total["difference"] == sum(
            Decimal(change["new"]) - Decimal(change["old"]) for change in changes
        )
        assert total["documents"] == len(changes)
    assert {"EUR", "JPY"} <= per_currency.keys()
    assert told["counts"]["changed"] == len(told["changed"])


def test_a_change_fails_only_when_asked_to(listed: World, cli: Cli) -> None:
    files = edited(listed, "Number__c: {from: InvoiceId", "Number__c: {from: VendorName")

    assert cli("mapping", "diff", *files, "--config", listed.config).code == 0
    assert cli("mapping", "diff", *files, "--config", listed.config, "--fail-on-change").code == 6


def test_documents_that_fit_no_longer_say_why(listed: World, cli: Cli) -> None:
    files = edited(listed, "{from: InvoiceId, required: true}", "{from: PurchaseOrder, required: true}")

    ran = cli("mapping", "diff", *files, "--config", listed.config, "--limit", 3)

    assert "no record any more" in ran.out
    assert "after.yaml:14:5: Invoice__c.Number__c: `PurchaseOrder` is" in ran.out
    assert "more documents change" in ran.out


def test_snapshots_that_are_gone_are_counted(listed: World, cli: Cli) -> None:
    engine = create_engine(f"sqlite:///{listed.config.parent / 'connector.db'}")
    with engine.begin() as connection:
        emptied = text("UPDATE delivery SET snapshot = x'' WHERE id IN (SELECT id FROM delivery LIMIT 2)")
        connection.execute(emptied)
    engine.dispose()
    files = edited(listed, "Number__c: {from: InvoiceId", "Number__c: {from: VendorName")

    ran = cli("mapping", "diff", *files, "--config", listed.config)

    assert "2 more could not be compared: no longer stored." in ran.out


def test_nothing_is_sent_and_nobody_is_asked(listed: World, cli: Cli) -> None:
    files = edited(listed, "Number__c: {from: InvoiceId", "Number__c: {from: VendorName")
    asked = len(listed.running.docflo.journal.requests), len(listed.running.salesforce.journal.requests)

    cli("mapping", "diff", *files, "--config", listed.config)

    assert asked == (
        len(listed.running.docflo.journal.requests),
        len(listed.running.salesforce.journal.requests),
    )


def test_two_document_types_cannot_be_compared(world: World, cli: Cli) -> None:
    before, after = edited(world, "document: invoice\n", "document: receipt\n")

    ran = cli("mapping", "diff", before, after, "--config", world.config)

    assert ran.code == 2
    assert "maps `invoice` and after.yaml maps `receipt`" in ran.err


def test_an_age_that_is_none_is_refused(world: World, cli: Cli) -> None:
    files = edited(world, "version: 1", "# better\nversion: 1")

    ran = cli("mapping", "diff", *files, "--config", world.config, "--since", "soon")

    assert (ran.code, "`soon` is neither an age nor a day" in ran.err) == (2, True)
