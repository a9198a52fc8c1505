"""The rows of an org, with transactions. Rows are never changed in place: a write replaces the row."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeAlias

from connector.sandbox.journal import Effect
from connector.sandbox.salesforce.ids import make_id
from connector.sandbox.salesforce.schema import Field, ObjectType, Schema

Row: TypeAlias = Mapping[str, Any]


class Transaction:
    """What was changed so far: enough to undo it, and to tell of it once it is kept."""

    def __init__(self) -> None:
        self.undo: list[tuple[ObjectType, str, Row | None]] = []
        self.effects: list[Effect] = []


class Store:
    """Rows by object and id, found by external id and by reference without a scan."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._rows: dict[str, dict[str, Row]] = {found.name: {} for found in schema}
        self._index: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
        self._issued: Counter[str] = Counter()
        self._deleted: set[str] = set()
        self._open: Transaction | None = None

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Keep every change made inside, or, when it ends with an exception, none."""
        if self._open is not None:
            raise RuntimeError("a transaction is open")
        self._open = transaction = Transaction()
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
                if field.reference_to == found.name:
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
        self._in_transaction().undo.append((found, record_id, self._replace(found, record_id, row)))

    def _in_transaction(self) -> Transaction:
        if self._open is None:
            raise RuntimeError("no transaction is open")
        return self._open

    def _replace(self, found: ObjectType, record_id: str, row: Row | None) -> Row | None:
        """Set or remove a row and its index entries; give what was there before."""
        found = self._schema.object(found.name)
        rows = self._rows[found.name]
        before = rows.get(record_id)
        if before is not None:
            for key in _index_entries(found, before):
                self._index[key].discard(record_id)
        if row is None:
            del rows[record_id]
            self._deleted.add(record_id)
            return before
        rows[record_id] = row
        self._deleted.discard(record_id)
        for key in _index_entries(found, row):
            self._index[key].add(record_id)
        return before

    def _undo(self, transaction: Transaction, mark: int) -> None:
        undone = transaction.undo[mark:]
        del transaction.undo[mark:]
        for found, record_id, before in reversed(undone):
            self._replace(found, record_id, before)
            if before is None:
                self._deleted.discard(record_id)
        # A restored row went to the end: put the order back as it was, oldest first.
        for name in {found.name for found, _, _ in undone}:
            self._rows[name] = dict(sorted(self._rows[name].items()))

    def _tell(self, kind: str, found: ObjectType, record_id: str, values: Row) -> None:
        if self._open is not None:
            effect = Effect(kind=kind, subject=f"{found.name}/{record_id}", values=dict(values))
            self._open.effects.append(effect)


def index_key(field: Field, value: object) -> str:
    """Give the form in which two values of a field are the same."""
    if isinstance(value, Decimal):
        return str(value.normalize())
    text = str(value)
    return text if field.case_sensitive or field.type == "reference" else text.lower()


def _index_entries(found: ObjectType, row: Row) -> Iterator[tuple[str, str, str]]:
    for field in found.fields:
        value = row[field.name]
        if value is not None and field.is_indexed:
            yield found.name, field.name, index_key(field, value)
