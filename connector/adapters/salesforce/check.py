"""What `check` asks of an org: credentials, API version, fields, calls left. Reads only."""

from collections.abc import Iterator, Sequence
from itertools import chain

from connector.adapters.base import Finding, Severity
from connector.adapters.salesforce.catalogue import Catalogue
from connector.adapters.salesforce.describe import ObjectShape, names_record_type
from connector.adapters.salesforce.findings import compare, unknown_object
from connector.adapters.salesforce.pinned import Pinned
from connector.adapters.salesforce.rules import Rules
from connector.adapters.salesforce.transport import Transport
from connector.errors import ConnectorError
from connector.record import RecordShape

_LOW = 0.1  # share of the daily calls below which a finding warns


def check_org(
    transport: Transport,
    catalogue: Catalogue,
    version: str,
    shapes: Sequence[RecordShape],
    rules: Rules,
    pinned: Pinned | None = None,
) -> Sequence[Finding]:
    """Give everything found out. What cannot be asked is an error finding, never an exception."""
    try:
        transport.instance_url()
    except ConnectorError as error:
        return [_failure("credentials", error)]
    findings = _calls_left(transport, version)
    if findings[0].severity is Severity.ERROR:
        return [*_version(transport, version), *findings]
    findings = [
        Finding(
            severity=Severity.OK, subject="credentials", message=f"logged in to {transport.instance_url()}"
        ),
        *_version(transport, version),
        *findings,
    ]
    for shape in shapes:
        try:
            findings.extend(_shape(transport, catalogue, version, shape, rules))
            if pinned is not None:
                findings.extend(_changes(shape, catalogue.shape(shape.object), pinned))
        except ConnectorError as error:
            findings.append(_failure(shape.object, error))
    return findings


def check_pinned(pinned: Pinned, shapes: Sequence[RecordShape], rules: Rules) -> Iterator[Finding]:
    """Compare what is pinned with what the mappings will write. Needs no network."""
    for shape in shapes:
        described = pinned.shape(shape.object)
        if described is None:
            yield _not_pinned(shape.object)
            continue
        referred = {name: pinned.shape(name) for name in referred_objects(shape, described)}
        yield from compare(shape, described, referred, rules)


def _changes(shape: RecordShape, described: ObjectShape | None, pinned: Pinned) -> Iterator[Finding]:
    if described is None:
        return
    if pinned.shape(described.name) is None:
        yield _not_pinned(described.name)
    for name, change in pinned.changes(described, (shape.key_field, *shape.fields)):
        yield Finding(
            severity=Severity.WARNING,
            subject=f"{described.name}.{name}",
            message=f"not as it was pinned: {change}",
            remedy="If that is right: docflo-connector check --pin",
        )


def _not_pinned(name: str) -> Finding:
    return Finding(
        severity=Severity.WARNING,
        subject=name,
        message="its description is not pinned",
        remedy="docflo-connector check --pin",
    )


def misfits(
    transport: Transport, catalogue: Catalogue, version: str, shapes: Sequence[RecordShape], rules: Rules
) -> Sequence[Finding]:
    """Give only what stops these shapes from going in. Costs a call for each object not described lately.

    Raises: any `ConnectorError` when Salesforce cannot tell.
    """
    found = chain.from_iterable(_shape(transport, catalogue, version, shape, rules) for shape in shapes)
    return [finding for finding in found if finding.severity is Severity.ERROR]


def _failure(subject: str, error: ConnectorError) -> Finding:
    return Finding(severity=Severity.ERROR, subject=subject, message=error.message, remedy=error.remedy)


def _version(transport: Transport, version: str) -> Iterator[Finding]:
    try:
        body = transport.read("/services/data")
    except ConnectorError as error:
        yield _failure("api version", error)
        return
    entries = body if isinstance(body, list) else []
    offered = [str(entry["version"]) for entry in entries if isinstance(entry, dict) and "version" in entry]
    if version in offered:
        yield Finding(
            severity=Severity.OK, subject="api version", message=f"{version}, newest is {offered[-1]}"
        )
    else:
        yield Finding(
            severity=Severity.ERROR,
            subject="api version",
            message=f"the org does not offer {version}; it offers {', '.join(offered) or 'none'}",
            remedy="Set api_version to one of these, 50.0 or later.",
        )


def _calls_left(transport: Transport, version: str) -> list[Finding]:
    subject = "api limit"
    try:
        body = transport.read_if_known(f"/services/data/v{version}/limits")
    except ConnectorError as error:
        return [_failure("credentials", error)]
    calls = body.get("DailyApiRequests") if isinstance(body, dict) else None
    most, left = (calls.get("Max"), calls.get("Remaining")) if isinstance(calls, dict) else (None, None)
    if not isinstance(most, int) or not isinstance(left, int):
        message = "the org does not tell how many calls are left"
        return [Finding(severity=Severity.WARNING, subject=subject, message=message)]
    severity = Severity.OK if left > most * _LOW else Severity.WARNING
    return [
        Finding(
            severity=severity, subject=subject, message=f"{left} of {most} calls of the last 24 hours left"
        )
    ]


def _shape(
    transport: Transport, catalogue: Catalogue, version: str, shape: RecordShape, rules: Rules
) -> Sequence[Finding]:
    described = catalogue.shape(shape.object)
    if described is None:
        return [unknown_object(shape, object_names(transport, version))]
    return compare(shape, described, catalogue.shapes(referred_objects(shape, described)), rules)


def object_names(transport: Transport, version: str) -> list[str]:
    """Give the objects that the org shows this user."""
    body = transport.read_if_known(f"/services/data/v{version}/sobjects")
    entries = body.get("sobjects") if isinstance(body, dict) else None
    return [
        str(entry["name"])
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict) and "name" in entry
    ]


def referred_objects(shape: RecordShape, described: ObjectShape) -> list[str]:
    """Give the objects that dotted fields lead to, where it is one each."""
    dotted = [name for name in shape.fields if "." in name and not names_record_type(name)]
    references = [described.reference(name.partition(".")[0]) for name in dotted]
    return [field.refers_to[0] for field in references if field and len(field.refers_to) == 1]
