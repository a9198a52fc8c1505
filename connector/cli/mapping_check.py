"""`mapping check` and `mapping test`: what is wrong with mapping files, before a document meets them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.text import Text

from connector.cli.checking import Report, attempt, check_shapes, note_examples, note_paths
from connector.config import Config
from connector.docflo.client import DocfloClient
from connector.errors import ConfigError, Problem
from connector.mapping.examples import run_examples
from connector.mapping.load import load_mapping
from connector.mapping.rules import Mapping
from connector.sight import docflo_by_hand
from connector.yaml_words import suggest

_VALUES = re.compile(r"expected (?P<expected>.*), got (?P<got>.*)", re.DOTALL)


def files_of(config: Config | None, files: Sequence[Path]) -> tuple[Path, ...]:
    """Give the files that are meant: those named, else those of every pipeline.

    Raises: ConfigError when there are none.
    """
    if files:
        return tuple(files)
    if config is None:
        raise ConfigError("no mapping is named, and there is no config.yaml", remedy="name one, or --config")
    return tuple(dict.fromkeys(section.mapping for section in config.pipelines.values()))


def check_files(files: Sequence[Path], report: Report) -> dict[Path, Mapping]:
    """Load every file and run its examples. Give those that load."""
    loaded: dict[Path, Mapping] = {}
    for path in files:
        try:
            loaded[path] = load_mapping(path)
        except ConfigError as error:
            report.failed(str(path), error)
            continue
        note_examples(str(path), loaded[path], report)
    return loaded


def check_against(config: Config, mappings: dict[Path, Mapping], target: str | None, report: Report) -> None:
    """Compare mappings with their document types in Docflo, and with the targets that they are sent to.

    Raises: ConfigError when `target` names none.
    """
    if target is not None and target not in config.targets:
        message = f"no target `{target}`; {suggest(target, config.targets)}"
        raise ConfigError(message)
    types = {mapping.document for mapping in mappings.values()}
    with docflo_by_hand(config) as docflo:
        for type_ in sorted(types):
            attempt(report, f"document type {type_}", partial(_check_type, docflo, type_, mappings, report))
    for name in config.targets:
        meant = [mapping for path, mapping in mappings.items() if name in _targets(config, path, target)]
        if meant:
            shapes = [shape for mapping in meant for shape in mapping.shapes()]
            attempt(report, f"target {name}", partial(check_shapes, name, config, shapes, report))


def _check_type(docflo: DocfloClient, type_: str, mappings: dict[Path, Mapping], report: Report) -> None:
    configuration = docflo.type_configuration(type_)
    for path, mapping in mappings.items():
        if mapping.document == type_:
            note_paths(str(path), mapping, configuration, report)


def _targets(config: Config, path: Path, named: str | None) -> set[str]:
    if named is not None:
        return {named}
    return {
        section.target for section in config.pipelines.values() if section.mapping.resolve() == path.resolve()
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """One difference between a record and its example."""

    place: str  # file:line:column
    field: str  # `lines[0]: Amount__c`; empty when there is no record
    message: str
    expected: str | None  # both as YAML writes them; None when it is no matter of two values
    got: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested:
    """One example, run."""

    file: str
    example: str
    place: str
    mismatches: tuple[Mismatch, ...]


def run_tests(path: Path) -> Iterator[Tested]:
    """Run the examples of a file one by one.

    Raises: ConfigError when the file does not load.
    """
    mapping = load_mapping(path)
    for example in mapping.examples:
        problems = run_examples(replace(mapping, examples=(example,)))
        yield Tested(
            file=str(path),
            example=example.name,
            place=example.place,
            mismatches=tuple(_mismatch(problem, example.name) for problem in problems),
        )


def _mismatch(problem: Problem, example: str) -> Mismatch:
    place, _, field = problem.place.partition(f": example `{example}`")
    values = _VALUES.fullmatch(problem.message)
    return Mismatch(
        place=place,
        field=field.removeprefix(": "),
        message=problem.message,
        expected=values["expected"] if values else None,
        got=values["got"] if values else None,
    )


def show_tests(screen: Console, tests: Sequence[Tested]) -> None:
    """Print each example, with what differs below it: the value that is expected, and the one that came."""
    for test in tests:
        fits = not test.mismatches
        mark = Text("✓ ", style="green") if fits else Text("✗ ", style="red")
        screen.print(Text.assemble(mark, (test.example, "" if fits else "bold"), (f"  {test.place}", "dim")))
        for mismatch in test.mismatches:
            _show(screen, mismatch)
    failed = sum(bool(test.mismatches) for test in tests)
    words = f"{len(tests)} example(s), {failed} failed." if failed else f"{len(tests)} example(s) pass."
    screen.print(f"\n{words}", style="red" if failed else "green")


def _show(screen: Console, mismatch: Mismatch) -> None:
    if mismatch.field:
        screen.print(Text.assemble(f"    {mismatch.field}", (f"  {mismatch.place}", "dim")))
    if mismatch.expected is None or mismatch.got is None:
        screen.print(Text(f"      {mismatch.message}", style="red"), soft_wrap=True)
        return
    screen.print(Text(f"      - expected  {mismatch.expected}", style="green"), soft_wrap=True)
    screen.print(Text(f"      + got       {mismatch.got}", style="red"), soft_wrap=True)
