"""Every error this connector raises on purpose, and what each asks of an operator.

    ConnectorError
      ConfigError               an operator must edit a file: every problem at once
      TemporaryError            try again; counts as an attempt
        UnavailableError          no connection, 5xx
        OutcomeUnknownError       sent, no answer: the next try must look before it creates
      ThrottledError            wait until `until`; does not count
        BusyError                 the same, for one record or lane: others need not wait
      AccessRefusedError        credentials; does not count, loud
      PermanentError            dead letter at once
        MappingError              the document does not fit the mapping: every field listed
        RejectedError             the target read the record and said no
        UnexpectedResponseError   an answer in a shape we do not know
      LeaseLostError            someone else holds the delivery: drop our result
      StoppingError             this process is told to stop: nothing came of it

Vendor exceptions are translated at the boundary with `raise ... from`. Anything else is a bug.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteAnswer:
    """What the other side said: enough to look it up in its documentation, never a whole body."""

    status: int | None = None  # HTTP status; None when no answer came
    code: str | None = None  # the remote's own error code, verbatim
    message: str | None = None
    details: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to correct: where it is, what is wrong, and what would be right."""

    place: str  # "config.yaml:14:3: targets.erp.adapter"
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ConnectorError(Exception):
    """Something this connector knows how to report. `remedy` says what an operator can do."""

    def __init__(self, message: str, *, remedy: str = "", remote: RemoteAnswer | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.remote = remote


class ConfigError(ConnectorError):
    """A file must be edited. `problems` lists everything found, each with its place."""

    def __init__(
        self,
        message: str,
        *,
        problems: Sequence[Problem] = (),
        remedy: str = "",
        remote: RemoteAnswer | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, remote=remote)
        self.problems = tuple(problems)


class TemporaryError(ConnectorError):
    """Trying again may help; each try counts as an attempt."""


class UnavailableError(TemporaryError):
    """The other side did not take the request: no connection, or a 5xx that says so."""


class OutcomeUnknownError(TemporaryError):
    """The request was sent and no answer is on record: look before creating anything again."""


class ThrottledError(ConnectorError):
    """The other side asks us to wait until `until` (aware, UTC). Not an attempt."""

    def __init__(self, message: str, *, until: datetime, remote: RemoteAnswer | None = None) -> None:
        super().__init__(message, remote=remote)
        self.until = until


class BusyError(ThrottledError):
    """This record or lane waits until `until`, which says nothing of the side. Not an attempt."""


class AccessRefusedError(ConnectorError):
    """Credentials or rights are not good enough. Not an attempt; a person must act."""


class PermanentError(ConnectorError):
    """Trying again cannot help: the delivery becomes a dead letter."""


class MappingError(PermanentError):
    """The document does not fit the mapping. `problems` lists every field, not the first."""

    def __init__(self, message: str, *, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message)
        self.problems = tuple(problems)


class RejectedError(PermanentError):
    """The target read the record and refused it, in its own words."""


class UnexpectedResponseError(PermanentError):
    """The answer has a shape that we do not know; names keys and types, never values."""


class LeaseLostError(ConnectorError):
    """Someone else holds this delivery now: our result must be dropped."""


class StoppingError(ConnectorError):
    """This process is told to stop, so it was not done: another process, or the next start, does it."""
