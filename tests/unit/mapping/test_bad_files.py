"""One file for each mistake under tests/config/mapping, and beside it what the loader says about it.

After a change of words: RENEW_GOLDEN=1 pytest tests/unit/mapping/test_bad_files.py; review the difference.
"""

import os
import re
from pathlib import Path

import pytest

from connector.errors import ConfigError
from connector.mapping.load import load_mapping

FOLDER = Path(__file__).parents[2] / "config" / "mapping"
FILES = sorted(FOLDER.glob("*.yaml"))


def test_there_is_a_file_for_each_mistake() -> None:
    assert len(FILES) >= 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_bad_file_is_refused_with_its_message(path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_mapping(path)

    said = "".join(f"{problem}\n" for problem in refused.value.problems)
    golden = path.with_suffix(".txt")
    if os.environ.get("RENEW_GOLDEN"):
        golden.write_text(said, encoding="utf-8")
    assert said == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_problem_names_file_line_and_column(path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        load_mapping(path)

    assert refused.value.problems
    for problem in refused.value.problems:
        assert re.match(rf"{re.escape(path.name)}:\d+:\d+(: \S+)?$", problem.place)


def test_problems_stand_in_the_order_of_the_file() -> None:
    path = FOLDER / "many-problems.yaml"

    with pytest.raises(ConfigError) as refused:
        load_mapping(path)

    places = [
        tuple(map(int, problem.place.removeprefix(f"{path.name}:").split(": ")[0].split(":")))
        for problem in refused.value.problems
    ]
    assert len(places) >= 5
    assert places == sorted(places)
