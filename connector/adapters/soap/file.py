"""The shape of a profile file: its keys and what kind of value each takes. docs/soap.md explains them.

What needs two keys at once, the WSDL or XPath is checked by `load.py`.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.adapters.soap.outcome import Kind

VERSION = 1

Name = Annotated[str, Field(min_length=1)]
Body = dict[str, Any]
Seconds = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordSection(_Section):
    """What mappings call the object of this profile."""

    object: Name = Field(description="The mapping's record.object.")
    key: Name = Field(default="Key", description="The mapping's record.key; the body says where it is put.")


class WsdlSection(_Section):
    """Where the WSDL is, and what its imports may be read from."""

    file: Path | None = Field(default=None, description="File, relative to the profile.")
    url: str | None = Field(
        default=None,
        description="Address: loaded from there without `file`; with it, `check` compares the two.",
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        description="Fingerprint that `profile check` prints: pins the WSDL.",
    )
    catalog: dict[str, Path] = Field(
        default_factory=dict, description="Address of an import -> file, relative to the profile."
    )
    folder: Path | None = Field(
        default=None,
        description="Folder that imports may be read from, relative to the profile. Default: the WSDL's own.",
    )
    hosts: tuple[str, ...] = Field(
        default=(), description="Hosts besides the WSDL's own that imports may come from."
    )

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if self.file is None and self.url is None:
            message = "name a file, a url, or both"
            raise ValueError(message)
        return self


class BindingSection(_Section):
    """Which port of the WSDL, and where it really answers."""

    service: str | None = None
    port: str | None = Field(default=None, description="Needed where the WSDL has several SOAP ports.")
    address: str | None = Field(default=None, description="Instead of the WSDL's: ${settings.address}/soap.")
    missing_required: Literal["error", "skip"] = Field(
        default="error", description="skip: leave out what the WSDL requires and the body does not give."
    )
    max_length: Literal["reject", "truncate"] = Field(
        default="reject", description="truncate: cut text that is longer than the WSDL takes."
    )
    xsi_types: bool | None = Field(
        default=None,
        description="Name each element's type. Default: where the WSDL says use=encoded.",
    )


class EndpointSection(_Section):
    """Another service of the same ERP, such as the page of posted invoices."""

    wsdl: WsdlSection | None = Field(default=None, description="Default: the profile's own WSDL.")
    binding: BindingSection = BindingSection()


class UserPassword(_Section):
    """A user and a password."""

    user: str
    password: str


class OAuthClient(_Section):
    """OAuth 2.0 client credentials."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str | None = None
    audience: str | None = None


class ClientCertificate(_Section):
    """Mutual TLS: files in PEM."""

    certificate: str
    key: str | None = None


class WsseUsername(_Section):
    """WS-Security UsernameToken."""

    user: str
    password: str
    digest: bool = False
    timestamp: bool = Field(default=False, description="A wsu:Timestamp beside the token.")


class WsseSignature(_Section):
    """WS-Security signature of the body and the timestamp, RSA-SHA256."""

    key: str = Field(description="Private key, PEM: ${secrets.signing_key}.")
    certificate: str = Field(description="Certificate, PEM.")
    timestamp: bool = True


class HeaderBlock(_Section):
    """A block in the SOAP header, made anew for each attempt."""

    element: str = Field(description="prefix:name of the element.")
    vars: dict[str, str] = Field(
        default_factory=dict, description="Named values, in their order: ${vars.NAME}."
    )
    value: Body


class SessionLogin(_Section):
    """A login that gives a token for the calls after it."""

    operation: Name
    endpoint: str | None = None
    body: Body
    token: str = Field(description="XPath of the token in the login's answer.")
    header_block: HeaderBlock | None = Field(
        default=None, description="Where the token goes: ${session.token}."
    )
    http_header: dict[str, str] = Field(default_factory=dict)
    body_fields: Body = Field(default_factory=dict)
    expired: tuple["TestSection", ...] = Field(min_length=1, description="Answers that ask for a new login.")
    logout: str | None = Field(default=None, description="Operation that ends the session.")


