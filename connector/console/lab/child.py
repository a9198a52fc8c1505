"""The process that tries a mapping: a job comes in, a trial goes out.

It reads files beside the mapping and nothing else. What it may use of the machine is limited, and its parent
ends it in time.
"""

import resource
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from connector.console.lab.job import Change, Fault, Given, Job, Shown, Sum, Trial, Written
from connector.docflo.wire import read_document
from connector.document import Document, Row
from connector.errors import ConfigError, ConnectorError, Problem
from connector.mapping.difference import EXACT, Comparer, Verdict
from connector.mapping.explain import Explained, explain
from connector.mapping.load import load_mapping
from connector.mapping.mapped import unwanted
from connector.mapping.path import ABSENT
from connector.mapping.rules import Mapping
from connector.mapping.supposed import SupposedAnswers
from connector.record import RecordShape
from connector.yaml_source import read_yaml

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 30
MOST_CHANGES = 100
_FILE_KEYS = frozenset({"include", "file"})


def main() -> None:
    """Do one job."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(run(job), enc_hook=_plain))


def run(job: Job) -> Trial:
    """Load the mapping, then show one document, or compare all with the mapping as it is."""
    path = Path(job.path)
    try:
        _require_near(path, job.text)
        mapping = load_mapping(path, job.text.encode())
    except ConfigError as error:
        problems = error.problems or (Problem(place=path.name, message=error.message),)
        return Trial(faults=tuple(map(_fault, problems)))
    if job.compares:
        return _compare(mapping, path, job)
    return Trial(
        shown=_show(mapping, job.documents[0]) if job.documents else None,
        writes=tuple(map(_written, mapping.shapes())),
    )


def _written(shape: RecordShape) -> Written:
    ours = (shape.key_field, *((shape.parent_field,) if shape.parent_field else ()))
    return Written(object=shape.object, fields=(*ours, *shape.fields))


def _require_near(path: Path, text: str) -> None:
    """Refuse a text that names files elsewhere: what is wrong with those would be told here.

    Raises: ConfigError
    """
    source = read_yaml(path, text.encode())
    folder = path.parent.resolve()
    for name in _files(source.value):
        if not (folder / name).resolve().is_relative_to(folder):
            raise ConfigError(f"`{name}` is not in the folder of this mapping: here only those are read")


def _files(value: object, *, is_file: bool = False) -> Iterator[str]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _files(inner, is_file=key in _FILE_KEYS)
        case list():
            for inner in value:
                yield from _files(inner, is_file=is_file)
        case str() if is_file:
            yield value


def _fault(problem: Problem) -> Fault:
    file, _, rest = problem.place.partition(":")
    number, _, _ = rest.partition(":")
    return Fault(
        message=problem.message,
        place=f"{Path(file).name}:{rest}" if rest else Path(file).name,
        line=int(number) if number.isdecimal() else None,
    )


def _show(mapping: Mapping, given: Given) -> Shown:
    try:
        document = read_document(given.raw.encode())
    except ConnectorError as error:
        return Shown(problem=error.message)
    explained = explain(mapping, document, given.key, SupposedAnswers())
    return Shown(
        skipped=unwanted(mapping, document),
        fields=tuple(map(_field, explained)),
        unused=tuple(_unused(mapping, document)),
        unfilled=tuple(
            dict.fromkeys(
                each.target
                for each in explained
                if each.kind == "field" and not each.is_sent and not each.problem
            )
        ),
    )


def _field(each: Explained) -> dict[str, Any]:
    return {
        "line": each.place.split(":")[1] if each.place.count(":") > 1 else "",
        "target": each.target,
        "source": each.source,
        "rule": each.rule,
        "value": _words(each.value),
        "confidence": _words(each.confidence),
        "result": _words(each.result),
        "is_sent": each.is_sent,
        "problem": each.problem,
        "note": each.note,
        "kind": each.kind,
    }


def _unused(mapping: Mapping, document: Document) -> Iterator[str]:
    read = {text.casefold() for text, _ in mapping.source_paths()}
    whole = {text.partition(".")[0].removesuffix("[]") for text in read}
    for name, field in document.fields.items():
        folded = name.casefold()
        if folded not in whole:
            yield name
        elif isinstance(field.value, tuple) and any(text.startswith(f"{folded}[]") for text in read):
            names = {inner for row in field.value if isinstance(row, Row) for inner in row.fields}
            for inner in sorted(names):
                path = f"{folded}[].{inner.casefold()}"
                if not any(text == path or text.startswith((f"{path}.", f"{path}[")) for text in read):
                    yield f"{name}[].{inner}"


def _compare(mapping: Mapping, path: Path, job: Job) -> Trial:
    try:
        now = load_mapping(path)
    except ConfigError as error:
        return Trial(
            faults=(Fault(message=f"the file as it is does not load: {error.message}", place=path.name),)
        )
    if now.document != mapping.document:
        message = f"the file maps `{now.document}`, and this text `{mapping.document}`"
        return Trial(faults=(Fault(message=message, place=path.name),))
    comparer = Comparer(now, mapping)
    counts: Counter[str] = Counter()
    sums: dict[tuple[str, str | None], list[Any]] = {}
    changes: list[Change] = []
    for given in job.documents:
        try:
            document = read_document(given.raw.encode())
        except ConnectorError:
            counts["unreadable"] += 1
            continue
        found = comparer.compare(document, given.key, given.currency)
        counts[found.verdict.value] += 1
        for change in found.changes:
            total = sums.setdefault((change.target, change.currency), [0, None])
            total[0] += 1
            if change.difference is not None:
                total[1] = EXACT.add(total[1] or Decimal(0), change.difference)
        if found.verdict in {Verdict.CHANGED, Verdict.GAINED, Verdict.LOST} and len(changes) < MOST_CHANGES:
            changes.append(
                Change(
                    document=given.id,
                    delivery=given.delivery,
                    verdict=found.verdict.value,
                    fields=tuple((each.target, _value(each.old), _value(each.new)) for each in found.changes),
                    problems=found.problems,
                )
            )
    return Trial(
        counts=dict(counts),
        changes=tuple(changes),
        sums=tuple(
            Sum(
                field=field,
                values=count,
                currency=currency,
                difference=None if difference is None else f"{difference:+f}",
            )
            for (field, currency), (count, difference) in sums.items()
        ),
    )


def _value(value: object) -> str:
    if value is ABSENT:
        return "not sent"
    return "cleared" if value is None else _words(value) or '""'


def _words(value: object) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            return f"{value:f}"
        case _:
            return str(value)


def _plain(value: object) -> str:
    return str(value)


if __name__ == "__main__":
    main()
