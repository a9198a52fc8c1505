"""What the web side of `run` needs to know: where it listens, who may use it, and who calls its webhook."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connector.durations import Duration
from connector.references import ResolvedText, Secret

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


RoleName = Literal["viewer", "operator", "admin"]


def _origin(text: str) -> str:
    parts = urlsplit(text)
    is_plain = parts.scheme == "http" and parts.hostname in LOOPBACK
    has_more = parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username
    if not parts.hostname or has_more or not (parts.scheme == "https" or is_plain):
        message = "expected https://host without a path; http:// on this machine only"
        raise ValueError(message)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _issuer(text: str) -> str:
    parts = urlsplit(text)
    if not parts.hostname or not (parts.scheme == "https" or parts.hostname in LOOPBACK):
        message = "expected the provider's address, https://..., exactly as it spells it in its tokens"
        raise ValueError(message)
    return text


Origin = Annotated[ResolvedText, AfterValidator(_origin)]
Issuer = Annotated[ResolvedText, AfterValidator(_issuer)]


class OidcSettings(_Part):
    """An OpenID Connect provider that says who somebody is, by the code flow with PKCE."""

    issuer: Issuer = Field(description="The provider's address; its discovery document lies below it.")
    client_id: ResolvedText = Field(min_length=1)
    client_secret: Secret | None = Field(default=None, description="None: a public client.")
    scopes: tuple[str, ...] = Field(default=("openid", "profile", "email"), min_length=1)
    name_claim: str = Field(
        default="email", min_length=1, description="What a person is called in the record of acts."
    )
    role_claim: str = Field(
        default="groups", min_length=1, description="Claim with a person's groups; dots lead inside."
    )
    roles: dict[str, RoleName] = Field(
        min_length=1, description="Group -> role. Who has none of them is not let in."
    )
    ca_bundle: Path | None = Field(default=None, description="Certificates to trust, PEM.")

    @model_validator(mode="after")
    def _asks_who(self) -> Self:
        if "openid" not in self.scopes:
            raise ValueError("scopes must hold openid")
        return self


class AccessSettings(_Part):
    """Who may use the console, and what they see."""

    public_url: Origin = Field(description="Address that people type: https://console.acme.com.")
    passwords: Path | None = Field(
        default=None, description="File of names, roles and hashes; `console password` writes it."
    )
    oidc: OidcSettings | None = Field(default=None, description="A login elsewhere.")
    hide_from: tuple[RoleName, ...] = Field(
        default=(), description="Roles that see neither amounts nor names, nor anything else documents say."
    )
    idle: Duration = Field(
        default=timedelta(minutes=30), description="Without a request so long: log in again."
    )
    lasts: Duration = Field(default=timedelta(hours=12), description="After a login so long: log in again.")
    proxies: int = Field(
        default=0, ge=0, le=5, description="Trusted proxies in front, each adding to X-Forwarded-For."
    )

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Self:
        if self.passwords is None and self.oidc is None:
            raise ValueError("name passwords, oidc or both: nobody could log in")
        return self

    @property
    def is_secure(self) -> bool:
        """Whether browsers speak TLS to it, so that its cookies never travel in the clear."""
        return self.public_url.startswith("https:")


class WebSettings(_Part):
    """Where health, metrics and webhooks are served. Plain HTTP: a proxy in front speaks TLS."""

    enabled: bool = Field(default=True, description="false: nothing listens.")
    host: str = Field(default="127.0.0.1", description="0.0.0.0 in a container.")
    port: int = Field(default=8080, ge=0, le=65535, description="0: any free one; the log tells it.")
    access: AccessSettings | None = Field(
        default=None, description="Who may use the console; none: whoever sits at this machine."
    )
    document_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s{}]*\{id\}[^\s{}]*$",
        description="Where people open a document in Docflo, with {id} for its id: the console links there.",
    )

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in LOOPBACK

    @property
    def lets_only_known(self) -> bool:
        """Whether the console can be served: to this machine, or to who logs in."""
        return self.is_local or self.access is not None


class NoAuth(_Part):
    """Whoever reaches the address may call."""

    type: Literal["none"]


class BasicAuth(_Part):
    """User and password, as Docflo sends them."""

    type: Literal["basic"]
    user: str = Field(min_length=1)
    password: Secret


class BearerAuth(_Part):
    """A token in the Authorization header."""

    type: Literal["bearer"]
    token: Secret


class HeaderAuth(_Part):
    """A header of your own with a secret value."""

    type: Literal["header"]
    name: str = Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
    value: Secret


class SignatureSettings(_Part):
    """An HMAC over the body as received. Docflo's own scheme is not documented: set what it sends."""

    secret: Secret
    header: str = Field(default="X-Signature", pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
    algorithm: Literal["sha256", "sha512", "sha1"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field(default="", description='What stands before it, such as "sha256=".')


class WebhookSettings(_Part):
    """How Docflo's webhooks are received."""

    path: str = Field(default="/webhooks/docflo", pattern=r"^/[A-Za-z0-9/_-]+$")
    auth: Annotated[NoAuth | BasicAuth | BearerAuth | HeaderAuth, Field(discriminator="type")]
    signature: SignatureSettings | None = Field(default=None, description="Checked besides `auth`.")
    allow_unauthenticated: bool = Field(
        default=False, description="true: `auth: {type: none}` without a signature also off loopback."
    )
    max_kilobytes: int = Field(default=2048, ge=1, description="Larger bodies are refused.")

    @property
    def knows_its_caller(self) -> bool:
        """Whether a stranger is refused."""
        return not isinstance(self.auth, NoAuth) or self.signature is not None


def refuse_strangers(web: WebSettings, webhook: WebhookSettings | None) -> str | None:
    """Say what is wrong with listening to anybody; None when it is right."""
    if webhook is None or webhook.knows_its_caller or webhook.allow_unauthenticated or web.is_local:
        return None
    return (
        f"anybody who reaches {web.host} could call it: set auth or signature, or allow_unauthenticated: true"
    )
