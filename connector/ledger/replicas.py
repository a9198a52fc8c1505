"""The processes of `run` on one ledger, and which configuration each uses."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.database import Database
from connector.ledger.service_tables import replica

GONE_AFTER = timedelta(minutes=2)  # without a sign: it was killed, or stands still
FORGOTTEN_AFTER = timedelta(days=1)


class HeldToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a process knows of a token that it holds for a target."""

    target: str
    name: str  # "access token", "session"
    issued_at: datetime
    ends_at: datetime | None = None  # None: its server does not tell
    renewed_at: datetime | None = None  # None: when it is refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """One process, as it last showed itself."""

    name: str
    version: str
    started_at: datetime
    seen_at: datetime
    config_read_at: datetime
    config_refused: str | None = None
    tokens: str | None = None  # JSON, made by `written`; None: its version does not tell

    def is_gone(self, now: datetime) -> bool:
        """Tell whether it has not shown itself for a while."""
        return now - self.seen_at > GONE_AFTER

    @property
    def held(self) -> tuple[HeldToken, ...]:
        """The tokens that it held when it last showed itself."""
        return msgspec.json.decode(self.tokens, type=tuple[HeldToken, ...]) if self.tokens else ()


def written(tokens: Sequence[HeldToken]) -> str:
    """Give tokens as a replica shows them."""
    return msgspec.json.encode(tokens).decode()


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