class AuthSection(_Section):
    """One way to prove who we are; exactly one key."""

    http_basic: UserPassword | None = None
    ntlm: UserPassword | None = None
    oauth2_client: OAuthClient | None = None
    mtls: ClientCertificate | None = None
    http_header: dict[str, str] | None = None
    wsse_username: WsseUsername | None = None
    wsse_signature: WsseSignature | None = None
    header_block: HeaderBlock | None = None
    body_fields: Body | None = None
    session: SessionLogin | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if len(self.model_fields_set) != 1:
            message = "one way per entry; begin each with `- `"
            raise ValueError(message)
        return self


class TestSection(_Section):
    """What a reply must be like: an XPath, or these keys, all of which must hold."""

    when: str | None = Field(
        default=None, description="XPath on the envelope that is true or finds something."
    )
    http_status: int | tuple[int, ...] | None = None
    fault_code: str | None = Field(default=None, description="Pattern found in a code of the fault.")
    fault_string: str | None = Field(default=None, description="Pattern found in the fault's text.")
    fault_detail: str | None = Field(default=None, description="XPath on the fault's detail.")
    in_: tuple[str, ...] = Field(
        default=(), alias="in", description="Values of which the XPath must find one."
    )

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, value: object) -> object:
        return {"when": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _tests_something(self) -> Self:
        if not self.model_fields_set & {"when", "http_status", "fault_code", "fault_string", "fault_detail"}:
            message = "name what to test: when, http_status, fault_code, fault_string or fault_detail"
            raise ValueError(message)
        return self


class OutcomeSection(TestSection):
    """A reply like this means that. The first rule that fits decides."""

    is_: Kind = Field(alias="is")
    code: str | None = Field(default=None, description="XPath of the ERP's code.")
    message: str | None = Field(default=None, description="XPath of the ERP's text.")
    hint: str = ""
    retry_after: Seconds | None = None


class ErrorSection(_Section):
    """What a code or a text of the ERP means."""

    code: str | None = None
    match: str | None = Field(default=None, description="Pattern found in the text; (?i) for any case.")
    is_: Kind = Field(alias="is")
    hint: str = Field(default="", description="What to do, for whoever reads the error.")
    retry_after: Seconds | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.code is None) == (self.match is None):
            message = "give exactly one of code and match"
            raise ValueError(message)
        return self


class CallSection(_Section):
    """One call."""

    operation: Name
    endpoint: str | None = Field(
        default=None, description="A name under `endpoints`; default: the profile's own."
    )
    body: Body = Field(default_factory=dict)


class StepSection(CallSection):
    """One step of a delivery."""

    name: str | None = None
    outcome: tuple[OutcomeSection, ...] = Field(min_length=1)
    record_id: str | tuple[str, ...] | None = Field(
        default=None,
        description="XPath of the id; several are joined with /. The last step that has one gives it.",
    )
    capture: dict[str, str] = Field(
        default_factory=dict, description="Name -> XPath: ${captured.NAME} afterwards."
    )
    changes: bool = Field(
        default=True,
        description="false: the ERP keeps nothing of this step if the steps after it do not follow.",
    )


class LookupSection(CallSection):
    """One place to look for a record."""

    found: TestSection
    not_found: TestSection
    many: TestSection | None = None
    record_id: str | tuple[str, ...]
    compare: dict[str, str] = Field(
        default_factory=dict,
        description="XPath -> what it must equal; a difference is a conflict for a person.",
    )
    capture: dict[str, str] = Field(default_factory=dict)
    resume: str | None = Field(
        default=None,
        description="What is found here lacks this step and those after it: delivering goes on there.",
    )


class VerifySection(CallSection):
    """A read-back after delivery."""

    compare: dict[str, str] = Field(min_length=1, description="XPath -> what it must equal.")


