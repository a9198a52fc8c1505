from pathlib import Path

import pytest

from connector.mapping.file import FieldFile
from connector.mapping.functions import FUNCTIONS, Function
from connector.mapping.reference import compute, write_reference
from connector.mapping.special import NAMES
from connector.mapping.value_types import CONVERSIONS


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_the_example_of_a_function_is_true(function: Function) -> None:
    call, _, promised = function.example.rpartition(" = ")

    assert compute(call) == compute(promised)


@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_what_asks_about_values_is_true(name: str) -> None:
    call, _, promised = NAMES[name].example.rpartition(" = ")

    assert compute(call) == compute(promised)


def test_the_page_names_every_key_type_and_function() -> None:
    page = write_reference()

    keys = [field.alias or name for name, field in FieldFile.model_fields.items()]
    for name in (*keys, *CONVERSIONS):
        assert f"| `{name}` |" in page
    for signature in (
        *(function.signature for function in FUNCTIONS.values()),
        *(special.signature for special in NAMES.values()),
    ):
        assert f"`{signature}`" in page


def test_the_page_in_the_repository_is_current() -> None:
    page = Path(__file__).parents[3] / "docs" / "mapping-reference.md"

    assert page.read_text(encoding="utf-8") == write_reference()
