"""The words of parties' names: what finds a party by any of them, however many documents it has.

A name is kept once, not for each document: companies have far fewer partners than invoices.
"""

import re
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.console_tables import party_word
from connector.ledger.search_keys import LAST, search_key

_WORD = re.compile(r"\w+")


def words_of(party_key: str) -> frozenset[str]:
    """Give the words of a name in the form that is searched: letters and digits, without what joins them."""
    return frozenset(_WORD.findall(party_key))


def learn_parties(connection: Connection, parties: Iterable[str | None]) -> None:
    """Note the words of names that are new.

    In one order everywhere, so that two listings never wait for each other.
    """
    keys = {key for party in parties if (key := search_key(party))}
    rows = sorted((word, key) for key in keys for word in words_of(key))
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(
        dialect.insert(party_word).on_conflict_do_nothing(),
        [{"word": word, "party_key": key} for word, key in rows],
    )


def parties_like(connection: Connection, typed_key: str, most: int) -> Sequence[str] | None:
    """Give the names in which what was typed begins a word; None when they are more than `most`."""
    words = words_of(typed_key)
    if not words:
        return ()
    longest = max(sorted(words), key=len)  # it tells names apart best
    columns = party_word.c
    statement = (
        select(columns.party_key)
        .where(columns.word >= longest, columns.word <= longest + LAST)
        .order_by(columns.word, columns.party_key)
        .limit(most + 1)
    )
    found = connection.execute(statement).scalars().all()
    if len(found) > most:
        return None
    begins_a_word = re.compile(rf"(?<!\w){re.escape(typed_key)}")
    return sorted({key for key in found if begins_a_word.search(key)})
