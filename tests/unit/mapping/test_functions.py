"""The function library: what each function says of itself is what it does."""

import pytest

from connector.mapping.functions import FUNCTIONS, Function
from connector.mapping.words import UnfitError


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
def test_every_function_says_what_it_gives_and_has_an_example(function: Function) -> None:
    assert function.summary.endswith(".")
    assert function.name in function.example or function.group == "lists"
    assert " = " in function.example


def test_a_call_that_does_not_fit_says_how_it_is_called() -> None:
    with pytest.raises(ValueError, match=r"`left` is called as left\(text, count\)"):
        FUNCTIONS["left"].bind(("INV-7",), {})


def test_defaults_and_names_become_positions() -> None:
    assert FUNCTIONS["round"].bind((1,), {"mode": "up"}) == (1, 0, "up")


def test_an_argument_of_another_kind_is_named_by_its_shape() -> None:
    with pytest.raises(UnfitError, match="a whole number, 3 digits; `upper` takes text"):
        FUNCTIONS["upper"].call(417)
