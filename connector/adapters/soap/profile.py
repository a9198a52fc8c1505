"""A profile as values: read, checked and ready to use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from connector.adapters.soap.body import BranchNode, Reading
from connector.adapters.soap.file import (
    AuthSection,
    BindingSection,
    IdempotencySection,
    InDoubtSection,
    LimitsSection,
    TimeoutsSection,
    WsdlSection,
)
from connector.adapters.soap.outcome import Judge, Kind, Test
from connector.adapters.soap.reply import XPath
from connector.adapters.soap.template import Absent, Scope, Template, as_text
from connector.record import Record

MAIN = ""
"""The name of the profile's own endpoint."""

Text = str | Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of an operation."""

    operation: str
    endpoint: str
    body: BranchNode
    place: str  # file:line:column
    judge: Judge = field(default_factory=Judge)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a delivery."""

    name: str
    call: Call
    record_id: tuple[XPath, ...]
    capture: Mapping[str, XPath]
    changes: bool  # whether the ERP keeps what this step did if the steps after it do not follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What an answer must hold."""

    xpath: XPath
    text: str  # the XPath as it is written
    expected: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """One place to look for a record."""

    call: Call
    found: Test
    not_found: Test
    many: Test | None
    record_id: tuple[XPath, ...]
    compare: tuple[Comparison, ...]
    capture: Mapping[str, XPath]
    resume: int | None  # the step at which delivering goes on


@dataclass(frozen=True, slots=True, kw_only=True)
class Verify:
    """A read-back after delivery."""

    call: Call
    compare: tuple[Comparison, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block in the SOAP header."""

    element: str
    vars: Mapping[str, Text]
    value: BranchNode


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """Asking for a record by the ERP's own id."""

    call: Call
    found: Test
    not_found: Test


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A login that gives a token."""

    call: Call
    token: XPath
    expired: tuple[Test, ...]
    block: Block | None
    http_header: Mapping[str, Text]
    body_fields: BranchNode
    logout: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPlan:
    """A WSDL and a port of it."""

    wsdl: WsdlSection
    binding: BindingSection
    address: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How one ERP is spoken to."""

    path: Path
    object: str
    key_field: str
    endpoints: Mapping[str, EndpointPlan]
    ns: Mapping[str, str]
    settings: Mapping[str, str]
    secrets: Mapping[str, str]
    auth: tuple[AuthSection, ...]
    login: Login | None
    blocks: tuple[Block, ...]
    body_fields: tuple[BranchNode, ...]
    idempotency: IdempotencySection
    key: Text
    steps: tuple[Step, ...]
    lookups: tuple[Lookup, ...]
    verify: Verify | None
    read: Read | None
    record_url: Text | None
    in_doubt: InDoubtSection
    limits: LimitsSection
    timeouts: TimeoutsSection
    masks: tuple[XPath, ...]
    examples: tuple[Record, ...] = field(repr=False)

    @property
    def looks_first(self) -> bool:
        """Whether the ERP is asked before anything is created."""
        if not self.lookups:
            return False
        wish = self.idempotency.look_first
        return self.idempotency.class_ != "native" if wish is None else wish

    def calls(self) -> Iterator[Call]:
        """Give every call that the profile can make."""
        yield from (step.call for step in self.steps)
        yield from (lookup.call for lookup in self.lookups)
        if self.verify is not None:
            yield self.verify.call
        if self.read is not None:
            yield self.read.call
        if self.login is not None:
            yield self.login.call

    @property
    def calls_at_most(self) -> int:
        """Give how many calls the delivery of one record takes, but for logins."""
        judges = [step.call.judge for step in self.steps]
        kinds = {rule.kind for judge in judges for rule in judge.rules}
        kinds |= {code.kind for judge in judges for code in judge.codes}
        lookups = len(self.lookups) * (self.looks_first + (Kind.DUPLICATE in kinds))
        return len(self.steps) + lookups + (self.verify is not None)

    def readings(self) -> Iterator[Reading]:
        """Give everything that the messages read, with the loops around it."""
        for call in self.calls():
            yield from call.body.reads()
        for comparisons in (
            *(lookup.compare for lookup in self.lookups),
            self.verify.compare if self.verify else (),
        ):
            for each in comparisons:
                if isinstance(each.expected, Template):
                    yield from (Reading(path) for path in each.expected.paths())
        if isinstance(self.key, Template):
            yield from (Reading(path) for path in self.key.paths())


def render(text: Text, scope: Scope) -> str:
    """Give a text with its expressions filled in; empty when a part is absent.

    Raises: UnfitValueError.
    """
    if isinstance(text, str):
        return text
    found = text.value(scope)
    return "" if isinstance(found, Absent) else as_text(found)
