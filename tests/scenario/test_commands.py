"""Each command as a person or a script meets it."""

import json
from pathlib import Path

import pytest

from connector.config import load_config
from tests.scenario.conftest import GOOD, Cli, World

SUBJECTS = (
    "mapping of invoices-to-crm",
    "database",
    "docflo credentials",
    "documents of invoices-to-crm",
    "write-back of invoices-to-crm",
    "listing of invoices-to-crm",
    "docflo rate limit",
    "target crm: credentials",
    "target crm: Invoice__c",
    "target crm: Invoice_Line__c",
    "target crm: api limit",
)


def test_check_lists_everything_that_matters_and_finds_it_fine(world: World, cli: Cli) -> None:
    ran = cli("check", "--config", world.config, "--output", "json")

    assert ran.code == 0
    found = {finding["subject"]: finding["severity"] for finding in ran.json}
    assert {subject: found.get(subject) for subject in SUBJECTS} == dict.fromkeys(SUBJECTS, "ok")


def test_check_writes_nothing(world: World, cli: Cli) -> None:
    cli("check", "--config", world.config)

    assert world.running.docflo.journal.effects == ()
    assert world.running.salesforce.journal.effects == ()
    assert cli("checkpoint", "show", "--config", world.config, "-o", "json").json[0]["moved_at"] is None


def test_check_names_a_write_back_field_that_docflo_does_not_have(world: World, cli: Cli) -> None:
    world.edit("ErpUrl: receipt.url", "ErpLink: receipt.url")

    ran = cli("check", "--config", world.config)

    assert ran.code == 2
    assert "`invoice` has no field ErpLink" in ran.out
    assert "docflo-connector api model-field invoice ErpLink --type string" in ran.out


def test_check_reports_both_sides_though_one_refuses(world: World, cli: Cli) -> None:
    (world.config.parent / "secrets" / "docflo-api-key").write_text("wrong", encoding="utf-8")

    ran = cli("check", "--config", world.config)

    assert ran.code == 3
    assert "✗ docflo: Docflo refused the API key" in ran.out
    assert "✓ target crm: credentials" in ran.out


def test_check_offline_needs_neither_network_nor_secrets(world: World, cli: Cli) -> None:
    for secret in (world.config.parent / "secrets").iterdir():
        secret.unlink()

    ran = cli("check", "--offline", "--config", world.config)

    assert ran.code == 0
    assert world.running.docflo.journal.requests == ()


def test_check_runs_the_examples_of_the_mapping(world: World, cli: Cli) -> None:
    world.edit_mapping("Total__c: 1487.50", "Total__c: 1487.5")

    ran = cli("check", "--offline", "--config", world.config)

    assert ran.code == 2
    assert "1487.50" in ran.out


def test_preview_shows_source_rule_and_result_and_writes_nothing(world: World, cli: Cli) -> None:
    ran = cli("preview", "invoices-to-crm", "--config", world.config, "--output", "json")

    assert ran.code == 0
    fields = {field["target"]: field for field in ran.json["fields"]}
    assert fields["Invoice__c.Total__c"]["source"] == "InvoiceTotal.amount"
    assert fields["Invoice__c.Total__c"]["value"] == fields["Invoice__c.Total__c"]["result"]
    assert world.running.salesforce.journal.requests == ()
    assert world.running.docflo.journal.effects == ()


def test_preview_of_a_document_that_does_not_fit_says_so_with_4(world: World, cli: Cli) -> None:
    bad = next(
        document.id
        for document in world.running.docflo.documents.values()
        if document.type == "invoice" and "InvoiceTotal" not in document.fields
    )

    ran = cli("preview", "invoices-to-crm", "--document", bad, "--config", world.config)

    assert ran.code == 4
    assert "missing" in ran.out


