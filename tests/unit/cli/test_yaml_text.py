from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.cli.yaml_text import write_block, write_key, write_list, write_scalar
from connector.yaml_source import read_yaml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12)
    | TEXTS
)
OBJECTS = st.recursive(
    st.dictionaries(TEXTS.filter(lambda key: key != "<<"), SCALARS, max_size=4),
    lambda inner: st.dictionaries(
        TEXTS.filter(lambda key: key != "<<"),
        inner | SCALARS | st.lists(inner, max_size=3).map(tuple) | st.lists(SCALARS, max_size=3).map(tuple),
        max_size=4,
    ),
    max_leaves=12,
)


def read(text: str) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.yaml"
        path.write_text(text, encoding="utf-8", newline="")
        return read_yaml(path).value


def listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: listed(inner) for key, inner in value.items()}
    return [listed(inner) for inner in value] if isinstance(value, tuple) else value


@settings(max_examples=150, deadline=None)
@given(OBJECTS)
def test_whatever_is_written_reads_back_as_it_was(value: dict[str, Any]) -> None:
    text = "value: {}\n" if not value else "value:\n" + "\n".join(write_block(value, 2)) + "\n"

    assert read(text)["value"] == listed(value)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("INV-7", "INV-7"),
        ("007", '"007"'),
        ("1e5", '"1e5"'),
        ("no", '"no"'),
        ("2026-01-31", "2026-01-31"),
        ("a: b", '"a: b"'),
        ("Café Zürich AG", "Café Zürich AG"),
        (Decimal("12.50"), "12.50"),
        (Decimal("1E+2"), "100"),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, 9, tzinfo=UTC), '"2026-01-31T09:00:00Z"'),
        (True, "true"),
        (None, "null"),
    ],
)
def test_scalars_are_quoted_only_where_they_could_be_misread(value: Any, written: str) -> None:
    assert write_scalar(value) == written


def test_keys_and_lists() -> None:
    assert (write_key("Vendor__r.Tax_Id__c"), write_key("Net weight")) == (
        "Vendor__r.Tax_Id__c",
        '"Net weight"',
    )
    assert list(write_list([{"a": 1, "b": None}], 2)) == ["  - a: 1", "    b: null"]
