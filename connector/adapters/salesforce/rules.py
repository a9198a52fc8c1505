"""What an operator decides about records, apart from how the org is reached. Imports no vendor library."""

from dataclasses import dataclass
from enum import StrEnum


class EmptyLines(StrEnum):
    """What follows when a document has no line of a kind any more, and Salesforce has some."""

    REFUSE = "refuse"  # a person decides: a list that was read badly looks the same
    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphRules:
    """How graphs are built, beside the record itself."""

    version: str  # of the API
    empty_lines: EmptyLines = EmptyLines.REFUSE
    revision_field: str | None = None  # of the header, in which the document's revision is kept