class ReadSection(CallSection):
    """How a record is asked for by the ERP's own id, ${record_id}: what a person links is looked at first."""

    found: TestSection
    not_found: TestSection


class IdempotencySection(_Section):
    """What keeps a second delivery from making a second record."""

    class_: Literal["native", "unique", "lookup_only"] = Field(
        alias="class",
        description="native: the ERP sets by our key. unique: it refuses a second one. lookup_only: neither.",
    )
    key: str = Field(default="${record.@key}", description="The key as the ERP gets it: ${key} in bodies.")
    look_first: bool | None = Field(
        default=None, description="Look before creating. Default: yes, except for native."
    )


class InDoubtSection(_Section):
    """After a request without an answer."""

    settle_seconds: float = Field(
        default=60, ge=0, description="The ERP's longest run time: it is not asked before."
    )
    then: Literal["recreate", "hold"] = Field(
        default="hold", description="Not found after that: create it again, or wait for a person."
    )


class RateSection(_Section):
    """So many calls in so many seconds."""

    calls: int = Field(ge=1)
    seconds: Seconds


class LimitsSection(_Section):
    """What the ERP can take from one process of this connector."""

    concurrency: int = Field(default=2, ge=1, description="Calls at once, per process.")
    throttle_seconds: Seconds = Field(default=30, description="Pause after a refusal that names none.")
    throttle_backoff: tuple[Seconds, ...] = Field(
        default=(), description="Instead: the pause after the first refusal, the second in a row, and so on."
    )
    rate: RateSection | None = Field(default=None, description="Calls in a time, per process.")
    max_body_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)


class TimeoutsSection(_Section):
    """Units: seconds."""

    connect: Seconds = 10
    read: Seconds = Field(default=120, description="Of silence.")
    deadline: Seconds = Field(default=300, description="For a whole call, however slowly it drips.")


class LogSection(_Section):
    """What is hidden wherever an envelope is shown."""

    mask: tuple[str, ...] = Field(default=(), description="XPaths; secrets are hidden anyway.")


class ExampleSection(_Section):
    """A record, for `profile check`: every message is built from it, offline."""

    fields: dict[str, Any]
    lines: tuple[dict[str, Any], ...] = Field(default=(), description="Lines: {object, fields, lines}.")


class ProfileFile(_Section):
    """How one ERP is spoken to."""

    version: Literal[1] = Field(description="Version of this format.")
    about: str = ""
    record: RecordSection
    wsdl: WsdlSection
    binding: BindingSection = BindingSection()
    endpoints: dict[str, EndpointSection] = Field(default_factory=dict)
    ns: dict[str, str] = Field(
        default_factory=dict, description="Prefixes for XPath, $type and element names."
    )
    settings: dict[str, str] = Field(
        default_factory=dict, description="Settings that a target gives -> what they are."
    )
    secrets: dict[str, str] = Field(
        default_factory=dict, description="Secrets that a target gives -> what they are."
    )
    auth: tuple[AuthSection, ...] = ()
    idempotency: IdempotencySection
    steps: tuple[StepSection, ...] = Field(min_length=1)
    errors: tuple[ErrorSection, ...] = ()
    lookup: tuple[LookupSection, ...] = ()
    verify: VerifySection | None = None
    read: ReadSection | None = None
    record_url: str | None = Field(
        default=None, description="Link for people: https://erp.example/${record_id}."
    )
    in_doubt: InDoubtSection = InDoubtSection()
    limits: LimitsSection = LimitsSection()
    timeouts: TimeoutsSection = TimeoutsSection()
    log: LogSection = LogSection()
    examples: tuple[ExampleSection, ...] = ()


def profile_json_schema() -> dict[str, Any]:
    """Give the JSON Schema of profile files, for editors."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **ProfileFile.model_json_schema(),
        "title": "docflo-connector SOAP profile",
    }
