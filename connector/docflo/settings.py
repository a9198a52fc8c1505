"""What the Docflo client needs to know."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from connector.references import OFFLINE, ResolvedText, Secret

_HEADER = r"[!-~]+"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class DocfloSettings(BaseModel):
    """The `docflo` section of config.yaml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: ResolvedText = Field(default="https://api.docflo.ai", description="Docflo's address.")
    tenant_id: ResolvedText = Field(
        min_length=1, description="From Docflo's Integrations page.", json_schema_extra={"pattern": _HEADER}
    )
    api_key: Secret = Field(description="A reference to the API key; read anew at each use.")
    ca_bundle: Path | None = Field(default=None, description="PEM file of the authorities to trust.")
    connect_timeout: float = Field(default=10, gt=0, description="Seconds to connect.")
    read_timeout: float = Field(default=60, gt=0, description="Seconds of silence.")
    deadline: float = Field(default=120, gt=0, description="Seconds for a whole call.")
    upload_deadline: float = Field(
        default=300, gt=0, description="Seconds for an upload, a download or an analysis."
    )
    max_download_mb: int = Field(default=100, gt=0, description="Larger originals and e-mails are refused.")
    page_size: int = Field(default=100, ge=1, le=1000, description="Documents asked for with one request.")
    requests_per_hour: int | None = Field(
        default=None, ge=1, description="Docflo's limit, until its first answer tells it."
    )
    share: int = Field(
        default=100, ge=1, le=100, description="Percent of the limit that this connector may use."
    )
    created_from_format: Literal["timestamp", "date"] = Field(
        default="timestamp",
        description="How creation times are sent; `date` where the server takes days only.",
    )

    @field_validator("tenant_id")
    @classmethod
    def _fits_a_header(cls, value: str) -> str:
        if re.fullmatch(_HEADER, value) is None:
            message = "a tenant id travels in an HTTP header: no blanks, no letters beyond ASCII"
            raise ValueError(message)
        return value

    @field_validator("base_url")
    @classmethod
    def _is_safe(cls, value: str, info: ValidationInfo) -> str:
        if "${" in value and (info.context or {}).get(OFFLINE):
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            message = "expected an address such as https://api.docflo.ai"
            raise ValueError(message)
        if parts.username or parts.password or parts.query or parts.fragment:
            message = "the address must not carry credentials, a query or a fragment"
            raise ValueError(message)
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            message = (
                "plain http would send the API key unencrypted; use https (http is for this machine only)"
            )
            raise ValueError(message)
        return value.rstrip("/")
