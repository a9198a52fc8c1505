"""Record ids: 18 characters whose last three repeat the case of the first fifteen."""

import pytest

from connector.sandbox.salesforce.ids import full_id, make_id


def test_the_suffix_is_the_one_salesforce_documents_for_its_example() -> None:
    assert full_id("001D000000IqhSL") == "001D000000IqhSLIAZ"


def test_each_number_gives_another_id() -> None:
    made = {make_id("a01", number) for number in range(5000)}
    assert len(made) == 5000
    assert {len(record_id) for record_id in made} == {18}


def test_later_ids_sort_after_earlier_ones() -> None:
    made = [make_id("a01", number) for number in range(1, 5000)]
    assert made == sorted(made)


@pytest.mark.parametrize("changed", [str.lower, str.upper, str.swapcase])
def test_an_18_character_id_survives_a_change_of_case(changed: type) -> None:
    record_id = "001D000000IqhSLIAZ"
    assert full_id(changed(record_id)) == record_id


@pytest.mark.parametrize(
    "text",
    ["", "abc", "001D000000IqhSLIA", "001D000000IqhS1IAZ", "001D000000IqhSLIAZA"],
)
def test_what_is_no_id_is_recognised(text: str) -> None:
    assert full_id(text) is None
