"""What the mapping guide shows is what the connector does."""

import re
from pathlib import Path

from connector.mapping.examples import run_examples
from connector.mapping.load import load_mapping
from connector.mapping.path import DOCUMENT_PROPERTIES
from connector.mapping.value_types import CONVERSIONS

GUIDE = (Path(__file__).parents[3] / "docs" / "mapping-guide.md").read_text(encoding="utf-8")


def test_worked_example_loads_and_holds(tmp_path: Path) -> None:
    (example,) = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    path = tmp_path / "invoice.yaml"
    path.write_text(example, encoding="utf-8")

    assert run_examples(load_mapping(path)) == ()


def test_every_type_has_its_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)` \|", GUIDE, re.MULTILINE))

    assert set(CONVERSIONS) <= rows


def test_every_property_of_a_document_is_named() -> None:
    assert [name for name in DOCUMENT_PROPERTIES if f".{name}`" not in GUIDE] == []
