"""The processes of `run` on one ledger, and which configuration each uses."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.database import Database
from connector.ledger.service_tables import replica

GONE_AFTER = timedelta(minutes=2)  # without a sign: it was killed, or stands still
FORGOTTEN_AFTER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One process, as it last showed itself."""

    name: str
    version: str
    started_at: datetime
    seen_at: datetime
    config_read_at: datetime
    config_refused: str | None = None

    def is_gone(self, now: datetime) -> bool:
        """Tell whether it has not shown itself for a while."""
        return now - self.seen_at > GONE_AFTER


class ReplicaStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def show(self, mine: Replica) -> None:
        """Store how this process is, and forget those that were gone long ago."""
        with self._database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            upsert = dialect.insert(replica).values(**asdict(mine))
            same = {name: upsert.excluded[name] for name in asdict(mine) if name != "name"}
            connection.execute(upsert.on_conflict_do_update(index_elements=["name"], set_=same))
            connection.execute(delete(replica).where(replica.c.seen_at < mine.seen_at - FORGOTTEN_AFTER))

    def leave(self, name: str) -> None:
        """Forget this process: it ends."""
        with self._database.write() as connection:
            connection.execute(delete(replica).where(replica.c.name == name))

    def all(self) -> tuple[Replica, ...]:
        """Give those that are known, the oldest first."""
        with self._database.read() as connection:
            rows = connection.execute(
                select(replica).order_by(replica.c.started_at, replica.c.name)
            ).mappings()
            return tuple(Replica(**dict(row)) for row in rows)
