"""From what Salesforce answered to outcomes of the adapter's contract. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from connector.adapters.base import Outcome
from connector.adapters.salesforce.answers import Committed, NotTried, Refused, Unclear
from connector.adapters.salesforce.failures import record_error
from connector.adapters.salesforce.faults import Fault, Kind, rule_for
from connector.adapters.salesforce.sending import Result, Results
from connector.errors import (
    AccessRefusedError,
    BusyError,
    OutcomeUnknownError,
    TemporaryError,
    ThrottledError,
)
from connector.record import Receipt, Record

_NOT_TRIED_PAUSE = timedelta(seconds=5)

MakeReceipt = Callable[[Record, Committed], Receipt]


def outcomes_of(
    records: Sequence[Record], results: Results, make_receipt: MakeReceipt, now: datetime
) -> list[Outcome]:
    """Give one outcome per record, in order.

    Raises: what concerns every record of the batch alike.
    """
    _raise_what_all_share([results[at] for at in range(len(records))])
    return [_outcome(record, results[at], make_receipt, now) for at, record in enumerate(records)]


def _outcome(record: Record, result: Result, make_receipt: MakeReceipt, now: datetime) -> Outcome:
    match result:
        case Committed():
            return make_receipt(record, result)
        case Refused():
            return record_error(_by_place(result), now=now)
        case NotTried():
            # Not to blame, so that this is no attempt.
            return BusyError(
                "Salesforce stopped before this record: too many others of the call failed",
                until=now + _NOT_TRIED_PAUSE,
            )
        case Unclear():
            return OutcomeUnknownError(f"Salesforce took the call, but {result.reason}")
        case _:
            return result


def _by_place(result: Refused) -> dict[str, Fault]:
    return {result.places.get(reference, reference): fault for reference, fault in result.faults.items()}


def _raise_what_all_share(results: Sequence[Result]) -> None:
    first = results[0] if results else None
    if (
        isinstance(first, TemporaryError | ThrottledError | AccessRefusedError)
        and not isinstance(first, BusyError)  # says nothing of the others, also when there is none
        and all(result is first for result in results)
    ):
        raise first
    if len(results) > 1 and all(_lacks_right(result) for result in results) and isinstance(first, Refused):
        # One record may be out of reach; when all are, it is the user's rights.
        fault = next(iter(first.faults.values()))
        raise AccessRefusedError(
            f"Salesforce refused access to all {len(results)} records: {fault}",
            remedy=rule_for(fault).remedy,
            remote=fault.remote,
        )


def _lacks_right(result: Result) -> bool:
    return isinstance(result, Refused) and any(
        rule_for(fault).kind is Kind.RIGHTS for fault in result.faults.values()
    )
