"""Who is logged in to the console, and who tries to be, for all replicas alike.

What a browser or an identity provider holds is known here by a hash only: whoever reads the database cannot
use it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import case, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.console_tables import console_errand, console_session, console_try
from connector.ledger.database import Database

ERRAND_LASTS = timedelta(minutes=10)
_SEEN_EVERY = timedelta(minutes=1)  # reading a page need not be a write each time


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One browser that is logged in."""

    person: str
    role: str
    stamp: str | None  # of the password that it began with; None: an identity provider vouched
    began_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """A login under way at an identity provider."""

    nonce: str
    verifier: str
    next_path: str
    began_at: datetime


def mark_of(secret: str) -> str:
    """Give what is stored of a random secret. It is long: no salt, and no slow hash."""
    return sha256(secret.encode()).hexdigest()


class SessionStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database, *, idle: timedelta, lasts: timedelta) -> None:
        self._database = database
        self._idle = idle
        self._lasts = lasts

    def begin(self, secret: str, session: Session) -> None:
        """Remember a browser; forget those whose time is over."""
        columns, now = console_session.c, session.began_at
        over = (columns.seen_at <= now - self._idle) | (columns.began_at <= now - self._lasts)
        with self._database.write() as connection:
            connection.execute(delete(console_session).where(over))
            connection.execute(insert(console_session).values(mark=mark_of(secret), **asdict(session)))

    def find(self, secret: str, now: datetime, *, is_alive: bool = True) -> Session | None:
        """Give the session of a browser; None when it is over. `is_alive`: a person asks, not a timer."""
        columns, mark = console_session.c, mark_of(secret)
        with self._database.read() as connection:
            row = connection.execute(select(console_session).where(columns.mark == mark)).mappings().first()
        if row is None:
            return None
        session = Session(**{name: row[name] for name in Session.__dataclass_fields__})
        if now - session.seen_at >= self._idle or now - session.began_at >= self._lasts:
            return None
        if is_alive and now - session.seen_at >= _SEEN_EVERY:
            with self._database.write() as connection:
                connection.execute(update(console_session).where(columns.mark == mark).values(seen_at=now))
        return session

    def end(self, secret: str) -> None:
        """Forget a browser."""
        with self._database.write() as connection:
            connection.execute(delete(console_session).where(console_session.c.mark == mark_of(secret)))


class ErrandStore:
    """Logins under way. Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, secret: str, errand: Errand) -> None:
        """Remember one; forget those that nobody came back from."""
        with self._database.write() as connection:
            connection.execute(
                delete(console_errand).where(console_errand.c.began_at <= errand.began_at - ERRAND_LASTS)
            )
            connection.execute(insert(console_errand).values(mark=mark_of(secret), **asdict(errand)))

    def take(self, secret: str, now: datetime) -> Errand | None:
        """Give one, once; None when it is not known, is over, or was taken before."""
        gone = delete(console_errand).where(console_errand.c.mark == mark_of(secret))
        with self._database.write() as connection:
            row = connection.execute(gone.returning(*console_errand.c)).mappings().first()
        if row is None or row["began_at"] <= now - ERRAND_LASTS:
            return None
        return Errand(**{name: row[name] for name in Errand.__dataclass_fields__})


class TryStore:
    """Tries to log in, counted by subject within a window. Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database, *, window: timedelta) -> None:
        self._database = database
        self._window = window

    def count(self, limits: Mapping[str, int], now: datetime) -> datetime | None:
        """Count a try of each subject before it is made; None: go on; else when to come back.

        Counting comes first, so that tries at the same time, also on other replicas, cannot share one place.
        A refused try is not counted: it costs no write.
        """
        columns, began = console_try.c, now - self._window
        mine = columns.subject.in_(limits)
        with self._database.read() as connection:
            rows = connection.execute(select(console_try).where(mine, columns.began_at > began)).all()
        over: list[datetime] = [row.began_at for row in rows if row.tries >= limits[row.subject]]
        if over:
            return max(over) + self._window
        with self._database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            connection.execute(delete(console_try).where(columns.began_at <= began))
            for subject, limit in sorted(limits.items()):
                new = dialect.insert(console_try).values(subject=subject, tries=1, began_at=now)
                counted = new.on_conflict_do_update(
                    index_elements=["subject"],
                    set_={
                        "tries": case((columns.began_at <= began, 1), else_=columns.tries + 1),
                        "began_at": case((columns.began_at <= began, now), else_=columns.began_at),
                    },
                ).returning(columns.tries, columns.began_at)
                row = connection.execute(counted).one()
                if row.tries > limit:
                    over.append(row.began_at)
        return max(over) + self._window if over else None

    def take_back(self, subjects: Iterable[str]) -> None:
        """Count one try less of each of these subjects: it was a good one."""
        columns = console_try.c
        with self._database.write() as connection:
            mine = columns.subject.in_(list(subjects)), columns.tries > 0
            connection.execute(update(console_try).where(*mine).values(tries=columns.tries - 1))
