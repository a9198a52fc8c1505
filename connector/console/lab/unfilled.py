"""Fields of the target that no rule of a mapping fills. The target is asked seldom, waited for briefly."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connector.adapters.base import TargetField, TargetObject
from connector.clock import Clock
from connector.console.lab.job import Written
from connector.errors import ConfigError, ConnectorError, ThrottledError, UnavailableError

PATIENCE = 4.0  # seconds that a page waits for a target
_FRESH = timedelta(minutes=10)  # somebody types meanwhile, and each try would be a request
_REFUSED = timedelta(minutes=1)
_MOST = 20  # objects remembered of all targets: their names are typed too, and half a name is an object


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfilled:
    """What one object of the target has besides, or why that cannot be told."""

    object: str
    as_of: datetime | None = None
    required: tuple[TargetField, ...] = ()
    others: tuple[TargetField, ...] = ()
    needed: frozenset[str] = frozenset()  # `Invoice__c.Total__c`: what the target requires, filled or not
    takes_any: bool = False  # the target has no fields of its own
    trouble: str | None = None


@dataclass(slots=True, kw_only=True)
class _Asked:
    """One question to a target, and its answer when it is there."""

    at: datetime
    answer: TargetObject | ConnectorError | None = None
    is_there: threading.Event = field(default_factory=threading.Event)

    def is_fresh(self, now: datetime) -> bool:
        lasts = _REFUSED if isinstance(self.answer, ConnectorError) else _FRESH
        return timedelta(0) <= now - self.at < lasts


class Descriptions:
    """What targets tell about their objects, remembered for a while. Safe between threads."""

    def __init__(self, describe: Callable[[str, str], TargetObject], *, clock: Clock) -> None:
        self._describe = describe
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: dict[tuple[str, str], _Asked] = {}

    def get(self, target: str, name: str, *, patience: float = PATIENCE) -> tuple[datetime, TargetObject]:
        """Give an object of a target, and as of when that is.

        Raises: any `ConnectorError` when it cannot be told, or not yet; the question goes on meanwhile.
        """
        asked = self._ask(target, name)
        if not asked.is_there.wait(patience):
            message = f"no answer after {patience:g} seconds; what it says is shown by a later try"
            raise UnavailableError(message)
        if isinstance(asked.answer, TargetObject):
            return asked.at, asked.answer
        raise asked.answer or UnavailableError("the question failed; the log says why")

    def _ask(self, target: str, name: str) -> _Asked:
        now = self._clock()
        with self._lock:
            self._asked = {key: each for key, each in self._asked.items() if each.is_fresh(now)}
            known = self._asked.get((target, name))
            if known is not None:
                return known
            if len(self._asked) >= _MOST:
                until = min(each.at for each in self._asked.values()) + _FRESH
                message = f"{_MOST} objects were asked for in the last minutes; look again in a few"
                raise ThrottledError(message, until=until)
            asked = self._asked[target, name] = _Asked(at=now)
        # Not one of a pool: those are waited for when the process ends, and a target may be silent for long.
        threading.Thread(target=self._answer, args=(asked, target, name), daemon=True).start()
        return asked

    def _answer(self, asked: _Asked, target: str, name: str) -> None:
        try:
            asked.answer = self._describe(target, name)
        except ConnectorError as error:
            asked.answer = error
        finally:
            asked.is_there.set()


def unfilled(writes: Sequence[Written], target: str, descriptions: Descriptions) -> Iterator[Unfilled]:
    """Give what each object that a mapping writes has besides; lines come with the object they are below."""
    known: dict[str, tuple[datetime, TargetObject]] = {}
    for each in writes:
        found = known.get(each.object) or known.get(each.object.lower())
        try:
            as_of, described = found or descriptions.get(target, each.object)
        except ConnectorError as error:
            yield Unfilled(object=each.object, trouble=_trouble(error))
            continue
        known.update((name, (as_of, below)) for name, below in _below(described))
        yield _left(each, as_of, described)


def _trouble(error: ConnectorError) -> str:
    # A target that has no such object was asked, and has answered.
    is_answer = isinstance(error, ConfigError)
    return error.message if is_answer else f"the target could not be asked: {error.message}"


def _below(described: TargetObject) -> Iterator[tuple[str, TargetObject]]:
    for each in described.lines:
        yield (each.object.name.lower() if each.object.ignores_case else each.object.name), each.object
        yield from _below(each.object)


def _left(written: Written, as_of: datetime, described: TargetObject) -> Unfilled:
    fold = str.lower if described.ignores_case else str
    filled = {fold(part) for name in written.fields for part in (name, name.partition(".")[0])}
    left = [
        each
        for each in described.fields
        if fold(each.name) not in filled and not (each.named_through and fold(each.named_through) in filled)
    ]
    return Unfilled(
        object=written.object,
        as_of=as_of,
        required=tuple(each for each in left if each.is_required),
        others=tuple(each for each in left if not each.is_required),
        needed=frozenset(f"{written.object}.{each.name}" for each in described.fields if each.is_required),
        takes_any=not described.fields,
    )
