"""Delivering one record: look, create step by step, read back. What cannot be known stays in doubt."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from connector.adapters.soap.erp import Erp
from connector.adapters.soap.failures import call_error
from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.lookup import Held, differences, look_up, record_id
from connector.adapters.soap.outcome import Kind, Verdict
from connector.adapters.soap.profile import Step, render
from connector.adapters.soap.reply import Reply
from connector.adapters.soap.scope import record_scope
from connector.adapters.soap.template import Scope
from connector.adapters.soap.wire import NoAnswer, Wire
from connector.clock import Clock
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    OutcomeUnknownError,
    RejectedError,
    RemoteAnswer,
    ThrottledError,
)
from connector.record import Receipt, Record


@dataclass(slots=True)
class _Way:
    """How far one delivery has come."""

    scope: dict[str, object]
    captured: dict[str, str] = field(default_factory=dict)
    id: str = ""
    done: list[str] = field(default_factory=list)  # steps that the ERP keeps, whatever follows
    created: bool | None = True

    def took(self, step: Step, reply: Reply) -> None:
        """Note what a step gave."""
        self.id = record_id(step.record_id, reply) or self.id
        self.captured |= {name: reply.text(xpath) for name, xpath in step.capture.items()}
        self.scope |= {"captured": self.captured, "record_id": self.id}
        if step.changes:
            self.done.append(step.name)


def scope_of(erp: Erp, record: Record) -> dict[str, object]:
    """Give what expressions can name for a record.

    Raises: RejectedError when the key cannot be made.
    """
    scope: dict[str, object] = {**erp.base_scope(), "record": record_scope(record)}
    try:
        key = render(erp.profile.key, scope)
    except UnfitValueError as error:
        raise RejectedError(f"the key cannot be made: {error}") from error
    if not key:
        raise RejectedError("the key is empty: idempotency.key names fields that the record does not have")
    return {**scope, "key": key}


def deliver_record(erp: Erp, record: Record, clock: Clock) -> Receipt:
    """Make the ERP hold a record, and give its receipt.

    Raises: OutcomeUnknownError when it may hold it; any other `ConnectorError` when it does not.
    """
    way = _Way(scope=scope_of(erp, record))
    erp.pace.reserve(erp.profile.calls_at_most)
    with _evidence(way.scope), erp.wire() as wire:
        start = 0
        if erp.profile.looks_first:
            held = look_up(erp, wire, way.scope, clock)
            if held is not None and held.resume is None:
                return receipt(erp, held.record_id, way.scope, created=False)
            if held is not None and held.resume is not None:
                start = held.resume
                _resume(way, held)
        for step in erp.profile.steps[start:]:
            ended = _take(erp, wire, step, way, clock)
            if ended is not None:
                return ended
        if not way.id:
            raise OutcomeUnknownError("the ERP says that it took the record, but its answer has no id")
        _read_back(erp, wire, way, clock)
        return receipt(erp, way.id, way.scope, created=way.created)


def find_record(erp: Erp, record: Record, clock: Clock) -> Receipt | None:
    """Ask for a record; None when the ERP has it not, or not whole: then delivering goes on where it stopped.

    Raises: OutcomeUnknownError for what a person must decide; any `ConnectorError` when the ERP cannot tell.
    """
    scope = scope_of(erp, record)
    erp.pace.reserve(len(erp.profile.lookups))
    with _evidence(scope):
        held = _held(erp, scope, clock)
    if held is None or held.resume is not None:
        return None
    return receipt(erp, held.record_id, scope, created=False)


def _held(erp: Erp, scope: Scope, clock: Clock) -> Held | None:
    with erp.wire() as wire:
        held = look_up(erp, wire, scope, clock)
    if held is None and erp.profile.idempotency.class_ != "native" and erp.profile.in_doubt.then == "hold":
        raise OutcomeUnknownError(
            "the ERP shows no such record; sending it again is left to a person (in_doubt.then: hold)",
            remedy="Look into the ERP, then link the delivery to the record, send it, or dismiss it.",
        )
    return held


@contextmanager
def _evidence(scope: Scope) -> Iterator[None]:
    """Say with every doubt under which key a person finds the record in the ERP."""
    try:
        yield
    except OutcomeUnknownError as error:
        words = f"{error.message}. The key there: {scope['key']}"
        raise OutcomeUnknownError(words, remedy=error.remedy, remote=error.remote) from error


def read_record(erp: Erp, record: Record, id_: str, clock: Clock) -> Receipt | None:
    """Ask for a record by the ERP's own id; where the profile does not say how, a person's word counts.

    Raises: any `ConnectorError` when the ERP cannot tell.
    """
    scope = {**scope_of(erp, record), "record_id": id_}
    read = erp.profile.read
    if read is None:
        return receipt(erp, id_, scope, created=None)
    erp.pace.reserve(1)
    with erp.wire() as wire:
        reply = erp.call(wire, read.call, scope).reply
    name = read.call.operation
    if isinstance(reply, NoAnswer):
        raise call_error(name, reply, wrote=False)
    if read.found.holds(reply):
        return receipt(erp, id_, scope, created=None)
    if read.not_found.holds(reply):
        return None
    verdict = read.call.judge.judge(reply)
    raise call_error(name, verdict, wrote=False, now=clock(), pause=erp.pace.pause(verdict))


def receipt(erp: Erp, id_: str, scope: Mapping[str, object], *, created: bool | None) -> Receipt:
    """Give the receipt of a record with this id."""
    url = erp.profile.record_url
    try:
        link = None if url is None else render(url, {**scope, "record_id": id_}) or None
    except UnfitValueError:
        link = None  # a link that cannot be made takes nothing from what was delivered
    return Receipt(id=id_, url=link, created=created)


def _resume(way: _Way, held: Held) -> None:
    way.id, way.created = held.record_id, False
    way.captured |= held.captured
    way.scope |= {"captured": way.captured, "record_id": way.id}
    way.done.append("an earlier attempt")


def _take(erp: Erp, wire: Wire, step: Step, way: _Way, clock: Clock) -> Receipt | None:
    """Take one step. Give a receipt when the delivery ends with it.

    Raises: as `deliver_record`.
    """
    name = step.name
    try:
        reply = erp.call(wire, step.call, way.scope).reply
    except ConnectorError as error:
        raise _after(way, name, error) from error
    if isinstance(reply, NoAnswer):
        raise _after(way, name, call_error(name, reply, wrote=step.changes))
    verdict = step.call.judge.judge(reply)
    pause = erp.pace.pause(verdict)
    if verdict.kind is Kind.DELIVERED:
        way.took(step, reply)
        return None
    if verdict.kind is Kind.ACCEPTED:
        return _accepted(erp, step, way, reply)
    if verdict.kind is Kind.DUPLICATE:
        return _duplicate(erp, wire, verdict, way, clock)
    raise _after(way, name, call_error(name, verdict, wrote=step.changes, now=clock(), pause=pause))


def _after(way: _Way, name: str, error: ConnectorError) -> ConnectorError:
    """Give what an error means after earlier steps: once the ERP keeps one, nothing is "not delivered"."""
    if not way.done or isinstance(error, OutcomeUnknownError):
        return error
    done = ", ".join(way.done)
    return OutcomeUnknownError(
        f"{name} failed after {done} had been done: {error.message}", remedy=error.remedy, remote=error.remote
    )


def _accepted(erp: Erp, step: Step, way: _Way, reply: Reply) -> Receipt:
    way.took(step, reply)
    if way.id and not erp.profile.lookups:
        return receipt(erp, way.id, way.scope, created=None)
    raise OutcomeUnknownError(
        f"{step.name}: the ERP has accepted the record and will work on it; it is asked later",
        remote=RemoteAnswer(status=reply.status),
    )


def _duplicate(erp: Erp, wire: Wire, verdict: Verdict, way: _Way, clock: Clock) -> Receipt:
    """Give the receipt of what the ERP says it has already.

    Raises: OutcomeUnknownError when no lookup finds it, or another one: a person must see it.
    """
    try:
        held = look_up(erp, wire, way.scope, clock) if erp.profile.lookups else None
    except (AccessRefusedError, ThrottledError, ConfigError) as error:
        raise OutcomeUnknownError(
            f"the ERP calls it a duplicate ({verdict.words()}) and could not be asked: {error.message}"
        ) from error
    if held is None:
        raise OutcomeUnknownError(
            f"the ERP calls it a duplicate ({verdict.words()}), but no lookup finds the record under our key",
            remedy="It may be the same document, entered by hand: link the delivery to it, or dismiss it.",
            remote=RemoteAnswer(
                status=verdict.status, code=verdict.code or None, message=verdict.message or None
            ),
        )
    return receipt(erp, held.record_id, way.scope, created=False)


def _read_back(erp: Erp, wire: Wire, way: _Way, clock: Clock) -> None:
    """Compare what the ERP holds with what was sent: an answer that says yes has been seen to be wrong.

    Raises: OutcomeUnknownError; the record is there, but perhaps not as it should be.
    """
    verify = erp.profile.verify
    if verify is None:
        return
    name = verify.call.operation
    try:
        reply = erp.call(wire, verify.call, way.scope).reply
        if isinstance(reply, NoAnswer):
            raise call_error(name, reply, wrote=False)
        if reply.envelope is None or reply.fault is not None:
            raise call_error(name, verify.call.judge.judge(reply), wrote=False, now=clock())
        wrong = differences(verify.compare, reply, way.scope)
    except (ConnectorError, UnfitValueError) as error:
        raise OutcomeUnknownError(f"record {way.id} was made, but reading it back failed: {error}") from error
    if wrong:
        raise OutcomeUnknownError(
            f"record {way.id} was made, but not as it was sent: {'; '.join(wrong)}",
            remedy="Correct the record in the ERP, then link the delivery to it.",
        )
