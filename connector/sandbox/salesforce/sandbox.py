"""The sandbox as a test or the demo holds it: an application to serve, its journal, its faults, its rows."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.types import ASGIApp

from connector.sandbox.faults import FaultMiddleware, Faults
from connector.sandbox.journal import Journal
from connector.sandbox.salesforce.admin import WithAdmin
from connector.sandbox.salesforce.api import Api, operation_of
from connector.sandbox.salesforce.bulk_jobs import Jobs
from connector.sandbox.salesforce.catalog import CURRENCIES, standard_objects
from connector.sandbox.salesforce.limits import LongRequests
from connector.sandbox.salesforce.locks import Holder, Locks
from connector.sandbox.salesforce.options import Options
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.pages import Pages
from connector.sandbox.salesforce.record_types import with_record_types
from connector.sandbox.salesforce.records import Records
from connector.sandbox.salesforce.rules import DuplicateRule, RecordFault, Rules, ValidationRule
from connector.sandbox.salesforce.schema import RECORD_TYPE, ObjectType, Schema
from connector.sandbox.salesforce.store import Snapshot, Store
from connector.sandbox.salesforce.tokens import Logins, Tokens
from connector.sandbox.salesforce.usage import Usage
from connector.sandbox.schedule import Schedule

API_VERSIONS = range(50, 68)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _sample_client() -> Mapping[str, str]:
    return {"sandbox-consumer": "sandbox-secret"}


def _filled_store(schema: Schema) -> Store:
    """Give an org without records: only its record types can be queried."""
    store = Store(schema)
    with store.transaction():
        for found in schema:
            for kind in found.record_types:
                row = {
                    "Name": kind.label,
                    "DeveloperName": kind.developer_name,
                    "SobjectType": found.name,
                    "IsDeleted": False,
                }
                store.insert(schema.object(RECORD_TYPE), row, kind.record_type_id)
    return store


@dataclass(kw_only=True, eq=False, repr=False)
class SalesforceSandbox:
    """One org. Serve `app` with `SandboxServer`; read `journal` and `rows`; plan `faults`.

    A user is named by the consumer key (client credentials) or the username (JWT).
    """

    clients: Mapping[str, str] = field(default_factory=_sample_client)  # consumer key -> secret
    jwt_users: Mapping[str, tuple[str, Collection[str]]] = field(
        default_factory=dict
    )  # key -> (PEM, usernames)
    jwt_audiences: Collection[str] = ()  # accepted as `aud` beside the org's own address
    clock: Callable[[], datetime] = _utc_now
    daily_limit: int = 100_000
    token_lifetime: timedelta = timedelta(hours=2)
    login_limit: int = 3_600  # an hour, for each user
    currencies: Sequence[str] = CURRENCIES
    versions: range = API_VERSIONS
    query_page_size: int = 2_000
    without_api: Collection[str] = ()  # users that may log in and nothing more
    hidden: Mapping[str, Collection[str]] = field(
        default_factory=dict
    )  # user -> "Account", "Invoice__c.Notes__c"
    objects: Sequence[ObjectType] = ()  # another set-up than the standard one

    validation_rules: Sequence[ValidationRule] = ()
    duplicate_rules: Sequence[DuplicateRule] = ()
    lock_wait: float = 10.0  # seconds until a writer that waits for a row is refused
    lock_hold: float = 0.0  # seconds that a transaction keeps its rows
    options: Options = field(default_factory=Options)

    app: ASGIApp = field(init=False)
    journal: Journal = field(init=False, default_factory=Journal)
    faults: Faults = field(init=False, default_factory=Faults)  # of whole requests
    record_faults: Schedule[RecordFault] = field(
        init=False, default_factory=Schedule[RecordFault]
    )  # of single rows

    def __post_init__(self) -> None:
        """Put the org together."""
        schema = Schema(with_record_types(self.objects or standard_objects(self.currencies)))
        self._locks = Locks(wait=self.lock_wait, hold=self.lock_hold)
        self._rules = Rules(
            validation=self.validation_rules, duplicates=self.duplicate_rules, faults=self.record_faults
        )
        self._org = Org(
            schema=schema,
            store=_filled_store(schema),
            rules=self._rules,
            locks=self._locks,
            options=self.options,
            logins=Logins(clients=self.clients, jwt_users=self.jwt_users, audiences=self.jwt_audiences),
            tokens=Tokens(self.token_lifetime, self.login_limit),
            usage=Usage(self.daily_limit),
            pages=Pages(self.query_page_size),
            jobs=Jobs(),
            journal=self.journal,
            versions=self.versions,
            without_api=self.without_api,
            hidden=self.hidden,
            long_requests=LongRequests(
                most=self.options.most_long_requests, seconds=self.options.long_seconds
            ),
            clock=self.clock,
            lock=threading.RLock(),
        )
        self._empty = self._org.store.snapshot()
        org = FaultMiddleware(
            Api(self._org), faults=self.faults, journal=self.journal, operation_of=operation_of
        )
        self.app = WithAdmin(org, self)

    def rows(self, object_name: str) -> tuple[dict[str, Any], ...]:
        """Give an object's rows as stored, oldest first: every field, numbers as Decimal, dates as text."""
        with self._org.lock:
            found = self._org.schema.object(object_name)
            return tuple(dict(row) for row in self._org.store.rows(found))

    def insert(self, object_name: str, fields: Mapping[str, Any]) -> str:
        """Add a record, as its owner would by hand; give its id. Validated, and not in the journal.

        Raises: ApiError as a request would get it.
        """
        with self._org.lock, self._org.store.transaction():
            records = Records(schema=self._org.schema, store=self._org.store, rules=Rules(), now=self.clock())
            return records.insert(self._org.schema.object(object_name), dict(fields))

    @property
    def logins(self) -> int:
        """Count the sessions that were opened."""
        return self._org.tokens.issued

    def job_states(self) -> tuple[str, ...]:
        """Give the state of each bulk job, oldest first."""
        with self._org.lock:
            return tuple(job.state for job in self._org.jobs.all())

    @contextmanager
    def held(self, *record_ids: str) -> Iterator[None]:
        """Hold rows inside the block, as another transaction would: writers wait, then are refused."""
        holder = Holder()
        with self._org.lock:
            self._locks.take(holder, record_ids)
        try:
            yield
        finally:
            with self._org.lock:
                self._locks.release(holder)

    def snapshot(self) -> Snapshot:
        """Give all records as they are, to compare with or to go back to."""
        with self._org.lock:
            return self._org.store.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Make all records as they were."""
        with self._org.lock:
            self._org.store.restore(snapshot)

    def reset(self) -> None:
        """Begin anew with an empty org: no records, jobs, calls, planned faults or journal. Sessions stay."""
        self.faults.clear()
        self.record_faults.clear()
        with self._org.lock:
            self._org.store.restore(self._empty)
            self._org.usage.forget()
            self._org.jobs.forget()
            self.journal.forget()

    def revoke_tokens(self) -> None:
        """End every session: the next call with a token is answered 401."""
        with self._org.lock:
            self._org.tokens.revoke()
