"""Whether a mapping fits its target: nobody goes on before that is known."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.adapters.base import Finding, Severity
from connector.errors import UnavailableError
from connector.pipeline.fit import LOOK_EVERY, Fit
from connector.record import RecordShape
from tests.factories import NOON

MISFIT = Finding(severity=Severity.ERROR, subject="Invoice__c.Total__c", message="is not there")


class Target:
    def __init__(self, answer: Callable[[], Sequence[Finding]]) -> None:
        self._answer = answer

    def misfits(self, _shapes: Sequence[RecordShape]) -> Sequence[Finding]:
        return self._answer()


def test_who_comes_while_somebody_looks_waits_for_the_answer() -> None:
    asked, told = threading.Event(), threading.Event()

    def answer() -> Sequence[Finding]:
        asked.set()
        told.wait(60)
        return [MISFIT]

    fit = Fit(Target(answer), ())
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(fit.look, NOON)
        asked.wait(60)
        is_due_meanwhile = fit.is_due(NOON)
        second = threads.submit(fit.look, NOON)
        told.set()

        assert first.result(60) is not None
        assert second.result(60) is not None

    assert is_due_meanwhile


def test_a_look_counts_for_a_while_also_when_the_target_did_not_answer() -> None:
    def answer() -> Sequence[Finding]:
        raise UnavailableError("away")

    fit = Fit(Target(answer), ())

    with pytest.raises(UnavailableError):
        fit.look(NOON)

    assert not fit.is_due(NOON)
    assert fit.is_due(NOON + LOOK_EVERY)


def test_a_doubt_that_comes_during_a_look_asks_for_another() -> None:
    def answer() -> Sequence[Finding]:
        fit.forget()
        return []

    fit = Fit(Target(answer), ())

    assert fit.look(NOON) is None

    assert fit.is_due(NOON)
