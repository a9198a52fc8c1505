"""Files that are too large, nested or crooked: a clear error in good time, never a hang or a crash."""

import time
from pathlib import Path

import pytest

from connector.errors import ConfigError
from connector.mapping.load import load_mapping

HEAD = "version: 1\ndocument: invoice\nrecord:\n  object: O\n  key: K\n  fields:\n"
TAIL = "examples:\n  - {name: n, document: {}, record: {}}\n"


def refuse(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    begin = time.thread_time()
    with pytest.raises(ConfigError) as refused:
        load_mapping(path)
    assert time.thread_time() - begin < 20
    return str(refused.value.problems[0])


def test_ten_megabytes_are_refused_unread(tmp_path: Path) -> None:
    text = HEAD + "    X: A\n" * 1_100_000

    assert "larger than 1,048,576 bytes" in refuse(tmp_path / "m.yaml", text)


def test_aliases_that_multiply_are_refused(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\n" + "".join(
        f"{name}: &{name} [*{before}, *{before}]\n"
        for before, name in zip("abcdefgh", "bcdefghi", strict=True)
    )

    assert "anchors (&name) and aliases (*name) are not supported" in refuse(tmp_path / "m.yaml", bomb)


@pytest.mark.parametrize("text", [" " + "[" * 5000, " " + "{" * 5000, "\n" + "- " * 5000])
def test_five_thousand_brackets_are_refused(tmp_path: Path, text: str) -> None:
    assert "nested deeper than" in refuse(tmp_path / "m.yaml", f"version:{text}\n")


@pytest.mark.parametrize("bracket", ["(", "[", "-", "not ", "upper(", "A if (", "a."])
def test_five_thousand_brackets_in_an_expression_are_refused(tmp_path: Path, bracket: str) -> None:
    text = f"{HEAD}    X: {{expr: '{bracket * 5000}'}}\n{TAIL}"

    assert "an expression has at most 2,000" in refuse(tmp_path / "m.yaml", text)


@pytest.mark.parametrize("bracket", ["(", "[", "-", "not ", "upper(", "A if (", "a."])
def test_as_many_as_an_expression_holds_are_refused_too(tmp_path: Path, bracket: str) -> None:
    count = 1990 // len(bracket)
    text = f"{HEAD}    X: {{expr: '{bracket * count}1'}}\n{TAIL}"

    assert "record.fields.X.expr" in refuse(tmp_path / "m.yaml", text)


def test_a_path_as_long_as_a_file_is_refused(tmp_path: Path) -> None:
    text = f"{HEAD}    X: {'a.' * 100_000}\n{TAIL}"

    assert "a path has at most 500 characters" in refuse(tmp_path / "m.yaml", text)


def test_a_chain_of_includes_that_is_too_long_is_refused(tmp_path: Path) -> None:
    for at in range(60):
        (tmp_path / f"f{at}.yaml").write_text(
            f"version: 1\ninclude: [f{at + 1}.yaml]\nfields: {{X{at}: A}}\n"
        )
    (tmp_path / "f60.yaml").write_text("version: 1\nfields: {Y: A}\n")
    text = HEAD.replace("  fields:\n", "  include: [f0.yaml]\n") + TAIL

    assert "more than 50 included files" in refuse(tmp_path / "m.yaml", text)


def test_a_table_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n" + b"x,1\n" * 1_500_000)
    text = f"lookups: {{t: {{file: t.csv, key: a, value: b}}}}\n{HEAD}    X: {{from: A, lookup: t}}\n{TAIL}"

    assert "larger than 5,242,880 bytes" in refuse(tmp_path / "m.yaml", text)
