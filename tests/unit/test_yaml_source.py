"""Reading YAML with places, and saying what a model finds wrong with it."""

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from connector.errors import ConfigError
from connector.yaml_source import MAX_BYTES, YamlSource, read_yaml, validate


def read(folder: Path, text: str | bytes) -> YamlSource:
    path = folder / "file.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_yaml(path)


def problems_of(folder: Path, text: str | bytes) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        read(folder, text)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("0", 0),
        ("12.50", Decimal("12.50")),
        ("0.1", Decimal("0.1")),
        ("no", "no"),
        ("NO", "NO"),
        ("on", "on"),
        ("yes", "yes"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1e5", "1e5"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        ("2026-01-31T09:30:00Z", "2026-01-31T09:30:00Z"),
        (".inf", ".inf"),
        ("'12'", "12"),
        ('"true"', "true"),
        ("!!str 12", "12"),
        ("שלום 😀", "שלום 😀"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalar_is_read_without_guessing(tmp_path: Path, written: str, value: Any) -> None:
    read_value = read(tmp_path, f"key: {written}\n").value["key"]

    assert (type(read_value), read_value) == (type(value), value)


def test_decimal_keeps_its_zeros(tmp_path: Path) -> None:
    assert str(read(tmp_path, "amount: 12.50").value["amount"]) == "12.50"


def test_keys_are_text_as_written(tmp_path: Path) -> None:
    assert read(tmp_path, "1: a\nno: b\nnull: c\n").value == {"1": "a", "no": "b", "null": "c"}


def test_place_is_where_the_key_or_the_entry_stands(tmp_path: Path) -> None:
    source = read(tmp_path, "a:\n  b: 1\n  c:\n    - x\n    - d: 2\n")

    places = [source.place(path) for path in (("a",), ("a", "b"), ("a", "c", 1), ("a", "c", 1, "d"))]

    assert places == [f"{source.path.name}:{at}" for at in ("1:1", "2:3", "5:7", "5:7")]


def test_place_of_a_missing_key_is_that_of_its_parent(tmp_path: Path) -> None:
    source = read(tmp_path, "a: {b: 1}\n")

    assert source.place(("a", "missing", "deeper")) == f"{source.path.name}:1:1"
    assert source.place(("other",)) == f"{source.path.name}:1:1"


def test_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbfa: 1").value == {"a": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "file.yaml:1:1: the file is empty"),
        ("a: 1\nb: 2\na: 3\n", "file.yaml:3:1: key `a` is written twice; first at 1:1"),
        ("a: &x 1", "file.yaml:1:4: anchors"),
        ("a: *x", "file.yaml:1:4: anchors"),
        ("a:\n  <<: {b: 1}", "file.yaml:2:3: merge keys"),
        ("a: !!python/object/apply:os.system [x]", "file.yaml:1:4: tags"),
        ("a: !!int x", "file.yaml:1:4: tags"),
        ("? [a]\n: b", "file.yaml:1:3: a key must be plain text"),
        ("a:\n\tb: 1", "file.yaml:2:1: a tab"),
        ("a: b: c", "file.yaml:1:5: a colon"),
        ("a: 1\n---\nb: 2", "file.yaml:2:1: a second YAML document"),
        ("a: 'x", "file.yaml:1:6: found unexpected end of stream"),
        ("a: \x07", "file.yaml:1:4: the character U+0007"),
        ('a: "\\U00110000"', "file.yaml:1:7: a number or an escape"),
        ('a: "\\ud800"', "file.yaml:1:4: half of a surrogate pair"),
        ("%YAML " + "9" * 5000 + ".1\n---\na", "file.yaml:1:7: a number or an escape"),
        (b"a: 1\nb: \xff\n", "file.yaml:2:4: not UTF-8 text"),
        ("a: 1\n".encode("utf-16"), "file.yaml:1:1: not UTF-8 text"),
        ("[" * 5000, "file.yaml:1:51: nested deeper than 50 levels"),
        ("- " * 5000, "file.yaml:1:101: nested deeper than 50 levels"),
        ("- {}\n" * 60_000, "file.yaml:50000:3: more than 50,000 values"),
        ("#" * (MAX_BYTES + 1), "file.yaml:1:1: the file is larger than 1,048,576 bytes"),
    ],
    ids=range(22),
)
def test_unwanted_yaml_is_refused_with_its_place(tmp_path: Path, text: str | bytes, problem: str) -> None:
    (said,) = problems_of(tmp_path, text)

    assert said.startswith(problem)


def test_all_duplicate_keys_are_named_at_once(tmp_path: Path) -> None:
    assert len(problems_of(tmp_path, "a: 1\na: 2\nb: {c: 1, c: 2}\n")) == 2


def test_alias_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))

    assert problems_of(tmp_path, bomb)[0].startswith("file.yaml:1:5: anchors")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read_yaml(tmp_path / "absent.yaml")

    (problem,) = refused.value.problems
    assert problem.place == "absent.yaml"
    assert "No such file" in problem.message


