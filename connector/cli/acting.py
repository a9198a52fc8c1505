"""What commands that change deliveries share: who acts, what is meant, and a question before many."""

import getpass
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import typer

from connector.adapters.base import Adapter, FindsById, Idempotency
from connector.cli.output import cell_text
from connector.docflo.client import DocfloClient
from connector.errors import ConfigError, OutcomeUnknownError, PermanentError
from connector.ledger.delivery import Delivery, Found, State
from connector.ledger.operations import By, refuse_replay
from connector.ledger.selection import Selection, total
from connector.ledger.store import Store
from connector.pipeline.definition import Pipeline
from connector.pipeline.found import found
from connector.pipeline.stored_record import read_record
from connector.record import Receipt, Record, record_key

_REFUSALS = 5  # named one by one; the rest is counted


def by(reason: str, chosen: str) -> By:
    """Give who acts.

    Raises: ConfigError without a reason: the record of an act is for somebody who was not there.
    """
    if not reason.strip():
        raise ConfigError("an act needs a reason", remedy='add --reason "..."')
    return By(actor=_actor(), reason=reason.strip(), chosen=chosen)


def _actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"user {os.getuid()}"


def read_since(text: str | None) -> datetime | None:
    """Read a moment: a day or a time, UTC unless it says otherwise.

    Raises: ConfigError
    """
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(f"{text} is no time", remedy="2026-03-02 or 2026-03-02T14:30") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def meant(store: Store, selection: Selection, *, default: tuple[State, ...]) -> tuple[Delivery, ...]:
    """Give the deliveries of a selection; without ids or states, those in the states of `default`.

    Raises: ConfigError when nothing was chosen, or an id is not there.
    """
    if selection == Selection():
        raise ConfigError(
            "name deliveries by id, or choose them", remedy="for all dead letters: --state dead"
        )
    if not selection.ids and not selection.states:
        selection = Selection(
            **{name: getattr(selection, name) for name in Selection.__dataclass_fields__ if name != "states"},
            states=default,
        )
    chosen = store.operations.select(selection)
    if selection.is_single and not chosen:
        raise ConfigError(
            f"there is no delivery {selection.ids[0]}",
            remedy="`docflo-connector deliveries list` shows the ids",
        )
    return chosen


def confirm(act: str, chosen: Sequence[Delivery], selection: Selection, *, yes: bool) -> None:
    """Show how many, and how much money, and ask; one that was named by its id is not asked for.

    Raises: ConfigError off a terminal without --yes; typer.Abort for a no.
    """
    if selection.is_single:
        return
    whole = total(chosen)
    money = ", ".join(f"{cell_text(amount)} {currency}" for currency, amount in whole.sums) or "no amounts"
    typer.echo(f"{act}: {whole.count} deliveries, {money}", err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise ConfigError(f"{act} of {whole.count} deliveries needs a yes", remedy="add --yes")
    typer.confirm("Go on?", abort=True, err=True)


def refuse(reasons: Sequence[str]) -> None:
    """Refuse the whole act when any delivery cannot take part.

    Raises: PermanentError naming the first few.
    """
    if reasons:
        more = f"; and {len(reasons) - _REFUSALS} more" if len(reasons) > _REFUSALS else ""
        raise PermanentError("; ".join(reasons[:_REFUSALS]) + more, remedy="nothing was changed")


def replay_refusals(chosen: Sequence[Delivery], *, is_absent: bool) -> list[str]:
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


def record_refusals(store: Store, chosen: Sequence[Delivery]) -> list[str]:
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


def receipt_to_link(delivery: Delivery, receipt_id: str, pipeline: Pipeline) -> Receipt:
    """Give the receipt that a person names, asked of the target where it can be asked.

    Raises: PermanentError when the target has no such object, or has the record as another one.
    """
    shape = pipeline.mapping.record
    key = record_key(pipeline.tenant_id, pipeline.name, delivery.document_id)
    record = Record(object=shape.object, key_field=shape.key_field, key=key, fields={})
    if delivery.record is not None:
        record = read_record(delivery.record)  # targets may look by number and vendor too
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
            f"the target has no {shape.object} with the id {receipt_id}", remedy="nothing was changed"
        )
    return found


def _held(adapter: Adapter, record: Record) -> Receipt | None:
    """Give what the target has under the key; None also where it cannot tell, as of two with one key.

    A person who links has looked there: their word is what such a doubt waits for.
    """
    try:
        [held] = adapter.lookup([record])
    except OutcomeUnknownError:
        return None
    return held if isinstance(held, Receipt) else None


def say(act: str, done: Sequence[int], chosen: Sequence[Delivery]) -> None:
    """Print how many it were, and that some had changed meanwhile."""
    changed = len(chosen) - len(done)
    late = f"; {changed} changed meanwhile or are being worked on, and were left alone" if changed else ""
    typer.echo(f"{len(done)} {act}{late}.")
