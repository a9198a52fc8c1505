"""The tables of the console, as `migrations/` creates them."""

from sqlalchemy import Column, Index, Integer, Table, Text

from connector.ledger.columns import Moment, RowId, Sealed, SearchKey, Words
from connector.ledger.naming import metadata

# Who is logged in to the console. Of the secret that a browser holds only a hash is kept.
console_session = Table(
    "console_session",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("person", Words, nullable=False),
    Column("role", Text, nullable=False),
    Column("stamp", Text),  # of the password that it began with; another one ends it
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

# Logins that are under way at an identity provider. Each is taken once.
console_errand = Table(
    "console_errand",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("nonce", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("next_path", Text, nullable=False),
    Column("began_at", Moment, nullable=False),
)

# Tries to log in that failed or are not over, by address and name; counted anew when a window has passed.
console_try = Table(
    "console_try",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("began_at", Moment, nullable=False),
)

# What people let the connector find out: comparisons of both sides, checks of connections. The oldest go.
report = Table(
    "report",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Words, nullable=False),
    Column("problems", Integer, nullable=False),
    Column("found", Sealed, nullable=False),  # JSON
    Index(None, "kind", "id"),
    sqlite_autoincrement=True,
)

# The words of parties' names: each name is kept once, however many documents it has.
party_word = Table(
    "party_word",
    metadata,
    Column("word", SearchKey, primary_key=True),
    Column("party_key", SearchKey, primary_key=True),
)

# What people agreed on about a group of dead letters. It stays when the last of them has gone through.
problem = Table(
    "problem",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("failure_class", Text, primary_key=True),
    Column("failure_cause", Words, primary_key=True),
    Column("owner", Words),
    Column("snoozed_until", Moment),
    Column("example", Words, nullable=False),  # one reason, as it was told
    Column("touched_at", Moment, nullable=False),
)

# Filters of the console's list of documents that somebody gave a name.
saved_view = Table(
    "saved_view",
    metadata,
    Column("name", Words, primary_key=True),
    Column("query", Words, nullable=False),  # as the address has it
    Column("actor", Words, nullable=False),
    Column("saved_at", Moment, nullable=False),
)
