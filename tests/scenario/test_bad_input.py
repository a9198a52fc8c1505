"""Each mistake gives one clear message with place and remedy, the right exit code, and loses nothing."""

import socket
from pathlib import Path

import pytest

from connector.sandbox.faults import Fault
from tests.scenario.conftest import APPROVED, GOOD, Cli, Ran, World


def _assert_clear(ran: Ran, code: int, *words: str) -> None:
    assert ran.code == code, ran.err
    assert "Traceback" not in ran.err
    for word in words:
        assert word in ran.err, ran.err


def _assert_nothing_happened(world: World) -> None:
    assert world.running.salesforce.rows("Invoice__c") == ()
    assert world.running.docflo.journal.effects == ()


def _assert_all_goes_through_afterwards(world: World, cli: Cli) -> None:
    ran = cli("sync", "--config", world.config, "--output", "json")
    assert ran.json["pipelines"]["invoices-to-crm"]["completed"] == GOOD


def test_no_configuration_names_the_command_that_writes_one(tmp_path: Path, cli: Cli) -> None:
    _assert_clear(
        cli("sync", "--config", tmp_path / "config.yaml"), 2, "config.yaml", "docflo-connector init"
    )


def test_an_unknown_key_is_named_with_its_place_and_the_key_that_was_meant(world: World, cli: Cli) -> None:
    world.edit("tenant_id:", "tenant: x\n  tenant_id:")

    _assert_clear(cli("sync", "--config", world.config), 2, "config.yaml:5:3", "docflo.tenant", "tenant_id")
    _assert_nothing_happened(world)


def test_bad_yaml_is_named_with_its_line(world: World, cli: Cli) -> None:
    world.edit("database:", "database: [")

    _assert_clear(cli("sync", "--config", world.config), 2, "config.yaml:")


def test_all_problems_come_at_once(world: World, cli: Cli) -> None:
    world.edit("target: crm", "target: crn")
    unknown_target = cli("sync", "--config", world.config)
    world.edit("since:", "sinse:")
    world.edit("adapter: salesforce", "adapter: sapp")
    shapes = cli("sync", "--config", world.config)

    _assert_clear(unknown_target, 2, "pipelines.invoices-to-crm.target", "crm")
    _assert_clear(shapes, 2, "sinse", "since", "sapp", "soap")


def test_a_missing_environment_variable_is_named(world: World, cli: Cli) -> None:
    world.edit("${file:secrets/docflo-api-key}", "${env:DOCFLO_API_KEY_OF_NOBODY}")

    _assert_clear(
        cli("sync", "--config", world.config),
        2,
        "docflo.api_key",
        "DOCFLO_API_KEY_OF_NOBODY",
        "config.yaml:6",
    )


def test_a_secret_in_the_file_is_refused_without_repeating_it(world: World, cli: Cli) -> None:
    world.edit("${file:secrets/docflo-api-key}", "hunter2-hunter2")

    ran = cli("sync", "--config", world.config)

    _assert_clear(ran, 2, "docflo.api_key", "${env:NAME}")
    assert "hunter2" not in ran.err + ran.out


def test_a_wrong_key_stops_with_the_remedy_and_loses_nothing(world: World, cli: Cli) -> None:
    key = world.config.parent / "secrets" / "docflo-api-key"
    key.write_text("not-the-key", encoding="utf-8")

    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.code == 3
    assert ran.json["errors"][0]["error"] == "AccessRefusedError"
    _assert_nothing_happened(world)
    key.write_text("sandbox-key", encoding="utf-8")
    _assert_all_goes_through_afterwards(world, cli)


def test_a_key_without_rights_names_the_service(world: World, cli: Cli) -> None:
    key = world.config.parent / "secrets" / "docflo-api-key"
    world.running.docflo.api_keys = {**world.running.docflo.api_keys, "logs-only": {"logs"}}
    key.write_text("logs-only", encoding="utf-8")

    ran = cli("sync", "--config", world.config)

    assert ran.code == 3
    assert "/docs" in ran.out + ran.err
    _assert_nothing_happened(world)


