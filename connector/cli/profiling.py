"""What the `profile` commands do."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from connector.adapters.base import Severity
from connector.adapters.soap.body import BranchNode, Compiler
from connector.adapters.soap.check import check_offline
from connector.adapters.soap.documents import WsdlSource
from connector.adapters.soap.erp import Erp
from connector.adapters.soap.load import load_profile
from connector.adapters.soap.masks import shown
from connector.adapters.soap.profile import Call, Profile
from connector.adapters.soap.reply import Reply
from connector.adapters.soap.settings import SoapSettings
from connector.adapters.soap.skeleton import Choices, write_skeleton
from connector.adapters.soap.wsdl import load_wsdl
from connector.cli.checking import Report, show_report
from connector.cli.exits import Exit
from connector.clock import utc_now
from connector.errors import ConfigError
from connector.references import Secret
from connector.yaml_source import problems_error, read_yaml


@dataclass(frozen=True, kw_only=True)
class Imports:
    """Where the imports of a WSDL may be read from, as the command line says it."""

    folder: Path | None = None
    catalog: Sequence[str] = ()  # "address=file"
    hosts: Sequence[str] = ()


def skeleton(
    wsdl: str,
    *,
    operation: str | None,
    lookup: str | None,
    service: str | None,
    port: str | None,
    types: Sequence[str],
    imports: Imports,
    output: Path | None,
    ca_bundle: Path | None,
) -> str:
    """Give the text of a new profile; a file is named from where the profile will be.

    Raises: ConfigError, UnavailableError, AccessRefusedError for a WSDL that cannot be had or understood.
    """
    catalog = {address: Path(file) for address, file in _pairs(imports.catalog, from_right=True).items()}
    source = WsdlSource(
        location=wsdl,
        ca_bundle=ca_bundle,
        folder=imports.folder,
        catalog=catalog,
        hosts=frozenset(imports.hosts),
    )
    parsed = load_wsdl(source)
    here = (output.parent if output is not None else Path()).resolve()

    def named(path: Path) -> str:
        return os.path.relpath(path.resolve(), here)

    choices = Choices(
        location=wsdl if source.is_remote else named(Path(wsdl)),
        is_remote=source.is_remote,
        service=service,
        port=port,
        create=operation,
        lookup=lookup,
        types=tuple(types),
        folder=None if imports.folder is None else named(imports.folder),
        catalog={address: named(path) for address, path in catalog.items()},
        hosts=tuple(imports.hosts),
    )
    return write_skeleton(parsed, choices)


def check_profile(path: Path, settings: Sequence[str], ca_bundle: Path | None) -> int:
    """Print what is right and wrong about a profile, and give the exit code."""
    profile = load_profile(path)
    given = {name: f"the-{name}" for name in profile.settings} | _pairs(settings)
    secrets: dict[str, Secret] = {name: _Pretended(name) for name in profile.secrets}
    target = SoapSettings.model_construct(
        adapter="soap", profile=path, settings=given, secrets=secrets, ca_bundle=ca_bundle
    )
    report = Report()
    report.findings += check_offline(Erp(profile, target, utc_now), target)
    report.errors += [
        ConfigError(finding.message) for finding in report.findings if finding.severity is Severity.ERROR
    ]
    return show_report(report, as_json=False)


def call_operation(
    path: Path,
    operation: str,
    body: Path | None,
    *,
    endpoint: str,
    settings: Sequence[str],
    secrets: Sequence[str],
    show: bool,
    ca_bundle: Path | None,
) -> None:
    """Make one call and print request and reply, with secrets hidden.

    Raises: ConfigError for a body that the schema does not take; what else a call raises.
    """
    profile = load_profile(path)
    if endpoint not in profile.endpoints:
        raise ConfigError(f"the profile has no endpoint `{endpoint}`")
    read = {name: Secret(reference) for name, reference in _pairs(secrets).items()}
    target = SoapSettings.model_construct(
        adapter="soap", profile=path, settings=_pairs(settings), secrets=read, ca_bundle=ca_bundle
    )
    erp = Erp(profile, target, utc_now)
    call = Call(operation=operation, endpoint=endpoint, body=_body(profile, body), place=str(body or path))
    hidden = [secret.reveal() for secret in read.values()]
    scope = {**erp.base_scope(), "key": "profile-call"}
    try:
        if show:
            typer.echo(shown(erp.build(call, scope).envelope, profile.masks, hidden))
            return
        with erp.wire() as wire:
            called = erp.call(wire, call, scope)
        typer.echo(
            f"POST {called.message.address}\n{shown(called.message.envelope, profile.masks, hidden)}\n"
        )
        _print_reply(called.reply, profile, operation, hidden)
    finally:
        erp.close()


def _print_reply(reply: object, profile: Profile, operation: str, hidden: Sequence[str]) -> None:
    if not isinstance(reply, Reply):
        typer.echo(f"no whole answer: {getattr(reply, 'reason', '')}")
        raise typer.Exit(Exit.LATER)
    typer.echo(f"HTTP {reply.status}")
    typer.echo(shown(reply.envelope, profile.masks, hidden) if reply.envelope is not None else reply.why_not)
    for step in profile.steps:
        if step.call.operation == operation:
            verdict = step.call.judge.judge(reply)
            typer.echo(f"\nas a step this is: {verdict.kind} ({verdict.words()})")
    for lookup in profile.lookups:
        if lookup.call.operation == operation:
            tests = {"many": lookup.many, "found": lookup.found, "not_found": lookup.not_found}
            held = next(
                (name for name, test in tests.items() if test is not None and test.holds(reply)),
                "none of them",
            )
            typer.echo(f"\nas a lookup this is: {held}")


def _body(profile: Profile, path: Path | None) -> BranchNode:
    if path is None:
        return BranchNode({})
    source = read_yaml(path)
    compiler = Compiler(ns=profile.ns, folder=path.parent, problems=[])
    node = compiler.node(source.value, ())
    if compiler.problems:
        raise problems_error(path, [source.problem(where, message) for where, message in compiler.problems])
    if not isinstance(node, BranchNode):
        raise ConfigError(f"{path.name} holds no elements by their names")
    return node


def _pairs(given: Sequence[str], *, from_right: bool = False) -> dict[str, str]:
    pairs = [each.rpartition("=") if from_right else each.partition("=") for each in given]
    for name, equals, _ in pairs:
        if not equals:
            raise ConfigError(f"`{name}` is no name=value")
    return {name: value for name, _, value in pairs}


class _Pretended(Secret):
    """A secret for messages that are built and not sent."""

    __slots__ = ()

    def reveal(self) -> str:
        """Give its name: nobody is asked for a secret to check a file."""
        return self.reference
