"""Descriptions that are pinned: checked without a network, and compared with what the org says now."""

import json

from connector.sandbox.salesforce import SalesforceSandbox
from tests.scenario.conftest import Cli, World


def pin(world: World, cli: Cli) -> None:
    world.edit("    batch_size: 3\n", "    batch_size: 3\n    schemas: schemas/crm\n")
    ran = cli("check", "--pin", "--config", world.config)
    assert "pinned: Invoice__c, Invoice_Line__c" in ran.out


def take_away(org: SalesforceSandbox, name: str) -> None:
    assert isinstance(org.hidden, dict)
    org.hidden["sandbox-consumer"] = (name,)


def test_a_pinned_description_is_what_offline_checks_compare_with(small_world: World, cli: Cli) -> None:
    pin(small_world, cli)
    for secret in (small_world.config.parent / "secrets").iterdir():
        secret.unlink()

    assert cli("check", "--offline", "--config", small_world.config).code == 0
    small_world.edit_mapping("Number__c:", "Nunber__c:")
    small_world.edit_mapping("Number__c:", "Nunber__c:")  # and in its example
    ran = cli("check", "--offline", "--config", small_world.config)

    assert ran.code == 2
    assert 'did you mean "Number__c"?' in ran.out.replace("\n", " ")


def test_what_is_not_pinned_is_told(small_world: World, cli: Cli) -> None:
    small_world.edit("    batch_size: 3\n", "    batch_size: 3\n    schemas: schemas/crm\n")

    for more in ((), ("--offline",)):
        ran = cli("check", *more, "--config", small_world.config, "--output", "json")
        told = [each["subject"] for each in ran.json if each["message"] == "its description is not pinned"]
        assert told == ["target crm: Invoice__c", "target crm: Invoice_Line__c"]


def test_what_changed_since_is_told_field_by_field(small_world: World, cli: Cli) -> None:
    pin(small_world, cli)
    take_away(small_world.running.salesforce, "Invoice__c.PO_Number__c")
    file = small_world.config.parent / "schemas" / "crm" / "Invoice__c.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    [number] = [each for each in kept["fields"] if each["name"] == "Number__c"]
    number["length"] = 20
    file.write_text(json.dumps(kept), encoding="utf-8")

    ran = cli("check", "--config", small_world.config, "--output", "json")

    told = {each["subject"]: each["message"] for each in ran.json if "as it was pinned" in each["message"]}
    assert told == {
        "target crm: Invoice__c.Number__c": "not as it was pinned: length is 80, was 20",
        "target crm: Invoice__c.PO_Number__c": "not as it was pinned: is gone",
    }
