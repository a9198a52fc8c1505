"""The store's transactions and savepoints: what is undone, and what is kept."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Any

import pytest

from connector.sandbox.salesforce.catalog import standard_objects
from connector.sandbox.salesforce.schema import Schema
from connector.sandbox.salesforce.store import Store


class _UndoneError(Exception):
    pass


@contextmanager
def undone(block: AbstractContextManager[object]) -> Iterator[None]:
    """End a block with an exception, and swallow it."""
    with suppress(_UndoneError), ExitStack() as stack:
        stack.enter_context(block)
        yield
        stack.callback(_end)


def _end() -> None:
    raise _UndoneError


@pytest.fixture
def store() -> Store:
    return Store(Schema(standard_objects()))


def insert(store: Store, name: str, **values: Any) -> str:
    return store.insert(Schema(standard_objects()).object(name), values)


def names(store: Store, name: str, field: str) -> list[Any]:
    return [row[field] for row in store.rows(Schema(standard_objects()).object(name))]


def test_a_savepoint_undoes_its_own_changes_and_no_others(store: Store) -> None:
    with store.transaction() as transaction:
        insert(store, "Account", Name="before")
        with undone(store.savepoint()):
            insert(store, "Account", Name="inside")
        insert(store, "Account", Name="after")
    assert names(store, "Account", "Name") == ["before", "after"]
    assert [effect.values["Name"] for effect in transaction.effects] == ["before", "after"]


def test_a_transaction_undoes_what_a_savepoint_kept(store: Store) -> None:
    with undone(store.transaction()), store.savepoint():
        insert(store, "Account", Name="inside")
    assert names(store, "Account", "Name") == []


def test_a_cascade_is_undone_with_its_delete(store: Store) -> None:
    schema = Schema(standard_objects())
    with store.transaction():
        invoice = insert(store, "Invoice__c", Docflo_Id__c="1")
        insert(store, "Invoice_Line__c", Docflo_Key__c="1:1", Invoice__c=invoice)
    with store.transaction(), undone(store.savepoint()):
        store.delete(schema.object("Invoice__c"), invoice)
        assert names(store, "Invoice_Line__c", "Docflo_Key__c") == []
    assert names(store, "Invoice_Line__c", "Docflo_Key__c") == ["1:1"]
    key = schema.object("Invoice_Line__c").field("Docflo_Key__c")
    assert key is not None
    assert len(store.find(schema.object("Invoice_Line__c"), key, "1:1")) == 1
