"""What an operator tells us about a SOAP ERP: its profile, and what the profile asks for."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from connector.references import ResolvedText, Secret


class SoapSettings(BaseModel):
    """One SOAP ERP, spoken to as a profile says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    adapter: Literal["soap"]
    profile: Path = Field(description="Profile file, relative to this file: docs/soap.md.")
    settings: dict[str, ResolvedText] = Field(
        default_factory=dict, description="Values of the settings that the profile names: address, company."
    )
    secrets: dict[str, Secret] = Field(
        default_factory=dict, description="References to the secrets that the profile names."
    )
    ca_bundle: Path | None = Field(None, description="File with the certificates to trust, PEM.")
