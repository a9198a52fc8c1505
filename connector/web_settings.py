"""What the web side of `run` needs to know: where it listens, and how it knows Docflo's webhooks."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from connector.references import Secret

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class WebSettings(_Part):
    """Where health, metrics and webhooks are served. Plain HTTP: a proxy in front speaks TLS."""

    enabled: bool = Field(default=True, description="false: nothing listens.")
    host: str = Field(default="127.0.0.1", description="0.0.0.0 in a container.")
    port: int = Field(default=8080, ge=0, le=65535, description="0: any free one; the log tells it.")

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in LOOPBACK


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
