"""The JSON Schema and the loader agree: on the shipped mappings, and on mistakes of shape."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from connector.errors import ConfigError
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
)


def errors_in(value: Any) -> list[Any]:
    return list(Draft202012Validator(mapping_json_schema()).iter_errors(value))


def test_schema_is_a_valid_schema() -> None:
    Draft202012Validator.check_schema(mapping_json_schema())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_mapping_fits_the_schema(path: Path) -> None:
    assert errors_in(read_yaml(path).value) == []


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