def test_a_salesforce_secret_that_is_refused_waits_and_then_goes_through(world: World, cli: Cli) -> None:
    secret = world.config.parent / "secrets" / "salesforce-consumer-secret"
    secret.write_text("wrong", encoding="utf-8")

    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.code == 3
    counts = ran.json["pipelines"]["invoices-to-crm"]
    # The comparison with the org and one batch met the refusal; the others were not even claimed.
    assert counts["waiting"] + counts["dead"] == APPROVED
    assert world.running.salesforce.journal.count() == {"token": 2}
    assert world.running.salesforce.rows("Invoice__c") == ()


def test_an_unreachable_docflo_says_which_host_and_can_be_tried_later(world: World, cli: Cli) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}"
        world.edit(world.running.docflo_url, nowhere)
        ran = cli("sync", "--config", world.config)

    assert ran.code == 75
    assert "127.0.0.1" in ran.out + ran.err
    world.edit(nowhere, world.running.docflo_url)
    _assert_all_goes_through_afterwards(world, cli)


@pytest.mark.parametrize(
    "body", [b"[1, 2]", b'{"message": "hello"}', b'"text"', b"{}", b"null", b'{"data": 5}']
)
def test_an_answer_without_a_list_is_an_error_never_no_documents(world: World, cli: Cli, body: bytes) -> None:
    world.running.docflo.faults.add(Fault(operation="list", kind="body", body=body))

    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.code == 2
    assert ran.json["errors"][0]["error"] == "UnexpectedResponseError"
    assert cli("checkpoint", "show", "--config", world.config, "-o", "json").json[0]["listed_until"] is None
    _assert_nothing_happened(world)
    _assert_all_goes_through_afterwards(world, cli)


def test_html_instead_of_json_asks_whether_the_address_is_right(world: World, cli: Cli) -> None:
    world.running.docflo.faults.add(Fault(operation="list", kind="html"))

    ran = cli("sync", "--config", world.config)

    assert ran.code == 2
    assert "HTML" in ran.out + ran.err
    _assert_nothing_happened(world)
    _assert_all_goes_through_afterwards(world, cli)


def test_a_mapping_to_a_field_that_does_not_exist_is_found_by_check_with_its_place(
    world: World, cli: Cli
) -> None:
    world.edit_mapping("Number__c:", "Nunber__c:")
    world.edit_mapping("Number__c:", "Nunber__c:")  # and in its example

    ran = cli("check", "--config", world.config)

    assert ran.code == 2
    assert "invoice-salesforce.yaml:" in ran.out
    assert "Nunber__c" in ran.out
    assert "Number__c" in ran.out.replace("Nunber__c", "")


def test_a_mapping_to_a_field_that_does_not_exist_holds_documents_back_and_kills_none(
    world: World, cli: Cli
) -> None:
    mapping = world.config.parent / "mappings" / "invoice-salesforce.yaml"
    good = mapping.read_text(encoding="utf-8")
    mapping.write_text(good.replace("Number__c:", "Nunber__c:"), encoding="utf-8")

    ran = cli("sync", "--config", world.config, "--output", "json")

    assert ran.code == 2
    assert world.running.salesforce.rows("Invoice__c") == ()
    counts = ran.json["pipelines"]["invoices-to-crm"]
    assert (counts["dead"], counts["waiting"]) == (0, APPROVED)


def test_an_old_schema_is_refused_with_the_command_that_upgrades_it(world: World, cli: Cli) -> None:
    (world.config.parent / "connector.db").unlink()

    _assert_clear(cli("sync", "--config", world.config), 2, "docflo-connector database upgrade")
    _assert_nothing_happened(world)


def test_an_unknown_pipeline_names_those_there_are(world: World, cli: Cli) -> None:
    _assert_clear(cli("sync", "invoices", "--config", world.config), 2, "invoices-to-crm")
