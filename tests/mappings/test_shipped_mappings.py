"""The mappings that ship with the package do what their examples promise."""

from pathlib import Path

import pytest

from connector.mapping.examples import run_examples
from connector.mapping.load import load_mapping
from connector.shipped_files import shipped

FILES = sorted(shipped("mappings").glob("*.yaml"))


def test_mappings_for_salesforce_and_for_the_profiles_are_shipped() -> None:
    assert [path.name for path in FILES] == [
        "customer-invoice-erp.yaml",
        "customer-order-erp.yaml",
        "invoice-amounts-erp.yaml",
        "invoice-erp.yaml",
        "invoice-salesforce.yaml",
        "purchase-order-erp.yaml",
        "purchase-order-salesforce.yaml",
        "receipt-erp.yaml",
        "receipt-salesforce.yaml",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_of_the_shipped_mapping_hold(path: Path) -> None:
    assert run_examples(load_mapping(path)) == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_mapping_shows_lines_and_missing_fields(path: Path) -> None:
    mapping = load_mapping(path)
    optional = {rule.target for rule in mapping.record.fields if rule.optional}

    assert any(len(example.lines) == 2 for example in mapping.examples)
    assert any(not optional & example.header.fields.keys() for example in mapping.examples)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped_mapping_names_its_schema_for_editors(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]

    assert first == "# yaml-language-server: $schema=../docs/schemas/mapping.schema.json"
