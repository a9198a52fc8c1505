"""From what became of a call to an error of our tree. Pure."""

from datetime import UTC, datetime, timedelta

from connector.adapters.soap.outcome import Kind, Verdict
from connector.adapters.soap.wire import NoAnswer
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    RemoteAnswer,
    ThrottledError,
    UnavailableError,
)

_NEVER = datetime.min.replace(tzinfo=UTC)


def call_error(
    name: str,
    outcome: Verdict | NoAnswer,
    *,
    wrote: bool,
    now: datetime = _NEVER,
    pause: float = 30,
) -> ConnectorError:
    """Give the error for a call that did not succeed. `wrote`: the call may have changed something.

    Nothing that came after bytes had left is ever "not delivered", unless the ERP itself says so.
    """
    if isinstance(outcome, NoAnswer):
        return _no_answer(name, outcome, wrote=wrote)
    remote = RemoteAnswer(
        status=outcome.status, code=outcome.code or None, message=outcome.message or None, details=name
    )
    words, hint = f"{name}: {outcome.words()}", outcome.hint
    match outcome.kind:
        case Kind.REJECTED:
            return RejectedError(f"the ERP refused it, {words}", remedy=hint, remote=remote)
        case Kind.RETRY:
            return UnavailableError(f"the ERP did not take it now, {words}", remedy=hint, remote=remote)
        case Kind.THROTTLED:
            wait = timedelta(seconds=outcome.retry_after or pause)
            return ThrottledError(f"the ERP asks to wait, {words}", until=now + wait, remote=remote)
        case Kind.AUTH:
            return AccessRefusedError(f"the ERP refuses access, {words}", remedy=hint, remote=remote)
        case Kind.CONFIG:
            return ConfigError(f"the ERP does not know what is asked, {words}", remedy=hint, remote=remote)
        case _ if not wrote:
            return UnavailableError(f"the ERP gave no answer that tells, {words}", remedy=hint, remote=remote)
        case _:
            return OutcomeUnknownError(f"the ERP may have taken it, {words}", remedy=hint, remote=remote)


def _no_answer(name: str, answer: NoAnswer, *, wrote: bool) -> ConnectorError:
    if not answer.sent:
        return UnavailableError(
            f"the ERP cannot be reached for {name} ({answer.reason})",
            remedy=answer.remedy or "Check the network, proxy, binding.address and ca_bundle.",
        )
    if not wrote:
        return UnavailableError(f"{name} got no whole answer: {answer.reason}", remedy=answer.remedy)
    return OutcomeUnknownError(
        f"{name} got no whole answer: {answer.reason}; the ERP may have taken it", remedy=answer.remedy
    )
