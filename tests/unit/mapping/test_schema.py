"""The JSON Schema and the loader agree: on the shipped mappings, and on mistakes of shape."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connector.errors import ConfigError
from connector.mapping.examples import run_examples
from connector.mapping.load import load_mapping
from connector.mapping.schema import mapping_json_schema
from connector.shipped_files import shipped
from connector.yaml_source import read_yaml

BAD = Path(__file__).parents[2] / "config" / "mapping"
SHIPPED = sorted(shipped("mappings").glob("*.yaml"))
SHAPE = (
    "unknown-key-of-field",
    "unknown-key-of-record",
    "unknown-key-at-top",
    "missing-key-of-record",
    "no-examples",
    "empty-examples",
    "no-fields",
    "fields-is-a-list",
    "field-is-a-number",
    "field-is-empty",
    "field-is-a-list",
    "unknown-type",
    "type-is-a-list",
    "unknown-version",
    "version-is-text",
    "object-is-a-number",
    "optional-is-text",
    "default-is-a-list",
    "example-without-record",
    "example-expects-an-object",
    "lines-without-dash",
    "not-a-mapping",
    "path-is-empty",
    "unknown-conversion",
    "two-conversions-in-one-entry",
    "from-and-expr",
    "lookup-of-two-kinds",
    "unknown-rounding",
    "gate-of-two-kinds",
    "gate-with-a-percentage",
    "companion-without-key-from",
    "example-with-two-outcomes",
    "nested-line-without-fields",
)
WHOLE = """version: 1
document: invoice
lookups:
  units: {file: units.csv, key: ours, value: theirs}
  countries: {values: {DE: Germany}}
  vendors: {object: Account, key: Tax_Id__c, value: Id, many: first}
record:
  object: Invoice__c
  key: Docflo_Id__c
  when: default(Kind, "") == "IT"
  fields:
    A: {from: [InvoiceId, Number], with: [trim, {left: 10}, {replace: {old: /, new: "-"}}], blank: missing}
    B: {expr: InvoiceTotal.amount * 2, type: decimal, places: 2, rounding: half_up, default: 0}
    C: {value: fixed, when: present(VendorName)}
    D: {from: Unit, lookup: units, missing: keep}
  lines:
    - object: Line
      each: Items
      key: Key
      when: Amount.amount > 0
      fields: {E: {from: "Parts[].Name", with: {join: [", "]}, optional: true}}
      lines: [{object: Part, each: Parts, key: Key, optional: true, fields: {F: parent.Description}}]
companions:
  - {object: Vendor__c, key: Tax_Id__c, key_from: {from: VendorTaxId, with: digits}, fields: {G: VendorName}}
gates:
  - {expr: InvoiceTotal.amount > 0, message: nothing to pay, when: present(InvoiceTotal)}
  - {confidence: {InvoiceTotal: 0.9}, unless_edited: true, unknown: pass}
  - {sum: "Items[].Amount.amount", equals: SubTotal.amount, currency: InvoiceTotal.currencyCode, within: 2}
  - {required: [InvoiceId, VendorName]}
examples:
  - {name: skipped, document: {}, skipped: true}
  - {name: refused, document: {Kind: IT}, refused: missing, lookups: {vendors: {"81": "001"}}}
"""


def errors_in(value: Any) -> list[Any]:
    return list(Draft202012Validator(mapping_json_schema()).iter_errors(value))


def test_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(mapping_json_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_mapping_fits_the_schema(path: Path) -> None:
    assert errors_in(read_yaml(path).value) == []


def test_a_mapping_that_says_everything_fits_schema_and_loader(tmp_path: Path) -> None:
    (tmp_path / "units.csv").write_text("ours,theirs\nStk,PCE\n", encoding="utf-8")
    path = tmp_path / "mapping.yaml"
    path.write_text(WHOLE, encoding="utf-8")

    assert errors_in(read_yaml(path).value) == []
    assert run_examples(load_mapping(path)) == ()


@pytest.mark.parametrize("name", SHAPE)
def test_mistake_of_shape_fails_schema_and_loader(name: str) -> None:
    path = BAD / f"{name}.yaml"

    assert errors_in(read_yaml(path).value)
    with pytest.raises(ConfigError):
        load_mapping(path)


def test_every_key_is_described() -> None:
    definitions = mapping_json_schema()["$defs"]
    field = definitions["FieldFile"]["anyOf"][1]

    assert {name for name, key in field["properties"].items() if not key.get("description")} == set()
    assert {
        name for name, key in definitions["LineFile"]["properties"].items() if not key.get("description")
    } == set()
