"""The tables of the running service: its processes, what wakes them, what people are told.

As `migrations/` creates them.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)

from connector.ledger.columns import Moment, RowId, Words
from connector.ledger.naming import metadata

# The processes of `run`, so that anybody can see whether all of them use the same configuration.
replica = Table(
    "replica",
    metadata,
    Column("name", Text, primary_key=True),  # host and process
    Column("version", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("config_read_at", Moment, nullable=False),
    Column("config_refused", Words),  # why a later configuration is not in use
    Column("tokens", Text),  # JSON: of which targets it holds one, and how long each lasts; never the tokens
)

# What the listings of a pipeline bring: one that usually finds documents and finds none is suspicious.
harvest = Table(
    "harvest",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("listings", BigInteger, nullable=False),  # lately, without those that found nothing in a row
    Column("fruitful", BigInteger, nullable=False),  # of these
    Column("empty", BigInteger, nullable=False),  # in a row, until now
    Column("matched_at", Moment),  # when one last found something
)

# Documents that Docflo's webhook named, to be fetched; "": some document.
wakeup = Table(
    "wakeup",
    metadata,
    Column("document_id", Text, primary_key=True),  # named twice, fetched once
    Column("received_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
)

# States of affairs that a person should know of, from when to when.
alarm = Table(
    "alarm",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("detail", Words, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("open_key", Text),
    # One open alarm of a kind and subject: of several replicas, one tells it.
    UniqueConstraint("open_key"),
    CheckConstraint("(ended_at IS NULL) = (open_key IS NOT NULL)", name="open"),
    sqlite_autoincrement=True,
)

# What is to be told of an alarm, by channel.
news = Table(
    "news",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("alarm_id", RowId, ForeignKey("alarm.id"), nullable=False),
    Column("event", Text, nullable=False),  # "raised" or "recovered"
    Column("channel", Text, nullable=False),
    Column("due_at", Moment),  # none: told, or given up
    Column("attempts", Integer, nullable=False),
    Column("told_at", Moment),
    Column("failure", Words),
    Index(None, "due_at"),
    sqlite_autoincrement=True,
)
