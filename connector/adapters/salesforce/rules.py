"""What an operator decides about records, apart from how the org is reached. Imports no vendor library."""

from dataclasses import dataclass
from enum import StrEnum


class EmptyLines(StrEnum):
    """What follows when a document has no line of a kind any more, and Salesforce has some."""

    REFUSE = "refuse"  # a person decides: a list that was read badly looks the same
    KEEP = "keep"
    REMOVE = "remove"


PARTIAL = "partial"
COMPLETE = "complete"
"""What the completion field of a header says."""


class Duplicates(StrEnum):
    """What follows when a duplicate rule of the org finds records like the header."""

    BLOCK = "block"  # a person decides; the records found are named
    ALLOW = "allow"  # save all the same
    USE_MATCH = "use_match"  # write into the one record found, if no other document is in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How records are brought in, beside what they say themselves."""

    empty_lines: EmptyLines = EmptyLines.REFUSE
    revision_field: str | None = None  # of the header, in which the document's revision is kept
    duplicates: Duplicates = Duplicates.BLOCK
    completion_field: str | None = None  # of the header, that says whether all of a large document is there
