"""What a person does to deliveries, from a terminal or a page: what each act is refused for, and its steps.

An act on several is done for all of them or for none: what cannot take part is named first.
"""

from collections.abc import Sequence
from enum import StrEnum

from connector.adapters.base import Adapter, FindsById, Idempotency
from connector.adapters.base import Found as TargetHas
from connector.docflo.client import DocfloClient
from connector.errors import OutcomeUnknownError, PermanentError
from connector.ledger.delivery import Delivery, Found, State
from connector.ledger.operations import GIVEN_UP, By, refuse_replay
from connector.ledger.store import Store
from connector.pipeline.definition import Pipeline
from connector.pipeline.found import found
from connector.pipeline.stored_record import read_record
from connector.record import Receipt, Record, record_key

_REFUSALS = 5  # named one by one; the rest is counted


class ReplayAs(StrEnum):
    """What a replay sends."""

    RECORD = "record"  # the stored record
    MAP = "map"  # what the mapping makes of the stored document
    FETCH = "fetch"  # what it makes of the document as Docflo has it now


def check_replay(store: Store, chosen: Sequence[Delivery], how: ReplayAs, *, is_absent: bool) -> None:
    """Refuse a replay that some of these cannot take part in.

    Raises: PermanentError naming the first few.
    """
    refuse(_replay_refusals(chosen, is_absent=is_absent))
    if how is ReplayAs.RECORD:
        refuse(_record_refusals(store, chosen))


def check_dismiss(chosen: Sequence[Delivery]) -> None:
    """Refuse to dismiss what is neither dead nor in doubt.

    Raises: PermanentError naming the first few.
    """
    refuse(
        [
            f"delivery {each.id} is {each.state.value}: only what is dead or in doubt is dismissed"
            for each in chosen
            if each.state not in {State.DEAD, State.IN_DOUBT}
        ]
    )


def link(store: Store, delivery: Delivery, receipt_id: str, by: By, pipelines: Sequence[Pipeline]) -> Receipt:
    """Record that the target has it under this id, and give the receipt; Docflo is told next.

    Raises: PermanentError when it is not dead or in doubt, or the target knows better.
    """
    if delivery.state not in {*GIVEN_UP, State.IN_DOUBT} or delivery.died_in is State.DELIVERED:
        has = f": the target has it as {delivery.receipt_id}" if delivery.receipt_id else ""
        raise PermanentError(
            f"delivery {delivery.id} is {delivery.state.value}: only what is dead or in doubt is linked{has}"
        )
    pipeline = _pipeline_of(delivery, pipelines)
    full = store.get(delivery.id) or delivery  # with its record
    known = receipt_to_link(full, receipt_id, pipeline)
    if not store.operations.link(delivery.id, known, by):
        raise PermanentError(f"delivery {delivery.id} is being worked on: look again in a moment")
    if pipeline.original is not None:
        store.originals.attach([delivery.id], by)
    return known


def refuse(reasons: Sequence[str]) -> None:
    """Refuse the whole act when any delivery cannot take part.

    Raises: PermanentError naming the first few.
    """
    if reasons:
        more = f"; and {len(reasons) - _REFUSALS} more" if len(reasons) > _REFUSALS else ""
        raise PermanentError("; ".join(reasons[:_REFUSALS]) + more, remedy="nothing was changed")


def _replay_refusals(chosen: Sequence[Delivery], *, is_absent: bool) -> list[str]:
    """Give why some of these cannot be replayed."""
    reasons: list[str] = []
    for delivery in chosen:
        if is_absent and delivery.state is State.IN_DOUBT:
            continue
        try:
            refuse_replay(delivery, delivery.id)
        except PermanentError as error:
            reasons.append(error.message)
    return reasons


def _record_refusals(store: Store, chosen: Sequence[Delivery]) -> list[str]:
    """Give which of these have no record that could be sent again."""
    full = (store.get(delivery.id) for delivery in chosen)
    return [
        f"delivery {each.id} was never sent as it is now: there is no record to send again"
        for each in full
        if each is not None and each.record is None
    ]


def fetch(
    chosen: Sequence[Delivery], pipelines: Sequence[Pipeline], docflo: DocfloClient
) -> dict[int, Found]:
    """Read the documents anew from Docflo.

    Raises: PermanentError when one is not ready to be delivered any more, or its doubt comes first.
    """
    by_name = {pipeline.name: pipeline for pipeline in pipelines}
    fetched: dict[int, Found] = {}
    reasons: list[str] = []
    for delivery in chosen:
        pipeline = by_name[delivery.pipeline]
        if delivery.died_in is not State.PENDING:
            reasons.append(f"delivery {delivery.id} may be in the target: replay it without fetching first")
            continue
        document = docflo.document(delivery.document_id)
        if document.status is not None and document.status not in pipeline.statuses:
            reasons.append(f"delivery {delivery.id}: its document is {document.status} now")
            continue
        fetched[delivery.id] = found(document, pipeline)
    refuse(reasons)
    return fetched


def ask(store: Store, delivery: Delivery, pipelines: Sequence[Pipeline]) -> TargetHas:
    """Ask the target what it has under the key of this delivery. Nothing is changed.

    Raises: PermanentError when it cannot be asked; any ConnectorError when it does not answer.
    """
    pipeline = _pipeline_of(delivery, pipelines)
    if pipeline.adapter.idempotency is Idempotency.CREATE_ONLY:
        raise PermanentError(f"target {pipeline.target} cannot be asked", remedy="look there yourself")
    [held] = pipeline.adapter.lookup([_record_of(store.get(delivery.id) or delivery, pipeline)])
    return held


def receipt_to_link(delivery: Delivery, receipt_id: str, pipeline: Pipeline) -> Receipt:
    """Give the receipt that a person names, asked of the target where it can be asked.

    Raises: PermanentError when the target has no such object, or has the record as another one.
    """
    record = _record_of(delivery, pipeline)
    adapter = pipeline.adapter
    if adapter.idempotency is not Idempotency.CREATE_ONLY:
        held = _held(adapter, record)
        if held is not None and held.id != receipt_id:
            raise PermanentError(f"the target has delivery {delivery.id} as {held.id}, not as {receipt_id}")
    if not isinstance(adapter, FindsById):
        return Receipt(id=receipt_id)
    found = adapter.find(record, receipt_id)
    if found is None:
        raise PermanentError(
            f"the target has no {record.object} with the id {receipt_id}", remedy="nothing was changed"
        )
    return found


def _record_of(delivery: Delivery, pipeline: Pipeline) -> Record:
    if delivery.record is not None:
        return read_record(delivery.record)  # targets may look by number and vendor too
    shape = pipeline.mapping.record
    key = record_key(pipeline.tenant_id, pipeline.name, delivery.document_id)
    return Record(object=shape.object, key_field=shape.key_field, key=key, fields={})


def _pipeline_of(delivery: Delivery, pipelines: Sequence[Pipeline]) -> Pipeline:
    for pipeline in pipelines:
        if pipeline.name == delivery.pipeline:
            return pipeline
    raise PermanentError(f"config.yaml has no pipeline {delivery.pipeline}")


def _held(adapter: Adapter, record: Record) -> Receipt | None:
    """Give what the target has under the key; None also where it cannot tell, as of two with one key.

    A person who links has looked there: their word is what such a doubt waits for.
    """
    try:
        [held] = adapter.lookup([record])
    except OutcomeUnknownError:
        return None
    return held if isinstance(held, Receipt) else None
