"""What a listing changes in the ledger: new documents, edited documents, and nothing else."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, func, insert, literal, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from connector.ledger.delivery import (
    HELD,
    LIVE,
    OPEN_STATES,
    Checkpoint,
    Failure,
    Found,
    OnChange,
    State,
)
from connector.ledger.many import execute_many
from connector.ledger.parties import learn_parties
from connector.ledger.rows import FREE, content_columns, failure_columns
from connector.ledger.tables import checkpoint as checkpoint_table
from connector.ledger.tables import checkpoint_history, delivery, delivery_event

_WAITS_FOR_A_PERSON = Failure(
    error_class=HELD,
    reason="the document was changed after it was delivered; replay delivers it as it is now",
)
KEPT_HISTORY = 1000  # lines that listings wrote; what people did stays for ever
_NEW = insert(delivery).inline()
_CHUNK = 200  # rows a statement: far below the variables that any SQLite accepts, and a few MB of snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What became of the documents of a listing; each is counted once."""

    new: int = 0
    changed: int = 0  # a new revision, to be delivered
    unchanged: int = 0
    busy: int = 0  # changed while leased or in doubt: left for a later listing
    changed_after_delivery: int = 0  # the target has an earlier revision; this one will be delivered too
    held: int = 0  # the same, but a person must release it
    ignored: int = 0  # the same, and it stays at that


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who lists, and what of it becomes whose work."""

    backfill_id: int = LIVE
    only_new: bool = False  # what the ledger knows is left as it is
    most: int | None = None  # new documents to take, in the order given; None: all


class _Verdict(StrEnum):
    NEW = "new"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    BUSY = "busy"
    CHANGED_AFTER_DELIVERY = "changed_after_delivery"
    HELD = "held"
    IGNORED = "ignored"


_STORED = frozenset({_Verdict.CHANGED, _Verdict.CHANGED_AFTER_DELIVERY, _Verdict.HELD})


def store_documents(
    connection: Connection,
    pipeline: str,
    found: Sequence[Found],
    on_change: OnChange,
    now: datetime,
    origin: Origin = Origin(),
) -> Listed:
    """Store what is new or changed among `found`; a document found twice counts once, as last seen."""
    distinct = {document.document_id: document for document in found}
    verdicts: Counter[_Verdict] = Counter()
    stored: list[Found] = []
    for chunk in _chunks(distinct.values()):
        known = _known(connection, pipeline, chunk)
        new = [document for document in chunk if document.document_id not in known and document.is_ready]
        if origin.most is not None:
            new = new[: origin.most - verdicts[_Verdict.NEW]]
        _insert(connection, pipeline, new, now, origin)
        verdicts[_Verdict.NEW] += len(new)
        stored += new
        for document in chunk:
            if document.document_id not in known:
                continue
            verdict = _Verdict.UNCHANGED
            if not origin.only_new:
                verdict = _revise(connection, known[document.document_id], document, on_change, now, origin)
            verdicts[verdict] += 1
            if verdict in _STORED:
                stored.append(document)
    learn_parties(connection, (document.headline.party for document in stored))
    return Listed(**{verdict.value: count for verdict, count in verdicts.items()})


def hold_listing(connection: Connection, pipeline: str) -> None:
    """Let one listing of a pipeline write at a time, until the transaction ends.

    On SQLite every write transaction is alone anyway.
    """
    if connection.dialect.name == "postgresql":
        key = func.hashtextextended(f"listing {pipeline}", 0)
        connection.execute(select(func.pg_advisory_xact_lock(key)))


def move_checkpoint(connection: Connection, moved: Checkpoint) -> None:
    """Store how far discovery has listed, and add a line to the history."""
    values = asdict(moved)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    upsert = dialect.insert(checkpoint_table).values(values)
    connection.execute(
        upsert.on_conflict_do_update(
            index_elements=["pipeline"],
            set_={name: upsert.excluded[name] for name in values if name != "pipeline"},
        )
    )
    connection.execute(insert(checkpoint_history).values(values))
    _prune_history(connection, moved.pipeline)


def _prune_history(connection: Connection, pipeline: str) -> None:
    """Forget old listings, but what people did, and where the checkpoint was before: an undo needs it."""
    columns = checkpoint_history.c
    oldest_kept = (
        select(columns.id)
        .where(columns.pipeline == pipeline)
        .order_by(columns.id.desc())
        .limit(1)
        .offset(KEPT_HISTORY)
        .scalar_subquery()
    )
    following = func.lead(columns.event).over(order_by=columns.id).label("following")
    lines = select(columns.id, columns.event, following).where(columns.pipeline == pipeline).subquery()
    by_person = ("set", "undo")
    old = select(lines.c.id).where(
        lines.c.id <= oldest_kept,
        func.coalesce(lines.c.event, "").not_in(by_person),
        or_(lines.c.following.is_(None), lines.c.following.not_in(by_person)),
    )
    connection.execute(delete(checkpoint_history).where(columns.id.in_(old)))


def _known(connection: Connection, pipeline: str, chunk: Sequence[Found]) -> Mapping[str, RowMapping]:
    columns = delivery.c
    statement = select(
        columns.id,
        columns.document_id,
        columns.digest,
        columns.state,
        columns.died_in,
        columns.failure_class,
        columns.revision,
        columns.lease_epoch,
        columns.lease_until,
        columns.backfill_id,
    ).where(
        columns.pipeline == pipeline, columns.document_id.in_([document.document_id for document in chunk])
    )
    return {row["document_id"]: row for row in connection.execute(statement).mappings()}


def _insert(
    connection: Connection, pipeline: str, new: Sequence[Found], now: datetime, origin: Origin
) -> None:
    if not new:
        return
    execute_many(connection, _NEW, [_new_row(pipeline, document, now, origin) for document in new])
    columns = delivery.c
    story = select(
        columns.id,
        literal(now, delivery_event.c.at.type),
        literal("found"),
        literal(State.PENDING.value),
        literal(0),
    ).where(columns.pipeline == pipeline, columns.document_id.in_([document.document_id for document in new]))
    connection.execute(
        insert(delivery_event).from_select(["delivery_id", "at", "event", "to_state", "attempt"], story)
    )


def _new_row(pipeline: str, document: Found, now: datetime, origin: Origin) -> Mapping[str, object]:
    return {
        "pipeline": pipeline,
        "document_id": document.document_id,
        "revision": 1,
        "state": State.PENDING.value,
        "found_at": now,
        "changed_at": now,
        "attempts": 0,
        "due_at": now,
        "lease_epoch": 0,
        "backfill_id": origin.backfill_id,
        **content_columns(document),
    }


def _revise(
    connection: Connection,
    row: RowMapping,
    document: Found,
    on_change: OnChange,
    now: datetime,
    origin: Origin,
) -> _Verdict:
    verdict = _compare(row, document, on_change, now)
    match verdict:
        case _Verdict.CHANGED | _Verdict.CHANGED_AFTER_DELIVERY:
            to, event, failure = State.PENDING, "changed", None
        case _Verdict.HELD:
            to, event, failure = State.DEAD, "held", _WAITS_FOR_A_PERSON
        case _Verdict.IGNORED:
            return _ignore(connection, row, document, now)
        case _:
            return verdict
    values = {
        "state": to.value,
        "revision": row["revision"] + 1,
        "attempts": 0,
        "due_at": None if failure else now,
        "died_in": State.PENDING.value if failure else None,
        "backfill_id": _whose(row, origin),
        **FREE,
        **failure_columns(failure),
        **content_columns(document),
    }
    if not _change(connection, row, values, now):
        return _Verdict.BUSY
    _tell(connection, row, event, to, f"revision {row['revision'] + 1}", now)
    return verdict


def _whose(row: RowMapping, origin: Origin) -> int:
    # A backfill slows down nothing that the pipeline has under way; edits are the work of who finds them.
    is_live_work = row["backfill_id"] == LIVE and State(row["state"]) in OPEN_STATES
    return LIVE if is_live_work else origin.backfill_id


def _ignore(connection: Connection, row: RowMapping, document: Found, now: datetime) -> _Verdict:
    # The snapshot stays what the target has.
    if not _change(connection, row, {"digest": document.digest}, now):
        return _Verdict.BUSY
    _tell(connection, row, "ignored", State(row["state"]), "changed after delivery", now)
    return _Verdict.IGNORED


def _change(connection: Connection, row: RowMapping, values: Mapping[str, Any], now: datetime) -> bool:
    columns = delivery.c
    # The row was read without a lock: a worker that claimed it in between keeps it.
    changed = connection.execute(
        update(delivery)
        .where(
            columns.id == row["id"],
            columns.state == row["state"],
            columns.digest == row["digest"],
            columns.lease_epoch == row["lease_epoch"],
        )
        # A worker that comes back after its lease ended must not record what it did with the old content.
        .values(changed_at=now, lease_epoch=columns.lease_epoch + 1, **values)
    )
    return changed.rowcount > 0


def _tell(connection: Connection, row: RowMapping, event: str, to: State, detail: str, now: datetime) -> None:
    connection.execute(
        insert(delivery_event).values(
            delivery_id=row["id"],
            at=now,
            event=event,
            from_state=row["state"],
            to_state=to.value,
            attempt=0,
            detail=detail,
        )
    )


def _compare(row: RowMapping, document: Found, on_change: OnChange, now: datetime) -> _Verdict:
    # What a person took out of our hands stays there, whatever the document says now.
    if row["digest"] == document.digest or row["state"] == State.DISMISSED.value:
        return _Verdict.UNCHANGED
    # A dead letter knows about the target what the state it died in knew.
    known_as = State(row["died_in"] or row["state"])
    is_held = row["failure_class"] == HELD and row["state"] == State.DEAD.value
    is_in_target = is_held or known_as in {State.DELIVERED, State.COMPLETED}
    if not document.is_ready and not is_in_target:
        return _Verdict.UNCHANGED  # nobody approved what it says now
    is_leased = row["lease_until"] is not None and row["lease_until"] > now
    if is_leased or known_as is State.IN_DOUBT:
        return _Verdict.BUSY
    if not is_in_target:
        return _Verdict.CHANGED
    if on_change is OnChange.UPDATE:
        return _Verdict.CHANGED_AFTER_DELIVERY
    if is_held:
        return _Verdict.HELD  # also where edits are ignored by now: a person who looks must see the last one
    if on_change is OnChange.IGNORE:
        return _Verdict.IGNORED
    # Docflo does not show the delivery yet: that comes first.
    return _Verdict.BUSY if row["state"] == State.DELIVERED.value else _Verdict.HELD


def _chunks(items: Iterable[Found]) -> Iterator[list[Found]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk
