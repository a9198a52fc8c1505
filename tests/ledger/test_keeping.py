"""What the ledger keeps of documents: for how long, and encrypted with which key."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from connector.errors import ConfigError
from connector.ledger.copying import copy_ledger
from connector.ledger.database import Database, open_database
from connector.ledger.delivery import State
from connector.ledger.keeping import forget, reseal
from connector.ledger.seal import Seal
from connector.ledger.store import Store
from connector.record import Receipt
from tests.factories import NOON, HandClock, make_found

PIPELINE = "invoices"
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def find(store: Store, *ids: str) -> None:
    store.record_listing(PIPELINE, [make_found(each, snapshot=each.encode()) for each in ids], None)


def complete(store: Store, state: State = State.PENDING) -> None:
    """Bring every pending delivery to its end."""
    claims = store.claim(PIPELINE, state, limit=100, owner="w", lease=timedelta(minutes=5))
    with store.outcomes() as outcomes:
        for claim in claims:
            outcomes.delivered(claim, Receipt(id="a01"))
    claims = store.claim(PIPELINE, State.DELIVERED, limit=100, owner="w", lease=timedelta(minutes=5))
    with store.outcomes() as outcomes:
        for claim in claims:
            outcomes.completed(claim)


def snapshots(store: Store) -> dict[str, bytes]:
    found = [store.get(delivery.id) for delivery in store.find(limit=100)]
    return {delivery.document_id: delivery.snapshot for delivery in found if delivery is not None}


def test_what_is_finished_long_enough_is_forgotten_and_nothing_else(any_database: Database) -> None:
    clock = HandClock(now=NOON)
    store = Store(any_database, clock=clock)
    find(store, "old")
    complete(store)
    clock.advance(timedelta(days=100))
    find(store, "young")
    complete(store)
    find(store, "open")

    forgotten = forget(any_database, clock.now - timedelta(days=90))

    kept = snapshots(store)
    assert forgotten == 1
    assert kept["old"] == b""
    assert b"young" in kept["young"]
    assert b"open" in kept["open"]
    assert forget(any_database, clock.now - timedelta(days=90)) == 0
    assert store.find(document_id="old")[0].headline == store.find(document_id="young")[0].headline


def raw(path: Path) -> list[bytes]:
    with sqlite3.connect(path) as connection:
        return [row[0] for row in connection.execute("SELECT snapshot FROM delivery ORDER BY id")]


def opened(path: Path, *keys: str) -> Database:
    database = open_database(f"sqlite:///{path}", Seal(keys))
    database.upgrade()
    return database


def test_documents_are_encrypted_and_read_again(tmp_path: Path) -> None:
    path = tmp_path / "sealed.db"
    database = opened(path, NEW)
    store = Store(database, clock=HandClock(now=NOON))
    find(store, "one")

    assert b"one" in snapshots(store)["one"]
    assert b"one" not in raw(path)[0]
    assert b"one" in Fernet(NEW).decrypt(raw(path)[0])
    database.close()


def test_reseal_encrypts_what_was_stored_plain_or_with_an_older_key(tmp_path: Path) -> None:
    path = tmp_path / "sealed.db"
    for keys, name in (((), "plain"), ((OLD,), "older")):
        database = opened(path, *keys)
        find(Store(database, clock=HandClock(now=NOON)), name)
        database.close()
    both = opened(path, NEW, OLD)
    before = snapshots(Store(both, clock=HandClock(now=NOON)))

    assert sum(reseal(both)) == 2
    both.close()

    newest = opened(path, NEW)
    assert snapshots(Store(newest, clock=HandClock(now=NOON))) == before
    assert all(Fernet(NEW).decrypt(stored) for stored in raw(path))
    newest.close()


def test_a_document_takes_less_room_than_it_has(tmp_path: Path) -> None:
    path = tmp_path / "packed.db"
    database = opened(path)
    store = Store(database, clock=HandClock(now=NOON))
    text = b'{"fields":{"Total":{"type":"currency"}}}' * 100

    store.record_listing(PIPELINE, [make_found("one", snapshot=text)], None)

    assert len(raw(path)[0]) < len(text) / 4
    assert snapshots(store)["one"] == text
    database.close()


def store_raw(path: Path, stored: bytes) -> None:
    """Put it into the row as an earlier version, or a failing disk, left it."""
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE delivery SET snapshot = ?", [stored])


def test_what_was_stored_before_anything_was_packed_is_read_and_resealed(tmp_path: Path) -> None:
    path = tmp_path / "earlier.db"
    database = opened(path)
    store = Store(database, clock=HandClock(now=NOON))
    find(store, "one")
    earlier = b'{"_id":"one"}' * 50
    store_raw(path, earlier)

    assert snapshots(store)["one"] == earlier
    assert sum(reseal(database)) == 1
    assert len(raw(path)[0]) < len(earlier)
    assert snapshots(store)["one"] == earlier
    database.close()


def test_a_damaged_document_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    database = opened(path)
    store = Store(database, clock=HandClock(now=NOON))
    find(store, "one")
    store_raw(path, raw(path)[0][:-3])

    with pytest.raises(ConfigError, match="damaged"):
        snapshots(store)
    database.close()


@pytest.mark.parametrize("keys", [(), (NEW,)], ids=["no key", "another key"])
def test_a_document_that_no_key_opens_is_a_clear_error(tmp_path: Path, keys: tuple[str, ...]) -> None:
    path = tmp_path / "sealed.db"
    database = opened(path, OLD)
    find(Store(database, clock=HandClock(now=NOON)), "one")
    database.close()
    other = opened(path, *keys)

    with pytest.raises(ConfigError, match=r"encrypted|none of the configured keys"):
        snapshots(Store(other, clock=HandClock(now=NOON)))
    other.close()


def test_a_text_that_is_no_key_is_refused_without_repeating_it() -> None:
    with pytest.raises(ConfigError) as caught:
        Seal(["hunter2"])

    assert "hunter2" not in str(caught.value) + caught.value.remedy


def test_a_copied_ledger_is_equal_and_goes_on_numbering(any_database: Database, tmp_path: Path) -> None:
    """From SQLite into each kind of database."""
    clock = HandClock(now=NOON)
    source = opened(tmp_path / "source.db")
    store = Store(source, clock=clock)
    find(store, "one", "two")
    complete(store)
    find(store, "three")

    copied = dict(copy_ledger(source, any_database, clock.now + timedelta(hours=1)))

    there = Store(any_database, clock=clock)
    assert copied["delivery"] == 3
    assert there.find(limit=10) == store.find(limit=10)
    assert snapshots(there) == snapshots(store)
    assert [there.events(each.id) for each in there.find(limit=10)] == [
        store.events(each.id) for each in store.find(limit=10)
    ]
    find(there, "four")
    assert len({each.id for each in there.find(limit=10)}) == 4
    source.close()


def test_a_ledger_that_somebody_works_on_is_not_copied(database: Database, tmp_path: Path) -> None:
    clock = HandClock(now=NOON)
    store = Store(database, clock=clock)
    find(store, "one")
    store.claim(PIPELINE, State.PENDING, limit=1, owner="w", lease=timedelta(minutes=5))
    target = opened(tmp_path / "target.db")

    with pytest.raises(ConfigError, match="at work"):
        list(copy_ledger(database, target, clock.now))
    target.close()


def test_a_ledger_is_not_copied_over_another(database: Database, tmp_path: Path) -> None:
    target = opened(tmp_path / "target.db")
    find(Store(target, clock=HandClock(now=NOON)), "one")

    with pytest.raises(ConfigError, match="not empty"):
        list(copy_ledger(database, target, NOON))
    target.close()