@given(st.one_of(st.binary(max_size=60), st.text("ab:-?[]{},&*!|>'\"%@`#\n \t\\xuU01.~<=", max_size=40)))
def test_any_bytes_give_a_value_or_a_config_error(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes | str
) -> None:
    outcome: YamlSource | ConfigError
    try:
        outcome = read(tmp_path_factory.getbasetemp(), raw)
    except ConfigError as error:
        outcome = error

    assert outcome.marks if isinstance(outcome, YamlSource) else outcome.problems


class Crm(BaseModel):
    model_config = ConfigDict(extra="forbid")
    adapter: Literal["crm"]
    domain: str
    timeout: float = 1


class Erp(BaseModel):
    model_config = ConfigDict(extra="forbid")
    adapter: Literal["erp"]
    profile: str


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    targets: dict[str, Annotated[Crm | Erp, Field(discriminator="adapter")]] = {}
    names: tuple[str, ...] = ()
    workers: int = Field(default=1, ge=1)
    level: Literal["debug", "info"] = "info"
    password: str = ""


def validated(folder: Path, text: str) -> list[str]:
    source = read(folder, text)
    with pytest.raises(ConfigError) as refused:
        validate(Settings, source)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("wrokers: 2", "file.yaml:1:1: wrokers: unknown key `wrokers`; did you mean `workers`?"),
        (
            "zzz: 2",
            "file.yaml:1:1: zzz: unknown key `zzz`; known: level, names, password, targets, workers",
        ),
        ("workers: many", "file.yaml:1:1: workers: expected a whole number, got text"),
        ("workers: 0", "file.yaml:1:1: workers: should be greater than or equal to 1"),
        ("level: inof", "file.yaml:1:1: level: not a known value; did you mean `info`?"),
        ("level: 5", "file.yaml:1:1: level: expected one of debug, info; got a whole number"),
        ("names: crm", "file.yaml:1:1: names: expected a list, got text"),
        ("names: [a, 5]", "file.yaml:1:12: names[1]: expected text, got a whole number; put it in quotes"),
        (
            "targets:\n  erp:\n    adapter: erpp\n",
            "file.yaml:3:5: targets.erp.adapter: unknown adapter `erpp`; did you mean `erp`?",
        ),
        ("targets:\n  erp: {profile: x}\n", "file.yaml:2:3: targets.erp.adapter: key `adapter` is missing"),
        (
            "targets:\n  a:\n    adapter: erp\n    profil: x\n",
            "file.yaml:4:5: targets.a.profil: unknown key `profil`; did you mean `profile`?",
        ),
        (
            "targets:\n  a:\n    adapter: crm\n    domain: x\n    zzz: 1\n",
            "file.yaml:5:5: targets.a.zzz: unknown key `zzz`; known: adapter, domain, timeout",
        ),
        ("targets:\n  a:\n    adapter: crm\n", "file.yaml:2:3: targets.a.domain: key `domain` is missing"),
        ("- a", "file.yaml:1:1: expected keys and values, got a list"),
    ],
)
def test_model_error_is_said_in_the_words_of_the_file(tmp_path: Path, text: str, problem: str) -> None:
    assert validated(tmp_path, text) == [problem]


def test_all_problems_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    said = validated(tmp_path, "zzz: 1\nworkers: x\nlevel: y\nnames: z\n")

    assert [line.split(": ")[0] for line in said] == [f"file.yaml:{number}:1" for number in (1, 2, 3, 4)]


def test_known_problems_are_told_with_those_of_the_model(tmp_path: Path) -> None:
    source = read(tmp_path, "password: x\nworkers: y\n")

    with pytest.raises(ConfigError) as refused:
        validate(Settings, source, also=[(("password",), "too short")])

    assert [problem.message for problem in refused.value.problems] == [
        "too short",
        "expected a whole number, got text",
    ]


def test_error_shows_no_input_value(tmp_path: Path) -> None:
    source = read(tmp_path, "password: 4711\n")

    with pytest.raises(ConfigError) as refused:
        validate(Settings, source)

    error = refused.value
    assert "4711" not in f"{error} {error.problems} {error.__cause__!r} {error.__context__!r}"


def test_unknown_choice_is_not_repeated(tmp_path: Path) -> None:
    assert "hunter2" not in "".join(validated(tmp_path, "level: hunter2\n"))


def test_relative_path_is_shown_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mappings").mkdir()
    read(tmp_path / "mappings", "a: 1\n")
    monkeypatch.chdir(tmp_path)

    source = read_yaml(Path("mappings/file.yaml"))

    assert source.place(("a",)) == "mappings/file.yaml:1:1"


def test_absolute_path_is_shown_without_its_folders(tmp_path: Path) -> None:
    assert read(tmp_path, "a: 1\n").place(("a",)) == "file.yaml:1:1"


def test_valid_file_gives_the_model(tmp_path: Path) -> None:
    source = read(tmp_path, "targets:\n  a: {adapter: crm, domain: acme, timeout: 0.5}\nnames: [x]\n")

    settings = validate(Settings, source)

    assert settings.names == ("x",)
    assert settings.targets["a"] == Crm(adapter="crm", domain="acme", timeout=0.5)
