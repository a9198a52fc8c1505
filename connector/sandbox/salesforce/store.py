"""The rows of an org, with transactions. Rows are never changed in place: a write replaces the row."""

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from connector.sandbox.journal import Effect
from connector.sandbox.salesforce.ids import make_id
from connector.sandbox.salesforce.locks import Guard
from connector.sandbox.salesforce.row_keys import Row, index_entries, index_key, lock_keys, unique_key
from connector.sandbox.salesforce.schema import Field, ObjectType, Schema

Change: TypeAlias = tuple[ObjectType, str, Row | None]


class Transaction:
    """What was changed so far: enough to undo it, and to tell of it once it is kept."""

    def __init__(self, guard: Guard | None, raced: Collection[str]) -> None:
        self.guard = guard
        self.raced = raced  # keys that were held when the work was first tried
        self.undo: list[Change] = []
        self.effects: list[Effect] = []
        self.locked: set[str] = set()
        self.held_back: list[Change] = []  # to be done once the hold time is over


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An org's records at one moment. Equal to another when every row is, numbers given out apart."""

    rows: Mapping[str, Mapping[str, Row]]
    issued: Mapping[str, int] = dataclasses.field(compare=False)
    deleted: frozenset[str]


class Store:
    """Rows by object and id, found by external id and by reference without a scan."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._rows: dict[str, dict[str, Row]] = {found.name: {} for found in schema}
        self._index: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        self._issued: Counter[str] = Counter()
        self._deleted: set[str] = set()
        self._open: Transaction | None = None

    def snapshot(self) -> Snapshot:
        """Give everything as it is."""
        return Snapshot(
            rows={name: dict(rows) for name, rows in self._rows.items()},
            issued=dict(self._issued),
            deleted=frozenset(self._deleted),
        )

    def restore(self, snapshot: Snapshot) -> None:
        """Make everything as it was."""
        self._rows = {name: dict(rows) for name, rows in snapshot.rows.items()}
        self._issued = Counter(snapshot.issued)
        self._deleted = set(snapshot.deleted)
        self._index.clear()
        for name, rows in self._rows.items():
            for record_id, row in rows.items():
                for key in index_entries(self._schema.object(name), row):
                    self._index[key].add(record_id)

    @property
    def schema(self) -> Schema:
        """All objects, whatever a user sees of them."""
        return self._schema

    @contextmanager
    def transaction(
        self, *, guard: Guard | None = None, raced: Collection[str] = ()
    ) -> Iterator[Transaction]:
        """Keep every change made inside, or, when it ends with an exception, none.

        `guard` is called with the key of every row before it is touched.
        """
        if self._open is not None:
            raise RuntimeError("a transaction is open")
        self._open = transaction = Transaction(guard, raced)
        try:
            yield transaction
        except BaseException:
            self._undo(transaction, 0)
            raise
        finally:
            self._open = None

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what was done inside, and no more, when it ends with an exception. The transaction goes on."""
        transaction = self._in_transaction()
        undone, told = len(transaction.undo), len(transaction.effects)
        try:
            yield
        except BaseException:
            self._undo(transaction, undone)
            del transaction.effects[told:]
            raise

    def hold_back(self) -> None:
        """Take the open transaction's changes back for now; `apply` does them later."""
        transaction = self._in_transaction()
        latest = {(found.name, record_id): found for found, record_id, _ in transaction.undo}
        transaction.held_back = [
            (found, record_id, self.get(found, record_id)) for (_, record_id), found in latest.items()
        ]
        self._undo(transaction, 0)

    def apply(self, transaction: Transaction) -> None:
        """Do what was held back. Its rows are locked, so that nobody has changed them meanwhile."""
        for found, record_id, row in transaction.held_back:
            if row is not None or self.get(found, record_id) is not None:
                self._replace(found, record_id, row)
        self._sort(transaction.held_back)

    def was_raced(self, found: ObjectType, field: Field, value: object) -> bool:
        """Tell whether another transaction was writing this key when the open one first looked for it."""
        return unique_key(found, field, value) in self._in_transaction().raced

    def issue_number(self, sequence: str) -> int:
        """Give the sequence's next number. As in a real org, a rollback leaves a gap."""
        self._issued[sequence] += 1
        return self._issued[sequence]

    def rows(self, found: ObjectType) -> tuple[Row, ...]:
        """Give all rows, oldest first."""
        return tuple(self._rows[found.name].values())

    def get(self, found: ObjectType, record_id: str) -> Row | None:
        """Give a row by its 18-character id."""
        return self._rows[found.name].get(record_id)

    def was_deleted(self, record_id: str) -> bool:
        """Tell whether the row existed once."""
        return record_id in self._deleted

    def find(self, found: ObjectType, field: Field, value: object) -> tuple[Row, ...]:
        """Give the rows with this value in an indexed field."""
        ids = self._index.get((found.name, field.name, index_key(field, value)), set())
        return tuple(self._rows[found.name][record_id] for record_id in sorted(ids))

    def insert(self, found: ObjectType, values: Row, record_id: str = "") -> str:
        """Add a row; give its id, a new one unless it is given."""
        record_id = record_id or make_id(found.key_prefix, self.issue_number(found.name))
        found = self._schema.object(found.name)  # the whole object: a user's view may lack fields
        row = {field.name: values.get(field.name, field.default) for field in found.fields}
        row["Id"] = record_id
        self._put(found, record_id, row)
        given = {field.name: row[field.name] for field in found.fields if field.createable}
        self._tell(
            "created", found, record_id, {name: value for name, value in given.items() if value is not None}
        )
        return record_id

    def update(self, found: ObjectType, record_id: str, values: Row, stamps: Row) -> None:
        """Replace values of a row."""
        self._put(found, record_id, {**self._rows[found.name][record_id], **values, **stamps})
        self._tell("updated", found, record_id, values)

    def delete(self, found: ObjectType, record_id: str) -> None:
        """Remove a row and its details; whoever merely looks it up loses the reference."""
        for child in self._schema:
            for field in child.fields:
                if field.reference_to == found.name or (field.is_master and not field.reference_to):
                    self._release(child, field, record_id)
        self._put(found, record_id, None)
        self._tell("deleted", found, record_id, {})

    def _release(self, child: ObjectType, field: Field, record_id: str) -> None:
        for row in self.find(child, field, record_id):
            if field.is_master:
                self.delete(child, row["Id"])
            else:
                self.update(child, row["Id"], {field.name: None}, {})

    def _put(self, found: ObjectType, record_id: str, row: Row | None) -> None:
        transaction = self._in_transaction()
        found = self._schema.object(found.name)  # the whole object: a user's view may lack fields
        if transaction.guard is not None:
            for key in lock_keys(found, record_id, self._rows[found.name].get(record_id), row):
                transaction.guard(key)
                transaction.locked.add(key)
        transaction.undo.append((found, record_id, self._replace(found, record_id, row)))

    def _in_transaction(self) -> Transaction:
        if self._open is None:
            raise RuntimeError("no transaction is open")
        return self._open

    def _replace(self, found: ObjectType, record_id: str, row: Row | None) -> Row | None:
        """Set or remove a row and its index entries; give what was there before."""
        rows = self._rows[found.name]
        before = rows.get(record_id)
        if before is not None:
            for key in index_entries(found, before):
                self._index[key].discard(record_id)
        if row is None:
            del rows[record_id]
            self._deleted.add(record_id)
            return before
        rows[record_id] = row
        self._deleted.discard(record_id)
        for key in index_entries(found, row):
            self._index[key].add(record_id)
        return before

    def _undo(self, transaction: Transaction, mark: int) -> None:
        undone = transaction.undo[mark:]
        del transaction.undo[mark:]
        for found, record_id, before in reversed(undone):
            self._replace(found, record_id, before)
            if before is None:
                self._deleted.discard(record_id)
        self._sort(undone)

    def _sort(self, changes: Collection[Change]) -> None:
        """Put rows that went to the end back in their place: oldest first."""
        for name in {found.name for found, _, _ in changes}:
            self._rows[name] = dict(sorted(self._rows[name].items()))

    def _tell(self, kind: str, found: ObjectType, record_id: str, values: Row) -> None:
        if self._open is not None:
            effect = Effect(kind=kind, subject=f"{found.name}/{record_id}", values=dict(values))
            self._open.effects.append(effect)
