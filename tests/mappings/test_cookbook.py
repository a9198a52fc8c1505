"""Every file in the cookbook loads, and does what the page says."""

import re
from pathlib import Path

import pytest

from connector.mapping.examples import run_examples
from connector.mapping.load import load_mapping

PAGE = Path(__file__).parents[2] / "docs" / "mapping-cookbook.md"
RECIPES = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
BLOCK = re.compile(r"^```(?:yaml|csv)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# file: (\S+)\n")


def unpack(recipe: str, folder: Path) -> Path:
    """Write the files of a recipe, and give its mapping."""
    for block in BLOCK.findall(recipe):
        named = NAMED.match(block)
        path = folder / (named[1] if named else "mapping.yaml")
        assert not path.exists(), "a recipe has one mapping"
        path.write_text(block[named.end() :] if named else block, encoding="utf-8")
    return folder / "mapping.yaml"


def test_there_are_twenty_numbered_recipes() -> None:
    assert [recipe.partition(".")[0] for recipe in RECIPES] == [str(number) for number in range(1, 21)]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.partition("\n")[0])
def test_the_recipe_does_what_its_examples_say(recipe: str, tmp_path: Path) -> None:
    assert run_examples(load_mapping(unpack(recipe, tmp_path))) == ()
