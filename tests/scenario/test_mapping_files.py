"""`mapping new`, `check` and `test` over both sandboxes."""

from pathlib import Path

import pytest

from connector.mapping.examples import run_examples
from connector.mapping.load import load_mapping
from tests.scenario.conftest import Cli, World


def propose(world: World, cli: Cli, type_: str, target: str, *more: object) -> Path:
    path = world.config.parent / f"{type_}.yaml"
    ran = cli(
        "mapping", "new", "--config", world.config, "--type", type_, "--target", target, "--to", path, *more
    )
    assert ran.code == 0, ran.err
    return path


@pytest.mark.parametrize(
    ("type_", "target"),
    [
        ("invoice", "crm:Invoice__c"),
        ("purchaseOrder", "crm:Purchase_Order__c"),
        ("receipt", "crm:Receipt__c"),
        ("invoice", "crm:Account"),
    ],
)
def test_a_proposed_mapping_passes_check_at_once(world: World, cli: Cli, type_: str, target: str) -> None:
    path = propose(world, cli, type_, target)

    assert cli("mapping", "check", path, "--offline", "--config", world.config).code == 0
    assert run_examples(load_mapping(path)) == ()


def test_a_proposed_mapping_fits_docflo_and_the_target(world: World, cli: Cli) -> None:
    path = propose(world, cli, "invoice", "crm:Invoice__c")

    ran = cli("mapping", "check", path, "--config", world.config, "--target", "crm", "--output", "json")

    assert ran.code == 0
    assert {finding["severity"] for finding in ran.json} == {"ok"}
    assert world.running.docflo.journal.effects == ()
    assert world.running.salesforce.journal.effects == ()


def test_a_proposal_says_what_it_could_not_match_and_where_its_example_is_from(
    world: World, cli: Cli
) -> None:
    document = next(each.id for each in world.running.docflo.documents.values() if each.type == "invoice")

    text = propose(world, cli, "invoice", "crm:Invoice__c", "--document", document).read_text(
        encoding="utf-8"
    )

    assert "# Notes__c (Notes): no field of the document fits" in text
    assert "# Vendor__c (Vendor): refers to Account" in text
    assert f"# Taken from the document {document}" in text
    assert text.startswith("# yaml-language-server: $schema=mapping.schema.json\n")
    assert (world.config.parent / "mapping.schema.json").exists()


def test_the_proposal_of_a_required_field_without_a_source_names_it(world: World, cli: Cli) -> None:
    ran = cli(
        "mapping", "new", "--config", world.config, "--type", "receipt", "--target", "crm:Account",
        "--to", world.config.parent / "a.yaml",
    )  # fmt: skip

    text = (world.config.parent / "a.yaml").read_text(encoding="utf-8")
    assert ("Account.Name" in ran.out) == ("# REQUIRED by the target: Name" in text)
    assert "Name" in text


def test_a_document_that_fits_nothing_still_gives_a_file_that_loads(world: World, cli: Cli) -> None:
    document = next(
        each.id
        for each in world.running.docflo.documents.values()
        if each.type == "invoice" and "InvoiceTotal" not in each.fields
    )

    path = propose(world, cli, "invoice", "crm:Invoice__c", "--document", document)

    assert run_examples(load_mapping(path)) == ()


def test_new_overwrites_nothing(world: World, cli: Cli) -> None:
    path = propose(world, cli, "invoice", "crm:Invoice__c")
    before = path.read_bytes()

    ran = cli(
        "mapping",
        "new",
        "--config",
        world.config,
        "--type",
        "receipt",
        "--target",
        "crm:Receipt__c",
        "--to",
        path,
    )

    assert (ran.code, path.read_bytes() == before) == (2, True)


@pytest.mark.parametrize(
    ("type_", "target", "words"),
    [
        ("invoices", "crm:Invoice__c", "did you mean `invoice`?"),
        ("invoice", "crm:Invoices__c", 'did you mean "Invoice__c"?'),
        ("invoice", "crn:Invoice__c", "did you mean `crm`?"),
        ("invoice", "crm", "names no object of a target"),
    ],
)
def test_new_says_what_was_meant(world: World, cli: Cli, type_: str, target: str, words: str) -> None:
    ran = cli("mapping", "new", "--config", world.config, "--type", type_, "--target", target)

    assert ran.code == 2
    assert words in ran.err


@pytest.fixture
def wrong(world: World) -> Path:
    """Give a mapping with three mistakes that only Docflo and its example can tell."""
    good = world.config.parent / "mappings" / "invoice-salesforce.yaml"
    text = good.read_text(encoding="utf-8")
    for old, new in (
        ("from: InvoiceId", "from: invoiceID"),
        ("SubTotal.amount", "SubTotals.amount"),
        ("from: Unit,", "from: Units,"),
    ):
        assert old in text
        text = text.replace(old, new)
    path = good.with_name("wrong.yaml")
    path.write_text(text, encoding="utf-8")
    return path


def test_check_names_paths_that_docflo_does_not_have_and_other_spellings(
    world: World, cli: Cli, wrong: Path
) -> None:
    ran = cli("mapping", "check", wrong, "--config", world.config)

    assert ran.code == 2
    assert "`invoiceID` is spelt `InvoiceId` in Docflo" in ran.out
    assert "`invoice` has no field `SubTotals` in Docflo" in ran.out
    assert "has no field `Units` under `Items` in Docflo" in ran.out
    assert "did you mean `Unit`?" in ran.out


def test_check_of_a_file_that_no_pipeline_uses_compares_with_a_named_target(world: World, cli: Cli) -> None:
    path = propose(world, cli, "receipt", "crm:Receipt__c")
    path.write_text(path.read_text(encoding="utf-8").replace("Total__c:", "Totel__c:"), encoding="utf-8")

    without = cli("mapping", "check", path, "--config", world.config)
    compared = cli("mapping", "check", path, "--config", world.config, "--target", "crm")

    assert "target crm" not in without.out
    assert compared.code == 2
    assert "Receipt__c shows this user no field Totel__c" in compared.out


def test_check_without_a_configuration_reads_the_file_alone(
    world: World,
    cli: Cli,
    wrong: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("empty"))

    ran = cli("mapping", "check", wrong)

    assert ran.code == 2
    assert "expected 1250.00, got no such field" in ran.out
    assert world.running.docflo.journal.requests == ()


def test_test_shows_expected_and_got_below_the_field(world: World, cli: Cli) -> None:
    world.edit_mapping("Total__c: 1487.50", "Total__c: 1487.5")

    ran = cli("mapping", "test", "--config", world.config)

    assert ran.code == 2
    lines = [line.strip() for line in ran.out.splitlines()]
    assert "- expected  1487.5" in lines
    assert "+ got       1487.50" in lines
    assert "2 example(s), 1 failed." in ran.out


def test_test_needs_neither_configuration_nor_network(world: World, cli: Cli) -> None:
    ran = cli("mapping", "test", world.config.parent / "mappings" / "invoice-salesforce.yaml", "-o", "json")

    assert ran.code == 0
    assert [test["mismatches"] for test in ran.json] == [[], []]
    assert world.running.docflo.journal.requests == ()