def test_preview_reads_a_document_from_a_file_without_credentials(world: World, cli: Cli) -> None:
    saved = world.config.parent / "document.json"
    saved.write_text(
        json.dumps(
            {
                "id": "1",
                "type": "invoice",
                "fields": {
                    "InvoiceId": {"type": "string", "value": "7"},
                    "VendorName": {"type": "string", "value": "Papier GmbH"},
                    "InvoiceDate": {"type": "date", "value": "2026-01-02"},
                    "InvoiceTotal": {"type": "currency", "value": {"amount": 1, "currencyCode": "EUR"}},
                    "Items": {"type": "array", "value": []},
                },
            }
        ),
        encoding="utf-8",
    )
    for secret in (world.config.parent / "secrets").iterdir():
        secret.unlink()

    assert cli("preview", "invoices-to-crm", "--file", saved, "--config", world.config).code == 0


def test_status_and_checkpoint_say_how_far_it_is(world: World, cli: Cli) -> None:
    cli("sync", "--config", world.config)

    states = cli("status", "--config", world.config, "--output", "json").json["pipelines"]["invoices-to-crm"]
    point = cli("checkpoint", "show", "--config", world.config, "--output", "json").json[0]

    assert (states["completed"], states["dead"], states["pending"]) == (GOOD, 4, 0)
    assert states["listed_until"] == point["listed_until"]
    assert point["next_listing_from"] < point["listed_until"]


def test_a_script_gets_json_and_nothing_else_on_standard_output(world: World, cli: Cli) -> None:
    for command in (("sync",), ("status",), ("deliveries", "list"), ("checkpoint", "show"), ("check",)):
        ran = cli(*command, "--config", world.config, "--output", "json")
        json.loads(ran.out)


def test_off_a_terminal_each_step_is_one_json_line_without_contents(world: World, cli: Cli) -> None:
    ran = cli("sync", "--config", world.config)

    lines = [json.loads(line) for line in ran.err.splitlines()]
    assert sum(line["event"] == "delivery.moved" for line in lines) == 2 * GOOD
    assert sum(line["event"] == "delivery.dead" for line in lines) == 4
    vendors = {
        document.fields["VendorName"]["value"]
        for document in world.running.docflo.documents.values()
        if "VendorName" in document.fields
    }
    assert not [vendor for vendor in vendors if vendor and vendor in ran.err]
    assert "sandbox-key" not in ran.err


def test_the_same_database_upgraded_twice_is_fine(world: World, cli: Cli) -> None:
    assert cli("database", "upgrade", "--config", world.config).code == 0
    assert cli("database", "check", "--config", world.config).code == 0


def test_init_writes_what_check_can_read_and_overwrites_nothing(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DOCFLO_API_KEY", "SF_CONSUMER_KEY", "SF_CONSUMER_SECRET"):
        monkeypatch.setenv(name, "x")
    folder = tmp_path / "here"

    first = cli("init", folder, "--tenant-id", "acme:1", "--domain", "acme.my")
    again = cli("init", folder, "--tenant-id", "other", "--domain", "other.my")

    assert first.code == 0
    assert again.code == 2
    assert load_config(folder / "config.yaml").docflo.tenant_id == "acme:1"
    assert cli("check", "--offline", "--config", folder / "config.yaml").code == 0


def test_init_takes_a_full_login_address(tmp_path: Path, cli: Cli) -> None:
    cli("init", tmp_path, "--tenant-id", "acme", "--domain", "https://acme.my.salesforce.mil")

    target = load_config(tmp_path / "config.yaml", offline=True).targets["crm"]

    assert target.model_dump()["login_url"] == "https://acme.my.salesforce.mil"


def test_an_unknown_option_is_a_usage_error(cli: Cli) -> None:
    ran = cli("sync", "--fast")

    assert ran.code == 2
    assert "--fast" in ran.err


def test_the_demo_holds_what_it_claims(tmp_path: Path, cli: Cli) -> None:
    ran = cli("demo", "--folder", tmp_path)

    assert ran.code == 0
    assert "196" in ran.out
    assert "XQX" in ran.out
    assert "InvoiceTotal.amount" in ran.out
    assert " NO " not in ran.out
    assert ran.err == ""
