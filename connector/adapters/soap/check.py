"""What `check` finds out about a SOAP ERP: settings, WSDL and drift, operations, messages, credentials."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from connector.adapters.base import Finding, Severity
from connector.adapters.loopback import is_loopback
from connector.adapters.soap.delivery import scope_of
from connector.adapters.soap.erp import Erp
from connector.adapters.soap.outcome import Kind
from connector.adapters.soap.profile import MAIN, EndpointPlan, Profile
from connector.adapters.soap.reply import Reply
from connector.adapters.soap.settings import SoapSettings
from connector.adapters.soap.uses import Uses, did_you_mean
from connector.adapters.soap.wsdl import parse_wsdl
from connector.errors import ConfigError, ConnectorError
from connector.record import RecordShape


def check_erp(erp: Erp, settings: SoapSettings, uses: Uses, shapes: Sequence[RecordShape]) -> list[Finding]:
    """Give everything found out. What cannot be asked is an error finding, never an exception."""
    findings = [*check_offline(erp, settings)]
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings += [*_drift(erp), *_credentials(erp)]
    for shape in shapes:
        findings += _shape(shape, uses)
    return findings


def check_offline(erp: Erp, settings: SoapSettings) -> Iterator[Finding]:
    """Give what needs no ERP: settings, a WSDL that is a file, operations, every message from examples."""
    given = [*_given("settings", erp.profile.settings, settings.settings)]
    given += _given("secrets", erp.profile.secrets, settings.secrets)
    yield from given
    yield from _unsaid(erp.profile)
    broken = False
    for name, plan in erp.profile.endpoints.items():
        endpoint = [*_endpoint(erp, name, plan)]
        broken = broken or any(finding.severity is Severity.ERROR for finding in endpoint)
        yield from endpoint
    if not broken and not given:
        yield from _messages(erp)


def _given(kind: str, declared: Mapping[str, str], given: Collection[str]) -> Iterator[Finding]:
    wanted, there = set(declared), set(given)
    for name in sorted(wanted - there):
        about = declared[name]
        yield _error(kind, f"the profile needs `{name}` ({about})", f"give it under {kind} of the target")
    for name in sorted(there - wanted):
        yield _error(
            kind, f"the profile knows no `{name}`", f"take it out of {kind}, or declare it in the profile"
        )


def _unsaid(profile: Profile) -> Iterator[Finding]:
    """Give what a profile that was begun does not say yet: with it every document would end in doubt."""
    for step in profile.steps:
        good = [rule for rule in step.call.judge.rules if rule.kind in {Kind.DELIVERED, Kind.ACCEPTED}]
        if good and not any(rule.test.can_hold for rule in good):
            yield _error(
                step.name,
                "no answer counts as delivered: its `when` is false()",
                "say which answers do; `profile call` shows one",
            )
    for lookup in profile.lookups:
        if not (lookup.found.can_hold and lookup.not_found.can_hold):
            yield _error(
                lookup.call.operation,
                "the lookup can tell nothing: `found` or `not_found` is false()",
                "say which answers mean that; `profile call` shows one",
            )


def _endpoint(erp: Erp, name: str, plan: EndpointPlan) -> Iterator[Finding]:
    subject = f"wsdl {name}".strip()
    try:
        endpoint = erp.endpoint(name)
    except ConnectorError as error:
        yield _failure(subject, error)
        for problem in error.problems if isinstance(error, ConfigError) else ():
            yield _error(subject, str(problem))
        return
    wsdl = endpoint.wsdl
    size = f"{wsdl.documents} document(s), {wsdl.bytes / 1024:.0f} KiB, parsed in {wsdl.seconds:.2f} s"
    yield _ok(subject, f"{size}, fingerprint {wsdl.sha256}")
    if plan.wsdl.sha256 is None:
        yield _warning(
            subject, "nothing pins the WSDL", f"put sha256: {wsdl.sha256} into it, to notice changes"
        )
    version = "SOAP 1.2" if endpoint.is_soap12 else "SOAP 1.1"
    yield _ok(f"binding {name}".strip(), f"{endpoint.port.name}, {version}, at {endpoint.address}")
    parts = urlsplit(endpoint.address)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        yield _warning(
            "binding", f"{parts.hostname} is spoken to in plain http: credentials can be read on the way"
        )
    operations = sorted({call.operation for call in erp.profile.calls() if call.endpoint == name})
    yield _ok(f"operations {name}".strip(), ", ".join(operations) or "none")
    for warning in wsdl.warnings:
        yield _warning(subject, f"not understood and left out: {warning}")


def _messages(erp: Erp) -> Iterator[Finding]:
    if not erp.profile.examples:
        yield _warning(
            "examples", "the profile has no examples, so no message could be built", "add `examples:`"
        )
    built = 0
    parts = max(len(step.record_id) for step in erp.profile.steps)
    for at, record in enumerate(erp.profile.examples):
        scope = {**scope_of(erp, record), "record_id": "/".join(["1"] * parts), "captured": {}}
        for call in erp.profile.calls():
            if erp.profile.login is not None and call is erp.profile.login.call:
                continue
            try:
                erp.build(call, scope)
                built += 1
            except ConnectorError as error:
                yield _failure(f"example {at + 1}", error)
    if built:
        yield _ok("messages", f"{built} message(s) built from {len(erp.profile.examples)} example(s)")


def _drift(erp: Erp) -> Iterator[Finding]:
    """Compare the WSDL that is a file, and all that it imports, with what the ERP shows now."""
    section = erp.profile.endpoints[MAIN].wsdl
    if section.file is None or section.url is None:
        return
    kept = erp.endpoint(MAIN).wsdl
    wire = erp.new_wire()
    try:
        shown = parse_wsdl(replace(erp.source(section), location=erp.address(section.url)), wire=wire)
    except ConnectorError as error:
        yield _warning("wsdl drift", f"cannot compare with the ERP's: {error.message}")
        return
    finally:
        wire.close()
    known = set(kept.fingerprints.values())
    others = sorted(place for place, sha256 in shown.fingerprints.items() if sha256 not in known)
    if not others:
        yield _ok("wsdl drift", f"the ERP shows the {kept.documents} document(s) that the profile keeps")
    else:
        named = ", ".join(place.rpartition("/")[2] for place in others)
        yield _error(
            "wsdl drift",
            f"the ERP shows others than the profile keeps: {named}",
            "save them beside the old ones, compare, and run `profile check` with them",
        )


def _credentials(erp: Erp) -> Iterator[Finding]:
    """Ask for a record that cannot be there: whatever is answered shows whether we are let in."""
    try:
        erp.credentials.proof()
    except ConnectorError as error:
        yield _failure("credentials", error)
        return
    if not (erp.profile.lookups and erp.profile.examples):
        yield _warning("credentials", "not tried: that takes a lookup and an example in the profile")
        return
    lookup, record = erp.profile.lookups[0], erp.profile.examples[0]
    try:
        with erp.wire() as wire:
            reply = erp.call(wire, lookup.call, scope_of(erp, record)).reply
    except ConnectorError as error:
        yield _failure("credentials", error)
        return
    if not isinstance(reply, Reply):
        yield _error("credentials", f"{lookup.call.operation}: {reply.reason}", reply.remedy)
        return
    verdict = lookup.call.judge.judge(reply)
    if lookup.not_found.holds(reply) or lookup.found.holds(reply):
        yield _ok("credentials", f"{lookup.call.operation} was answered")
    elif verdict.kind is Kind.AUTH:
        yield _error("credentials", f"refused: {verdict.words()}", verdict.hint)
    else:
        yield _error("lookup", f"{lookup.call.operation} is neither found nor not_found: {verdict.words()}")


def _shape(shape: RecordShape, uses: Uses) -> Iterator[Finding]:
    places = dict(zip(shape.fields, shape.places, strict=False))
    where = f"{shape.place}: " if shape.place else ""
    if shape.is_companion:
        yield _error(shape.object, f"{where}a profile sends one object, no companions")
        return
    known_objects = frozenset(uses.fields)
    if shape.object not in known_objects:
        yield _error(
            shape.object,
            f"{where}the profile sends no {shape.object}{did_you_mean(shape.object, known_objects)}",
        )
        return
    known = uses.fields[shape.object]
    missing = [name for name in shape.fields if name not in known]
    for name in missing:
        place = f"{places[name]}: " if name in places else ""
        message = f"{place}the profile does not send {shape.object}.{name}{did_you_mean(name, known)}"
        yield _error(
            f"{shape.object}.{name}", message, "Correct the mapping, or send the field in the profile."
        )
    if not missing:
        left = sorted(known - set(shape.fields))
        more = f"; the profile would also take {', '.join(left)}" if left else ""
        yield _ok(shape.object, f"{len(shape.fields)} fields are sent{more}")


def _ok(subject: str, message: str) -> Finding:
    return Finding(severity=Severity.OK, subject=subject, message=message)


def _warning(subject: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.WARNING, subject=subject, message=message, remedy=remedy)


def _error(subject: str, message: str, remedy: str = "") -> Finding:
    return Finding(severity=Severity.ERROR, subject=subject, message=message, remedy=remedy)


def _failure(subject: str, error: ConnectorError) -> Finding:
    return _error(subject, error.message, error.remedy)
