"""A target that lives in this process: for trying a mapping, and for tests that need a target to fail."""

import threading
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import structs
from pydantic import BaseModel, ConfigDict, Field

from connector.adapters.base import (
    Finding,
    HeldObject,
    Idempotency,
    OriginalFile,
    OriginalLink,
    Outcome,
    ReadBack,
    Severity,
    TargetField,
    TargetObject,
)
from connector.errors import ConfigError, ConnectorError, OutcomeUnknownError, RejectedError
from connector.record import Line, Receipt, Record, RecordShape, RecordValue, TargetQuery, parts


class MemorySettings(BaseModel):
    """A target that forgets everything when the process ends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    adapter: Literal["memory"]
    idempotency: Idempotency = Field(
        Idempotency.NATIVE, description="What the target pretends to promise: native, lookup or create_only."
    )
    batch_size: int = Field(25, ge=1, description="Documents that one call carries at most.")


class MemoryAdapter:
    """Keeps the contract of `Adapter` in a dictionary. Safe to use from several threads.

    `fields`: the fields each object has; what is not among them is rejected. None: everything is accepted.
    """

    def __init__(
        self, settings: MemorySettings, *, fields: Mapping[str, Collection[str]] | None = None
    ) -> None:
        self.idempotency = settings.idempotency
        self.batch_size = settings.batch_size
        self._fields = fields
        self._lock = threading.Lock()
        self._errors: deque[ConnectorError] = deque()
        self._answers_to_lose = 0
        self._held: dict[str, tuple[Receipt, Record]] = {}
        self._originals: dict[str, bytes] = {}
        self._shown: dict[str, set[str]] = {}  # receipt id -> keys
        self.created = 0  # objects ever made: more than `held` has if something was made twice

    @property
    def held(self) -> Mapping[str, tuple[Receipt, Record]]:
        """Give what the target has, by record key."""
        with self._lock:
            return dict(self._held)

    def originals(self, receipt_id: str) -> Mapping[str, bytes]:
        """Give the originals beside a record, by key."""
        with self._lock:
            return {key: self._originals[key] for key in self._shown.get(receipt_id, ())}

    def fail_next(self, error: ConnectorError) -> None:
        """Let the next call of `deliver` raise this and do nothing. Several are raised in order."""
        self._errors.append(error)

    def lose_answer_next(self) -> None:
        """Let the next call of `deliver` do its work and then raise as if no answer had come."""
        self._answers_to_lose += 1

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        """Hold each record that fits the known fields."""
        with self._lock:
            if self._errors:
                raise self._errors.popleft()
            outcomes = [self._hold(record) for record in records]
            if self._answers_to_lose:
                self._answers_to_lose -= 1
                raise OutcomeUnknownError("the answer was lost, as asked")
            return outcomes

    def lookup(self, records: Sequence[Record]) -> Sequence[Receipt | None]:
        """Give the receipts of those that are held."""
        held = self.held
        return [
            structs.replace(held[record.key][0], created=False) if record.key in held else None
            for record in records
        ]

    def find(self, record: Record, receipt_id: str) -> Receipt | None:
        """Give the receipt with this id, of the same kind of object."""
        fitting = (
            receipt
            for receipt, held in self.held.values()
            if receipt.id == receipt_id and held.object == record.object
        )
        return next(fitting, None)

    def query(self, queries: Sequence[TargetQuery]) -> Mapping[TargetQuery, tuple[str, ...]]:
        """Look through everything that is held, lines and companions too."""
        held = [item for _, record in self.held.values() for item in parts(record)]
        return {
            query: tuple(
                str(item.fields[query.wanted])
                for item in held
                if item.object == query.object
                and item.fields.get(query.field) == query.value
                and item.fields.get(query.wanted) is not None
            )
            for query in queries
        }

    def show_original(self, key: str, receipt_id: str) -> str | None:
        """Show it beside the record, if it is held."""
        with self._lock:
            if key not in self._originals:
                return None
            self._shown.setdefault(receipt_id, set()).add(key)
            return f"original {key}"

    def add_original(self, original: OriginalFile | OriginalLink, receipt_id: str) -> str:
        """Hold its contents, or its address; one key once."""
        if isinstance(original, OriginalFile):
            original.contents.seek(0)
            held = original.contents.read()
        else:
            held = original.url.encode()
        with self._lock:
            self._originals.setdefault(original.key, held)
        return self.show_original(original.key, receipt_id) or ""

    def check_originals(self) -> Sequence[Finding]:
        """Find nothing wrong."""
        return [Finding(severity=Severity.OK, subject="originals", message="any file is held")]

    def read_back(
        self, wanted: ReadBack, *, keys: Sequence[str], numbers: Sequence[str]
    ) -> Sequence[HeldObject]:
        """Look through everything that is held."""
        by_key, by_number = set(keys), set(numbers)
        return [each for each in self._read_back(wanted) if each.key in by_key or each.number in by_number]

    def read_back_since(self, wanted: ReadBack, *, prefix: str, since: datetime) -> Sequence[HeldObject]:
        """Look through everything that is held: nothing here is older than the process."""
        _ = since
        return [each for each in self._read_back(wanted) if each.key and each.key.startswith(prefix)]

    def _read_back(self, wanted: ReadBack) -> Iterator[HeldObject]:
        for receipt, record in self.held.values():
            if record.object != wanted.object:
                continue
            number = record.fields.get(wanted.number or "")
            amount = record.fields.get(wanted.amount or "")
            currency = record.fields.get(wanted.currency or "")
            day = record.fields.get(wanted.date or "")
            yield HeldObject(
                id=receipt.id,
                key=record.key,
                number=None if number is None else str(number),
                amount=amount if isinstance(amount, Decimal) else None,
                currency=currency if isinstance(currency, str) else None,
                date=day if isinstance(day, date) else None,
            )

    def check(self, shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        """Compare with the known fields, if there are any."""
        return [finding for shape in shapes for finding in self._compare(shape)]

    def describe(self, object_name: str) -> TargetObject:
        """Give the known fields of an object; none where everything is accepted."""
        if self._fields is not None and object_name not in self._fields:
            message = (
                f"the memory target has no object {object_name}; it has {', '.join(sorted(self._fields))}"
            )
            raise ConfigError(message)
        known = () if self._fields is None else self._fields[object_name]
        return TargetObject(name=object_name, fields=tuple(TargetField(name=name) for name in known))

    def close(self) -> None:
        """Keep everything: tests look at it afterwards."""

    def _hold(self, record: Record) -> Outcome:
        problems = [*self._problems(record)]
        if problems:
            return RejectedError(f"the memory target refused {record.object}: {'; '.join(problems)}")
        known = self._held.get(record.key)
        if known is None or self.idempotency is not Idempotency.NATIVE:
            self.created += 1
            receipt = Receipt(id=f"memory-{self.created}", created=True)
            merged = _merged(None, record)
        else:
            receipt = structs.replace(known[0], created=False)
            merged = _merged(known[1], record)
        self._held[record.key] = (receipt, merged)
        return receipt

    def _problems(self, record: Record) -> Iterator[str]:
        for item in parts(record):
            for name, value in item.fields.items():
                if not self._has(item.object, name):
                    yield f"{item.object} has no field {name}"
                if isinstance(value, Decimal) and not value.is_finite():
                    yield f"{item.object}.{name} is not a number"

    def _has(self, object_name: str, field: str) -> bool:
        return self._fields is None or field in self._fields.get(object_name, ())

    def _compare(self, shape: RecordShape) -> Iterator[Finding]:
        places = dict(zip(shape.fields, shape.places, strict=False))
        missing = [name for name in shape.fields if not self._has(shape.object, name)]
        for name in missing:
            place = f"{places[name]}: " if name in places else ""
            message = f"{place}{shape.object} has no field {name}"
            yield Finding(severity=Severity.ERROR, subject=f"{shape.object}.{name}", message=message)
        if not missing:
            message = f"{len(shape.fields)} fields can be written"
            yield Finding(severity=Severity.OK, subject=shape.object, message=message)


def _merged(old: Record | None, new: Record) -> Record:
    """Give what an upsert leaves: None clears, what is absent stays, lines go by their keys."""
    lines: dict[str, Line] = {line.key: line for line in old.lines} if old else {}
    for line in new.lines:
        before = lines[line.key].fields if line.key in lines else {}
        lines[line.key] = structs.replace(line, fields=_written(before, line.fields))
    fields = _written(old.fields if old else {}, new.fields)
    return structs.replace(new, fields=fields, lines=tuple(lines.values()))


def _written(before: Mapping[str, RecordValue], wish: Mapping[str, RecordValue]) -> dict[str, RecordValue]:
    return {name: value for name, value in {**before, **wish}.items() if value is not None}
