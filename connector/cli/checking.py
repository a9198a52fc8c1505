"""What `check` looks at. Reads only; each finding says what is right, or what is wrong and what to do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

from connector.adapters.base import Finding, Severity
from connector.adapters.registry import create_adapter
from connector.cli.probing import probe_listing
from connector.clock import utc_now
from connector.config import Config, PipelineSection
from connector.docflo.answers import TypeConfiguration
from connector.docflo.client import DocfloClient
from connector.docflo.outgoing import DocumentQuery
from connector.errors import ConfigError, ConnectorError
from connector.ledger.database import open_database
from connector.mapping.examples import run_examples
from connector.mapping.rules import Mapping
from connector.wiring import docflo_by_hand, load_mappings, refuse_unattended_doubts


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
        problems = run_examples(loaded[name])
        for problem in problems:
            report.add(
                Severity.ERROR, f"mapping of {name}", str(problem), "correct the mapping or its example"
            )
        if problems:
            report.errors.append(ConfigError("examples fail"))
        else:
            count = len(loaded[name].examples)
            report.add(Severity.OK, f"mapping of {name}", f"{section.mapping.name}: {count} example(s) pass")
    return loaded


def check_online(config: Config, mappings: dict[str, Mapping], report: Report) -> None:
    """Check the database, Docflo and every target. One that fails does not hide the others."""
    _attempt(report, "database", lambda: _check_database(config, report))
    with docflo_by_hand(config) as docflo:
        if _attempt(report, "docflo", lambda: _check_docflo(config, mappings, docflo, report)):
            _check_rate(docflo, report)
    for name in config.targets:
        _attempt(report, f"target {name}", partial(_check_target, name, config, mappings, report))


def _attempt(report: Report, subject: str, step: Callable[[], None]) -> bool:
    try:
        step()
    except ConnectorError as error:
        report.failed(subject, error)
        return False
    return True


def _check_database(config: Config, report: Report) -> None:
    database = open_database(config.database)
    try:
        database.require_current_schema()
        report.add(Severity.OK, "database", "reachable, schema up to date")
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
    for path, place in mapping.source_paths():
        if not _has_field(path, known):
            report.add(
                Severity.WARNING,
                f"mapping of {name}",
                f"{place}: `{type_.name}` has no field `{path}` in Docflo",
                "correct the path, or leave it if a later model will have it",
            )


def _has_field(path: str, known: set[str]) -> bool:
    head = path.split(".", maxsplit=1)[0].split("[", maxsplit=1)[0].strip('"')
    return head in known or head.lower() in {name.lower() for name in known} or head == "document"


def _check_listing(name: str, section: PipelineSection, docflo: DocfloClient, report: Report) -> None:
    query = DocumentQuery(
        type=section.documents.types[0],
        status=section.documents.statuses[0],
        include_results=True,
        top=1,
        created_from=None,
    )
    page = docflo.list_documents(query)
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
    sections = {pipeline: section for pipeline, section in config.pipelines.items() if section.target == name}
    shapes = [shape for pipeline in sections if pipeline in mappings for shape in mappings[pipeline].shapes()]
    adapter = create_adapter(config.targets[name], clock=utc_now)
    try:
        _attempt(report, f"target {name}", lambda: refuse_unattended_doubts(sections, {name: adapter}))
        findings: Sequence[Finding] = adapter.check(shapes)
    finally:
        adapter.close()
    for finding in findings:
        report.add(finding.severity, f"target {name}: {finding.subject}", finding.message, finding.remedy)
        if finding.severity is Severity.ERROR:
            report.errors.append(ConfigError(finding.message))


def lines(report: Report) -> Iterator[tuple[str, str]]:
    """Give the report as (mark, text) for a person; only the mark is markup."""
    marks = {
        Severity.OK: "[green]✓[/green] ",
        Severity.WARNING: "[yellow]![/yellow] ",
        Severity.ERROR: "[red]✗[/red] ",
    }
    for finding in report.findings:
        yield marks[finding.severity], f"{finding.subject}: {finding.message}"
        if finding.remedy and finding.severity is not Severity.OK:
            yield "    ", f"remedy: {finding.remedy}"
