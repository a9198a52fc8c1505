"""What a pipeline makes of the original files of its documents."""

from enum import StrEnum
from typing import Literal, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, model_validator

from connector.errors import ConfigError

LINKED_ID = "{document_id}"
"""What stands for the document in an address."""


class Larger(StrEnum):
    """What becomes of an original that is larger than the pipeline wants."""

    SKIP = "skip"  # it is left out, and the story says so
    LINK = "link"  # a link takes its place
    REFUSE = "refuse"  # it is given up, so that a person sees it


class OriginalSettings(BaseModel):
    """Whether the target shows the original file beside each record. A delivery never waits for it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: Literal["file", "link", "skip"] = Field(
        default="skip",
        description="file: the target gets a copy of the file; link: a link; skip: it stays in Docflo.",
    )
    max_mb: int = Field(default=100, ge=1, le=2_000, description="The largest file that is copied, in MB.")
    larger: Larger = Field(
        default=Larger.SKIP,
        description="What becomes of a larger one: skip leaves it out, link shows a link instead, refuse "
        "gives it up, so that a person looks at it.",
    )
    link: str | None = Field(
        default=None,
        pattern=r"^https?://\S*\{document_id\}\S*$",
        max_length=1_000,
        description="Address that links lead to, such as https://docs.acme.example/{document_id}.",
    )

    @property
    def is_wanted(self) -> bool:
        """Whether the target is to show anything."""
        return self.policy != "skip"

    @property
    def most_bytes(self) -> int:
        """The size of the largest file that is copied."""
        return self.max_mb * 2**20

    def address(self, document_id: str) -> str:
        """Give where people find the original of this document.

        Raises: ConfigError when no address is configured.
        """
        if self.link is None:
            raise ConfigError("no address for links to originals", remedy="set original.link")
        return self.link.replace(LINKED_ID, quote(document_id, safe=""))

    @model_validator(mode="after")
    def _knows_the_address(self) -> Self:
        if self.link is None and (self.policy == "link" or self.larger is Larger.LINK):
            message = "name the address that links lead to: link"
            raise ValueError(message)
        return self
