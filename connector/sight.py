"""Config -> the ledger and what it holds, and Docflo for a person: what needs no pipeline and no target."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256

import structlog

from connector.clock import Clock, utc_now
from connector.config import Config
from connector.docflo.budget import Lane, Plan, Window
from connector.docflo.client import DocfloClient
from connector.docflo.shared_budget import SharedBudget
from connector.errors import ConfigError, UnavailableError
from connector.ledger.backfills import BackfillStore
from connector.ledger.breaker import BreakerStore
from connector.ledger.budget import BudgetStore
from connector.ledger.database import Database, open_database
from connector.ledger.pauses import PauseStore
from connector.ledger.replicas import ReplicaStore
from connector.ledger.seal import Seal
from connector.ledger.store import Store
from connector.pipeline.breaker import Breakers

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """The ledger, what is left of the budget, and who is left alone."""

    store: Store
    backfills: BackfillStore
    budget: SharedBudget
    breakers: Breakers
    replicas: ReplicaStore
    pauses: PauseStore


@contextmanager
def open_ledger(config: Config, *, clock: Clock = utc_now) -> Iterator[Store]:
    """Open the ledger alone, for commands that only look at it or change it."""
    with open_sight(config, clock=clock) as sight:
        yield sight.store


def open_ledger_database(config: Config) -> Database:
    """Give the ledger's database with the keys that open its documents.

    Raises: ConfigError for a key that is missing or is none.
    """
    return open_database(config.database, make_seal(config))


def make_seal(config: Config) -> Seal:
    """Give the keys that open stored documents.

    Raises: ConfigError for a key that is missing or is none.
    """
    try:
        keys = [key.reveal() for key in config.storage.encryption_keys]
    except ValueError as error:
        raise ConfigError(f"storage.encryption_keys: {error}") from error
    return Seal(keys)


@contextmanager
def open_sight(config: Config, *, clock: Clock = utc_now) -> Iterator[Sight]:
    """Open everything that the database holds, and no connection to anybody else."""
    database = open_ledger_database(config)
    try:
        database.require_current_schema()
        yield Sight(
            store=Store(database, clock=clock),
            backfills=BackfillStore(database, clock=clock),
            budget=make_budget(config, database, clock=clock),
            breakers=Breakers(BreakerStore(database), clock=clock),
            replicas=ReplicaStore(database),
            pauses=PauseStore(database),
        )
    finally:
        database.close()


def make_budget(config: Config, database: Database, *, clock: Clock, backfill: int = 100) -> SharedBudget:
    """Give this process's part of the budget that belongs to the API key.

    The ledger knows the key by a hash of where it is kept, never by its value: a rotated key goes on with
    the same budget, and replicas share it as long as their configurations name the same place.
    """
    docflo = config.docflo
    named = f"{docflo.base_url}\n{docflo.tenant_id}\n{docflo.api_key.reference}"
    store = BudgetStore(database, sha256(named.encode()).hexdigest(), Window())
    plan = Plan(requests_per_hour=docflo.requests_per_hour, share=docflo.share, backfill=backfill)
    return SharedBudget(store, plan=plan, clock=clock)


def release(budget: SharedBudget) -> None:
    """Give back what was reserved and not sent, if the ledger is there."""
    try:
        budget.release()
    except UnavailableError as error:
        # What was reserved is lost until the window ends; it hides no error that brought us here.
        log.warning("budget.notreleased", reason=error.message)


@contextmanager
def docflo_by_hand(config: Config, *, clock: Clock = utc_now) -> Iterator[DocfloClient]:
    """Open Docflo for what a person asks for. It spends from the budget that the replicas share.

    Without a ledger nothing is known of a budget: then Docflo's own refusal is the only limit.
    """
    with ExitStack() as stack:
        budget = _budget_if_known(config, stack, clock)
        docflo = stack.enter_context(DocfloClient(config.docflo, clock=clock, budget=budget))
        yield docflo.lane(Lane.BY_HAND)


def _budget_if_known(config: Config, stack: ExitStack, clock: Clock) -> SharedBudget | None:
    try:
        database = open_database(config.database)
        stack.callback(database.close)
        database.require_current_schema()
    except (ConfigError, UnavailableError) as error:
        log.debug("budget.unknown", reason=error.message)
        return None
    budget = make_budget(config, database, clock=clock)
    stack.callback(release, budget)
    return budget


def upgrade_database(config: Config) -> None:
    """Bring the ledger to the schema of this version."""
    database = open_database(config.database)
    try:
        database.upgrade()
    finally:
        database.close()
