"""What an operator tells us about a Salesforce org. Imports no vendor library: configuration loads fast."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from connector.adapters.loopback import is_loopback
from connector.adapters.salesforce.rules import Duplicates, EmptyLines
from connector.references import ResolvedText, Secret

_HOST_PREFIX = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_SHARED_LOGIN_HOSTS = frozenset({"login", "test"})


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = f'expected a full address such as https://acme.my.salesforce.com, not "{url}"'
        raise ValueError(message)
    if parts.username or parts.password or parts.query or parts.fragment:
        message = "the address must not carry credentials, a query or a fragment"
        raise ValueError(message)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        message = f"plain http is accepted only for this machine; use https://{parts.netloc}"
        raise ValueError(message)
    return url.rstrip("/")


def _my_domain(domain: str) -> str:
    prefix = domain.removesuffix(".salesforce.com")
    if not _HOST_PREFIX.fullmatch(prefix):
        message = f'expected the part before .salesforce.com, such as acme.my, not "{domain}"'
        raise ValueError(message)
    return prefix


BaseUrl = Annotated[ResolvedText, AfterValidator(_base_url)]
MyDomain = Annotated[ResolvedText, AfterValidator(_my_domain)]


class SalesforceSettings(BaseModel):
    """One Salesforce org, and one way to log in to it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    adapter: Literal["salesforce"]
    domain: MyDomain | None = Field(
        None, description="My Domain, the part before .salesforce.com: acme.my, acme--uat.sandbox.my."
    )
    login_url: BaseUrl | None = Field(
        None, description="Instead of domain: full address that logs in. Government hosts, emulators."
    )
    instance_url: BaseUrl | None = Field(
        None, description="Address of the API, if it is not the one that the login answers with."
    )
    consumer_key: Secret = Field(description="Consumer key of the External Client App.")
    consumer_secret: Secret | None = Field(
        None, description="Consumer secret: logs in by client credentials, as the app's run-as user."
    )
    private_key: Secret | None = Field(
        None, description="Private key (PEM) of the app's certificate: logs in by JWT bearer, as username."
    )
    username: ResolvedText | None = Field(None, description="With private_key: the user to log in as.")
    audience: ResolvedText | None = Field(
        None, description="With private_key: the JWT's audience, if it is not the login address."
    )
    api_version: str = Field(
        "66.0", pattern=r"^\d{2,3}\.0$", description="REST API version; 50.0 or later is needed."
    )
    schemas: Path | None = Field(
        None,
        description="Folder in which `check --pin` keeps the descriptions of objects; `check --offline` "
        "compares mappings with them, and `check` tells what has changed since.",
    )
    ca_bundle: Path | None = Field(None, description="File with the certificates to trust, PEM.")
    connect_timeout: float = Field(10, gt=0, description="Seconds to wait for a connection.")
    read_timeout: float = Field(120, gt=0, description="Seconds of silence after which a call is given up.")
    deadline: float = Field(
        300, gt=0, description="Seconds after which a call is given up even if bytes still drip in."
    )
    api_share: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Share of the org's daily calls that may be used, by whomever, before deliveries wait.",
    )
    api_reserve: float = Field(
        0.05, ge=0, lt=1, description="Share beyond api_share that is kept for small documents (25 parts)."
    )
    batch_size: int = Field(
        90,
        ge=1,
        le=200,
        description="Documents that are claimed and read together; a call carries as many of them as fit.",
    )
    bulk_from: int | None = Field(
        None,
        ge=1,
        description="Documents due at once from which they are loaded by Bulk API 2.0, if that costs fewer "
        "calls. Needs completion_field. Without: never.",
    )
    bulk_size: int = Field(
        5_000, ge=1, le=20_000, description="Documents of one such load; each of its jobs takes minutes."
    )
    empty_lines: EmptyLines = Field(
        EmptyLines.REFUSE,
        description="When a document has no line any more and Salesforce has some: refuse, keep or remove.",
    )
    duplicates: Duplicates = Field(
        Duplicates.BLOCK,
        description="When a duplicate rule of the org finds records like the header: block, allow (save all "
        "the same) or use_match (write into the one record found).",
    )
    file_key_field: str = Field(
        "Docflo_File_Key__c",
        pattern=r"^[A-Za-z]\w*$",
        description="Text field of ContentVersion, External ID and Unique: which document's original it is.",
    )
    completion_field: str | None = Field(
        None,
        pattern=r"^[A-Za-z]\w*$",
        description="Text field of the header that says complete or partial: lets in what is larger than a "
        "transaction.",
    )
    revision_field: str | None = Field(
        None,
        pattern=r"^[A-Za-z]\w*$",
        description="Number field of the header in which the document's revision is kept: an older one "
        "never overwrites a newer one.",
    )

    @property
    def login_address(self) -> str:
        """Give the address that logs in, without a trailing slash."""
        return self.login_url or f"https://{self.domain}.salesforce.com"

    @model_validator(mode="after")
    def _exactly_one_address(self) -> Self:
        if (self.domain is None) == (self.login_url is None):
            message = "give exactly one of domain (acme.my) and login_url (https://…)"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _exactly_one_way_to_log_in(self) -> Self:
        if (self.consumer_secret is None) == (self.private_key is None):
            message = (
                "give exactly one of consumer_secret (client credentials) "
                "and private_key with username (JWT bearer)"
            )
            raise ValueError(message)
        if self.private_key is not None and not self.username:
            message = "private_key needs username: the user to log in as"
            raise ValueError(message)
        if self.private_key is None and (self.username or self.audience):
            message = "username and audience belong to private_key (JWT bearer); remove them"
            raise ValueError(message)
        if self.consumer_secret is not None and self.domain in _SHARED_LOGIN_HOSTS:
            message = "client credentials need the org's own My Domain (acme.my), not login or test"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _loads_can_be_told_from_whole_documents(self) -> Self:
        if self.bulk_from is None:
            return self
        if self.completion_field is None:
            message = "bulk_from needs completion_field: a job is no transaction, and it says what is whole"
            raise ValueError(message)
        if self.duplicates is not Duplicates.BLOCK:
            message = f"bulk_from and duplicates: {self.duplicates} exclude each other: a job cannot do that"
            raise ValueError(message)
        if self.bulk_size < self.bulk_from:
            message = "bulk_size is smaller than bulk_from"
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _graphs_exist(self) -> Self:
        if float(self.api_version) < 50:  # noqa: PLR2004 composite graphs came with API version 50.0
            message = f"api_version {self.api_version} has no composite graphs; use 50.0 or later"
            raise ValueError(message)
        return self
