"""What `check` looks at. Reads only; each finding says what is right, or what is wrong and what to do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from rich.markup import escape

from connector.adapters.base import Finding, PinsDescriptions, Severity, ShowsOriginals
from connector.adapters.registry import create_adapter
from connector.cli.exits import Exit, exit_code
from connector.cli.output import console, print_json
from connector.cli.probing import probe_listing
from connector.cli.type_paths import check_paths
from connector.clock import utc_now
from connector.config import Config
from connector.docflo.answers import TypeConfiguration
from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.errors import ConfigError, ConnectorError
from connector.ledger.store import Store
from connector.mapping.examples import run_examples
from connector.mapping.rules import Mapping
from connector.pipeline.settings import PipelineSection
from connector.record import RecordShape
from connector.sight import docflo_by_hand, open_ledger_database
from connector.wiring import load_mappings, refuse_unattended_doubts, refuse_unshown_originals


@dataclass(kw_only=True)
class Report:
    """All findings, and the errors behind those that failed (they decide the exit code)."""

    findings: list[Finding] = field(default_factory=list)
    errors: list[ConnectorError] = field(default_factory=list)

    def add(self, severity: Severity, subject: str, message: str, remedy: str = "") -> None:
        """Note one finding."""
        self.findings.append(Finding(severity=severity, subject=subject, message=message, remedy=remedy))

    def failed(self, subject: str, error: ConnectorError) -> None:
        """Note an error as a finding."""
        self.errors.append(error)
        problems = error.problems if isinstance(error, ConfigError) else ()
        self.add(Severity.ERROR, subject, error.message, error.remedy)
        for problem in problems:
            self.add(Severity.ERROR, subject, str(problem))


def check_offline(config: Config, report: Report) -> dict[str, Mapping]:
    """Check what needs no network: mappings and their examples. Give the mappings that load."""
    loaded: dict[str, Mapping] = {}
    for name, section in config.pipelines.items():
        try:
            loaded |= load_mappings({name: section})
        except ConfigError as error:
            report.failed(f"mapping of {name}", error)
            continue
        note_examples(f"mapping of {name}", loaded[name], report)
    return loaded


def note_examples(subject: str, mapping: Mapping, report: Report) -> None:
    """Run the examples of a mapping, and note what they show."""
    problems = run_examples(mapping)
    for problem in problems:
        report.add(Severity.ERROR, subject, str(problem), "correct the mapping or its example")
    if problems:
        report.errors.append(ConfigError("examples fail"))
    else:
        count = len(mapping.examples)
        report.add(Severity.OK, subject, f"{mapping.path.name}: {count} example(s) pass")


def check_pins(config: Config, mappings: dict[str, Mapping], report: Report) -> None:
    """Compare the mappings with what targets said of their objects when that was pinned."""
    for name, target in config.targets.items():
        if getattr(target, "schemas", None) is not None:
            attempt(report, f"target {name}", partial(_check_pinned, name, config, mappings, report))


def check_online(config: Config, mappings: dict[str, Mapping], report: Report, *, pin: bool = False) -> None:
    """Check the database, Docflo and every target. One that fails does not hide the others."""
    if pin:
        for name in config.targets:
            attempt(report, f"target {name}", partial(_pin, name, config, mappings, report))
    attempt(report, "database", lambda: _check_database(config, report))
    with docflo_by_hand(config) as docflo:
        if attempt(report, "docflo", lambda: _check_docflo(config, mappings, docflo, report)):
            _check_rate(docflo, report)
    for name in config.targets:
        attempt(report, f"target {name}", partial(_check_target, name, config, mappings, report))


def attempt(report: Report, subject: str, step: Callable[[], None]) -> bool:
    """Take a step, and note its error instead of raising it. False when there was one."""
    try:
        step()
    except ConnectorError as error:
        report.failed(subject, error)
        return False
    return True


def _check_database(config: Config, report: Report) -> None:
    database = open_ledger_database(config)
    try:
        database.require_current_schema()
        report.add(Severity.OK, "database", "reachable, schema up to date")
        for note in Store(database, clock=utc_now).unreadable():
            report.add(
                Severity.WARNING,
                f"listing of {note.pipeline}",
                f"{note.unreadable.mark} is listed and cannot be read: {note.unreadable.reason}",
                "look at it in Docflo; each listing tries it again, and the rest is not held up",
            )
    finally:
        database.close()


def _check_docflo(config: Config, mappings: dict[str, Mapping], docflo: DocfloClient, report: Report) -> None:
    enabled = {enabled_type.name for enabled_type in docflo.enabled_types()}
    report.add(Severity.OK, "docflo credentials", f"accepted by {config.docflo.base_url}")
    for name, section in config.pipelines.items():
        for type_ in section.documents.types:
            if type_ not in enabled:
                report.add(
                    Severity.ERROR,
                    f"documents of {name}",
                    f"`{type_}` is not an enabled document type; enabled: {', '.join(sorted(enabled))}",
                    "enable it in Docflo, or correct documents.types",
                )
                report.errors.append(ConfigError("document type not enabled"))
                continue
            report.add(Severity.OK, f"documents of {name}", f"`{type_}` is enabled")
            _check_type(name, section, docflo.type_configuration(type_), mappings.get(name), report)
        _check_listing(name, section, docflo, report)
    _check_habits(next(iter(config.pipelines.values())), docflo, report)


def _check_type(
    name: str, section: PipelineSection, type_: TypeConfiguration, mapping: Mapping | None, report: Report
) -> None:
    known = {field_.name for field_ in type_.fields}
    written = [field_ for _, step in section.write_back if step for field_ in step.fields]
    missing = sorted(set(written) - known)
    if missing:
        report.add(
            Severity.ERROR,
            f"write-back of {name}",
            f"`{type_.name}` has no field {', '.join(missing)}",
            "add it to the document type in Docflo, or: "
            f"docflo-connector api model-field {type_.name} {missing[0]} --type string",
        )
        report.errors.append(ConfigError("write-back field missing"))
    elif written:
        report.add(Severity.OK, f"write-back of {name}", f"`{type_.name}` has {', '.join(written)}")
    if mapping is None or mapping.document != type_.name:
        return
    note_paths(f"mapping of {name}", mapping, type_, report)


def note_paths(subject: str, mapping: Mapping, type_: TypeConfiguration, report: Report) -> None:
    """Compare the paths of a mapping with the document type, and note those that are not there."""
    for found in check_paths(mapping, type_.fields, type_.name):
        remedy = (
            "spell it as Docflo does"
            if found.is_spelling
            else "correct the path, or leave it if a later model will have it"
        )
        report.add(Severity.WARNING, subject, f"{found.place}: {found.message}", remedy)


def _check_listing(name: str, section: PipelineSection, docflo: DocfloClient, report: Report) -> None:
    query = DocumentQuery(
        type=section.documents.types[0],
        status=section.documents.statuses[0],
        include_results=True,
        top=1,
        created_from=None,
    )
    page = docflo.list_documents(query)
    for _, row in page.unreadable:
        report.add(Severity.WARNING, f"listing of {name}", f"a listed row cannot be read: {row.reason}")
    if not page.documents:
        report.add(Severity.OK, f"listing of {name}", "readable; no document is waiting")
        return
    document = page.documents[0]
    shape = ", ".join(f"{key}: {value.type or 'untyped'}" for key, value in sorted(document.fields.items()))
    report.add(Severity.OK, f"listing of {name}", f"readable; first document has {shape or 'no fields'}")


def _check_habits(section: PipelineSection, docflo: DocfloClient, report: Report) -> None:
    probed = probe_listing(docflo, section.documents.types[0])
    for oddity in probed.oddities:
        report.add(Severity.WARNING, "docflo listing", oddity, "nothing is lost by it; it costs requests")
    if not probed.oddities:
        seen = "" if probed.documents > 1 else "; too few documents to tell much"
        report.add(Severity.OK, "docflo listing", f"skip, top, sortBy and filters are honoured{seen}")


def _check_rate(docflo: DocfloClient, report: Report) -> None:
    limit = docflo.rate_limit
    if limit is None or limit.remaining is None:
        report.add(Severity.WARNING, "docflo rate limit", "the answers carry no X-RateLimit headers")
        return
    reset = f", reset at {limit.reset_at:%H:%M} UTC" if limit.reset_at else ""
    report.add(Severity.OK, "docflo rate limit", f"{limit.remaining} of {limit.limit} requests left{reset}")


def _check_target(name: str, config: Config, mappings: dict[str, Mapping], report: Report) -> None:
    check_shapes(name, config, _shapes_into(name, config, mappings), report)


def _shapes_into(name: str, config: Config, mappings: dict[str, Mapping]) -> list[RecordShape]:
    used = [
        mappings[pipeline]
        for pipeline, section in config.pipelines.items()
        if section.target == name and pipeline in mappings
    ]
    return [shape for mapping in used for shape in mapping.shapes()]


def _pin(name: str, config: Config, mappings: dict[str, Mapping], report: Report) -> None:
    adapter = create_adapter(config.targets[name], clock=utc_now)
    try:
        if isinstance(adapter, PinsDescriptions):
            kept = adapter.pin(_shapes_into(name, config, mappings))
            report.add(Severity.OK, f"target {name}", f"pinned: {', '.join(kept) or 'nothing'}")
    finally:
        adapter.close()


def _check_pinned(name: str, config: Config, mappings: dict[str, Mapping], report: Report) -> None:
    adapter = create_adapter(config.targets[name], clock=utc_now)
    try:
        if isinstance(adapter, PinsDescriptions):
            _note(name, adapter.check_pinned(_shapes_into(name, config, mappings)), report)
    finally:
        adapter.close()


def check_shapes(name: str, config: Config, shapes: Sequence[RecordShape], report: Report) -> None:
    """Let a target compare itself with what mappings write, and note what it finds."""
    sections = {pipeline: section for pipeline, section in config.pipelines.items() if section.target == name}
    adapter = create_adapter(config.targets[name], clock=utc_now)
    try:
        attempt(report, f"target {name}", lambda: refuse_unattended_doubts(sections, {name: adapter}))
        attempt(report, f"target {name}", lambda: refuse_unshown_originals(sections, {name: adapter}))
        findings: Sequence[Finding] = adapter.check(shapes)
        if isinstance(adapter, ShowsOriginals) and any(each.original.is_wanted for each in sections.values()):
            attempt(
                report, f"target {name}: originals", lambda: _note(name, adapter.check_originals(), report)
            )
    finally:
        adapter.close()
    _note(name, findings, report)


def _note(name: str, findings: Sequence[Finding], report: Report) -> None:
    for finding in findings:
        report.add(finding.severity, f"target {name}: {finding.subject}", finding.message, finding.remedy)
        if finding.severity is Severity.ERROR:
            report.errors.append(ConfigError(finding.message))


def show_report(report: Report, *, as_json: bool) -> int:
    """Print all findings, and give the exit code: that of the gravest kind of error."""
    if as_json:
        print_json(report.findings)
    else:
        screen = console()
        for mark, line in _lines(report):
            screen.print(f"{mark}{escape(line)}", soft_wrap=True)
        wrong = len(report.errors)
        screen.print(f"\n{wrong} problem(s)." if wrong else "\nEverything is fine.")
    codes = sorted({exit_code(error) for error in report.errors})
    return codes[0] if codes else Exit.FINE


def _lines(report: Report) -> Iterator[tuple[str, str]]:
    marks = {
        Severity.OK: "[green]✓[/green] ",
        Severity.WARNING: "[yellow]![/yellow] ",
        Severity.ERROR: "[red]✗[/red] ",
    }
    for finding in report.findings:
        yield marks[finding.severity], f"{finding.subject}: {finding.message}"
        if finding.remedy and finding.severity is not Severity.OK:
            yield "    ", f"remedy: {finding.remedy}"
