"""Delivers records to a SOAP ERP: one call at a time, as the profile says."""

from collections.abc import Sequence
from datetime import timedelta

from connector.adapters.base import Finding, Found, Idempotency, Outcome, TargetObject, TokenLife
from connector.adapters.soap.check import check_erp
from connector.adapters.soap.delivery import deliver_record, find_record, read_record
from connector.adapters.soap.describe import describe_object
from connector.adapters.soap.erp import Erp
from connector.adapters.soap.load import load_profile
from connector.adapters.soap.settings import SoapSettings
from connector.adapters.soap.uses import Uses, refuse_unused, uses_of
from connector.clock import Clock
from connector.errors import (
    AccessRefusedError,
    ConnectorError,
    TemporaryError,
    ThrottledError,
    UnavailableError,
)
from connector.record import Receipt, Record, RecordShape


class SoapAdapter:
    """Keeps the contract of `Adapter` for one ERP. Safe to use from several threads."""

    batch_size = 1  # one call carries one record: a crash leaves no more than one in doubt

    def __init__(self, settings: SoapSettings, *, clock: Clock) -> None:
        profile = load_profile(settings.profile)
        self._profile = profile
        self._clock = clock
        self._erp = Erp(profile, settings, clock)
        self._uses: Uses = uses_of(profile)
        self._settings = settings
        self.settle = timedelta(seconds=profile.in_doubt.settle_seconds)
        self.idempotency = _idempotency(profile.idempotency.class_, can_look=bool(profile.lookups))

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Deliver each record by itself; after an error that meets the others too, those are not tried."""
        outcomes: list[Outcome] = []
        for record in records:
            outcomes.append(self._deliver(record))
            if isinstance(outcomes[-1], AccessRefusedError | ThrottledError | UnavailableError):
                outcomes += [outcomes[-1]] * (len(records) - len(outcomes))
                break
        first = outcomes[0] if outcomes else None
        shared = len(outcomes) == 1 or all(outcome is first for outcome in outcomes)
        if shared and isinstance(first, TemporaryError | ThrottledError | AccessRefusedError):
            raise first
        return outcomes

    def calls_for(self, documents: int, _shapes: Sequence[RecordShape]) -> int:
        """Count every lookup, every step and what is read back."""
        return documents * self._profile.calls_at_most

    def lookup(self, records: Sequence[Record]) -> Sequence[Found]:
        """Ask for each record in every place that the profile names."""
        found: list[Found] = []
        for record in records:
            try:
                found.append(find_record(self._erp, record, self._clock))
            except ConnectorError as error:
                if len(records) == 1 or isinstance(
                    error, AccessRefusedError | ThrottledError | UnavailableError
                ):
                    raise
                found.append(error)
        return found

    def find(self, record: Record, receipt_id: str) -> Receipt | None:
        """Ask for a record by the ERP's own id, as the profile's `read` says."""
        return read_record(self._erp, record, receipt_id, self._clock)

    def check(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        """Compare settings, WSDL, operations, credentials and the fields of `shapes` with the profile."""
        return check_erp(self._erp, self._settings, self._uses, shapes)

    def describe(self, object_name: str) -> TargetObject:
        """Give what mappings can write into the object of the profile."""
        return describe_object(self._erp, object_name)

    def tokens(self) -> Sequence[TokenLife]:
        """Give the access token and the session that are held."""
        return tuple(self._erp.credentials.tokens())

    def close(self) -> None:
        """End the session and close the connections."""
        self._erp.close()

    def _deliver(self, record: Record) -> Outcome:
        try:
            refuse_unused(self._profile, self._uses, record)
            receipt: Receipt = deliver_record(self._erp, record, self._clock)
        except ConnectorError as error:
            return error
        return receipt


def _idempotency(class_: str, *, can_look: bool) -> Idempotency:
    if class_ == "native":
        return Idempotency.NATIVE
    return Idempotency.LOOKUP if can_look else Idempotency.CREATE_ONLY
