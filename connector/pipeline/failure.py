"""What follows from an error: try again, wait, or give up. Pure: no I/O, no clock of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    LeaseLostError,
    MappingError,
    PermanentError,
    RejectedError,
    StoppingError,
    ThrottledError,
    UnavailableError,
)
from connector.ledger.delivery import Failure

RETRY_BASE = timedelta(seconds=5)
RETRY_CAP = timedelta(hours=1)
MAX_ATTEMPTS = 20  # with the cap, about half a day of trying
OPERATOR_PAUSE = timedelta(minutes=5)  # credentials, configuration: a person must act, so look now and then


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try the same arrow again at `due_at`; counts as an attempt."""

    failure: Failure
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing is wrong with the delivery: come back at `due_at`. Does not count."""

    failure: Failure
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """Trying again cannot help, or was tried often enough."""

    failure: Failure


Decision: TypeAlias = Retry | Wait | DeadLetter


def decide(error: Exception, *, attempts: int, now: datetime, jitter: float) -> Decision:
    """Give what follows from `error` after `attempts` earlier tries. `jitter` is 0..1, from the caller.

    | error                    | follows                                   |
    | ------------------------ | ----------------------------------------- |
    | StoppingError            | Wait: due at once, for another process    |
    | LeaseLostError           | the same: of a batch, others may be ours  |
    | ThrottledError           | Wait until the other side said            |
    | AccessRefusedError       | Wait, look again in five minutes          |
    | ConfigError              | the same: a person must edit a file       |
    | PermanentError           | DeadLetter                                |
    | TemporaryError, any bug  | Retry with full jitter, then DeadLetter   |
    """
    failure = describe(error)
    match error:
        case StoppingError() | LeaseLostError():
            return Wait(failure=failure, due_at=now)
        case ThrottledError():
            return Wait(failure=failure, due_at=max(error.until, now + timedelta(seconds=1)))
        case AccessRefusedError() | ConfigError():
            return Wait(failure=failure, due_at=now + OPERATOR_PAUSE)
        case PermanentError():
            return DeadLetter(failure=failure)
        case _ if attempts + 1 >= MAX_ATTEMPTS:
            return DeadLetter(failure=failure)
        case _:
            return Retry(failure=failure, due_at=now + _backoff(attempts, jitter))


def describe(error: Exception) -> Failure:
    """Give the class, reason and remote code of an error, for the ledger and for people."""
    if isinstance(error, MappingError) and error.problems:
        reason = "; ".join(str(problem) for problem in error.problems)
        return Failure(error_class="MappingError", reason=reason)
    if isinstance(error, ConnectorError):
        code = error.remote.code if error.remote else None
        return Failure(error_class=type(error).__name__, reason=error.message, code=code)
    # A bug: its text may hold document contents, which have no place in logs.
    return Failure(error_class=type(error).__name__, reason=f"unexpected {type(error).__name__}; see the log")


def concerns_all(error: Exception) -> bool:
    """Tell whether the next request would meet the same error, whatever document it is for."""
    return isinstance(error, ThrottledError | AccessRefusedError | ConfigError | UnavailableError)


def proves_absence(error: Exception) -> bool:
    """Tell whether this answer to a delivery says that the target did not take it: nothing to look up.

    What is not named here leaves a doubt, bugs and answers of an unknown shape included.
    """
    return isinstance(
        error,
        UnavailableError | ThrottledError | AccessRefusedError | RejectedError | MappingError | ConfigError,
    )


def is_for_the_reviewer(error: Exception) -> bool:
    """Tell whether a reviewer can cure it by correcting the document."""
    return isinstance(error, MappingError | RejectedError)


def _backoff(attempts: int, jitter: float) -> timedelta:
    ceiling = min(RETRY_CAP, RETRY_BASE * (1 << min(attempts, 20)))
    return max(timedelta(seconds=1), ceiling * jitter)
