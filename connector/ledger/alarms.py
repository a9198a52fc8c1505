"""Alarms and the news of them: kept here, so that of several replicas one tells each change, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.database import Database
from connector.ledger.service_tables import alarm, news

Key: TypeAlias = tuple[str, str]
"""Kind and subject."""

RAISED, RECOVERED = "raised", "recovered"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is to be told to one channel."""

    id: int
    event: str  # RAISED or RECOVERED
    channel: str
    attempts: int
    kind: str
    subject: str
    detail: str
    began_at: datetime
    ended_at: datetime | None


class AlarmStore:
    """Each method is one transaction.

    Raises: UnavailableError from any method when the database does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def open(self) -> Mapping[Key, int]:
        """Give the open alarms and their ids."""
        with self._database.read() as connection:
            return _open(connection)

    def settle(self, active: Mapping[Key, str], channels: Sequence[str], now: datetime) -> None:
        """Let exactly these alarms be open; what changes becomes news for the channels."""
        if self.open().keys() == active.keys():
            return
        with self._database.write() as connection:
            before = _open(connection)
            for key in sorted(active.keys() - before.keys()):
                self._raise(connection, key, active[key], channels, now)
            for key in sorted(before.keys() - active.keys()):
                self._end(connection, before[key], channels, now)

    def take(self, now: datetime, *, until: datetime, limit: int) -> tuple[News, ...]:
        """Give news that are due; nobody else gets them before `until`."""
        due = news.c.due_at <= now
        with self._database.read() as connection:
            if connection.execute(select(news.c.id).where(due).limit(1)).first() is None:
                return ()
        chosen = select(news.c.id).where(due).order_by(news.c.id).limit(limit)
        with self._database.write() as connection:
            ids = list(connection.execute(chosen.with_for_update(skip_locked=True)).scalars())
            connection.execute(
                update(news).where(news.c.id.in_(ids)).values(due_at=until, attempts=news.c.attempts + 1)
            )
            columns = (
                *(news.c.id, news.c.event, news.c.channel, news.c.attempts),
                *(alarm.c.kind, alarm.c.subject, alarm.c.detail, alarm.c.began_at, alarm.c.ended_at),
            )
            rows = connection.execute(
                select(*columns)
                .join(alarm, news.c.alarm_id == alarm.c.id)
                .where(news.c.id.in_(ids))
                .order_by(news.c.id)
            ).mappings()
            return tuple(News(**dict(row)) for row in rows)

    def told(self, each: News, now: datetime) -> None:
        """Record that the channel took it."""
        self._change(each, due_at=None, told_at=now, failure=None)

    def failed(self, each: News, reason: str, due_at: datetime | None) -> None:
        """Record that it did not, and when to try again; None: not any more."""
        self._change(each, due_at=due_at, failure=reason)

    def _change(self, each: News, **values: datetime | str | None) -> None:
        with self._database.write() as connection:
            connection.execute(update(news).where(news.c.id == each.id).values(**values))

    def _raise(
        self, connection: Connection, key: Key, detail: str, channels: Sequence[str], now: datetime
    ) -> None:
        kind, subject = key
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        row = {"kind": kind, "subject": subject, "detail": detail, "began_at": now, "open_key": _key(key)}
        new = dialect.insert(alarm).values(**row).on_conflict_do_nothing().returning(alarm.c.id)
        alarm_id = connection.execute(new).scalar()
        if alarm_id is not None:  # else another replica was quicker, and tells it
            _tell(connection, alarm_id, RAISED, channels, now)

    def _end(self, connection: Connection, alarm_id: int, channels: Sequence[str], now: datetime) -> None:
        is_open = (alarm.c.id == alarm_id, alarm.c.open_key.is_not(None))
        ended = connection.execute(update(alarm).where(*is_open).values(ended_at=now, open_key=None))
        if ended.rowcount:
            _tell(connection, alarm_id, RECOVERED, channels, now)


def _open(connection: Connection) -> Mapping[Key, int]:
    rows = connection.execute(select(alarm).where(alarm.c.open_key.is_not(None))).mappings()
    return {(row["kind"], row["subject"]): row["id"] for row in rows}


def _tell(connection: Connection, alarm_id: int, event: str, channels: Sequence[str], now: datetime) -> None:
    rows = [
        {"alarm_id": alarm_id, "event": event, "channel": channel, "due_at": now, "attempts": 0}
        for channel in channels
    ]
    if rows:
        connection.execute(insert(news), rows)


def _key(key: Key) -> str:
    return " ".join(key)
