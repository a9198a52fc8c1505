from datetime import timedelta
from typing import Any

import pytest

from connector.ledger import snapshots as module
from connector.ledger.snapshots import Stored
from connector.ledger.store import Store
from tests.factories import NOON, HandClock, make_found


def ids(store: Store, **parts: Any) -> list[str]:
    wanted = Stored(**{"document_type": "invoice", "since": NOON - timedelta(days=1), **parts})
    found = [delivery.document_id for delivery in store.snapshots.read(wanted)]
    assert store.snapshots.count(wanted) == len(found)
    return found


def test_every_document_comes_once_over_several_pages(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 2)
    store.record_listing("p", [make_found(str(number)) for number in range(5)], None)

    assert ids(store) == ["0", "1", "2", "3", "4"]


def test_snapshots_come_with_the_document_as_it_was_received(store: Store) -> None:
    store.record_listing("p", [make_found("a", snapshot=b'{"id": "a"}')], None)

    [delivery] = store.snapshots.read(Stored(document_type="invoice", since=NOON))

    assert delivery.snapshot == b'{"id": "a"}'


def test_type_time_and_pipeline_choose(store: Store, clock: HandClock) -> None:
    store.record_listing("p", [make_found("old")], None)
    clock.advance(timedelta(hours=1))
    store.record_listing("p", [make_found("new"), make_found("other", document_type="receipt")], None)
    store.record_listing("q", [make_found("elsewhere")], None)

    assert ids(store, since=clock.now) == ["new", "elsewhere"]
    assert ids(store, pipeline="p") == ["old", "new"]
    assert ids(store, document_type="receipt") == ["other"]
