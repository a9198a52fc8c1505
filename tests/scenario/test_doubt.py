"""Targets that cannot take a record twice: whatever is lost on the way, each document is there once."""

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.base import Outcome
from connector.adapters.memory import MemoryAdapter, MemorySettings
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.errors import RejectedError, UnavailableError, UnexpectedResponseError
from connector.ledger.delivery import State
from connector.mapping.apply import apply_mapping
from connector.pipeline import prepare as prepare_module
from connector.pipeline.advance import advance, drain
from connector.pipeline.definition import Pipeline
from connector.pipeline.discover import discover
from connector.pipeline.prepare import prepare
from connector.record import Receipt, Record
from connector.wiring import Connector, connect
from tests.factories import HandClock
from tests.scenario.conftest import BATCH, MAPPABLE, Cli, World

SETTLE = timedelta(seconds=30)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))])
def either(world: World, cli: Cli, request: pytest.FixtureRequest) -> World:
    """The world on each kind of database, with a pretended target that has to be asked."""
    if request.param == "postgresql":
        world.edit("sqlite:///connector.db", request.getfixturevalue("postgres_url"))
        assert cli("database", "upgrade", "-c", world.config).code == 0
    world.edit(
        "targets:\n", "targets:\n  till:\n    adapter: memory\n    idempotency: lookup\n    batch_size: 5\n"
    )
    world.edit("    target: crm\n", "    target: till\n    halt_after: 0\n")
    return world


@contextmanager
def _opened(world: World, clock: HandClock) -> Iterator[tuple[Connector, Pipeline, MemoryAdapter]]:
    with connect(open_session(world.config), clock=clock) as connector:
        [pipeline] = connector.pipelines
        assert isinstance(pipeline.adapter, MemoryAdapter)
        discover(pipeline, connector.work())
        yield connector, pipeline, pipeline.adapter


def _drain(connector: Connector) -> None:
    drain(connector.pipelines, connector.work(), stop=lambda: False)


def _counts(connector: Connector) -> dict[State, int]:
    return dict(connector.store.counts()["invoices-to-crm"])


def test_a_lost_answer_is_asked_for_only_after_the_settle_time(either: World) -> None:
    clock = HandClock(now=utc_now())
    with _opened(either, clock) as (connector, _, adapter):
        adapter.lose_answer_next()
        _drain(connector)
        in_doubt = _counts(connector)[State.IN_DOUBT]
        clock.advance(SETTLE - timedelta(seconds=1))
        _drain(connector)
        early = _counts(connector)[State.IN_DOUBT]
        clock.advance(timedelta(minutes=1))
        _drain(connector)

        assert in_doubt == early == BATCH
        assert State.IN_DOUBT not in _counts(connector)
        assert adapter.created == len(adapter.held) == MAPPABLE


class _LateRows(MemoryAdapter):
    """Takes a record, loses the answer, and shows the row only some time after."""

    def __init__(self, clock: HandClock) -> None:
        super().__init__(MemorySettings(adapter="memory", idempotency="lookup", batch_size=BATCH))
        self._clock = clock
        self._hidden_until = clock.now

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        try:
            return super().deliver(records)
        finally:
            self._hidden_until = self._clock.now + SETTLE

    def lookup(self, records: Sequence[Record]) -> Sequence[Receipt | None]:
        if self._clock.now < self._hidden_until:
            return [None] * len(records)
        return super().lookup(records)


def test_a_row_that_shows_late_is_not_made_twice(either: World) -> None:
    clock = HandClock(now=utc_now())
    with _opened(either, clock) as (connector, pipeline, _):
        late = _LateRows(clock)
        for _ in range(3):
            late.lose_answer_next()
        slow = replace(pipeline, adapter=late)
        for _ in range(40):
            drain([slow], connector.work(), stop=lambda: False)
            clock.advance(timedelta(seconds=7))

        assert late.created == len(late.held) == MAPPABLE


def test_a_worker_that_vanished_after_sending_leaves_a_doubt_that_is_settled(either: World) -> None:
    clock = HandClock(now=utc_now())
    with _opened(either, clock) as (connector, pipeline, adapter):
        work = connector.work()
        claims = connector.store.claim(pipeline.name, State.PENDING, limit=5, owner="gone", lease=work.lease)
        with connector.store.outcomes() as outcomes:
            for claim in claims:
                outcomes.doubt(claim)
        adapter.deliver([record for _, record in prepare(claims[:3], pipeline, work).mapped])

        clock.advance(work.lease + timedelta(seconds=1))
        _drain(connector)
        still = _counts(connector)[State.IN_DOUBT]
        clock.advance(SETTLE)
        _drain(connector)

        assert still == 5
        assert adapter.created == len(adapter.held) == MAPPABLE


@pytest.mark.parametrize(
    "error", [UnavailableError("away"), RejectedError("no"), UnexpectedResponseError("?")]
)
def test_what_a_look_up_cannot_tell_stays_in_doubt(
    either: World, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock(now=utc_now())
    with _opened(either, clock) as (connector, _, adapter):

        def cannot_tell(_records: Sequence[Record]) -> Sequence[Receipt | None]:
            raise error

        monkeypatch.setattr(adapter, "lookup", cannot_tell)
        adapter.lose_answer_next()
        for _ in range(30):
            _drain(connector)
            clock.advance(timedelta(hours=2))
        doubts = _counts(connector)[State.IN_DOUBT]
        monkeypatch.undo()
        _drain(connector)

        assert doubts == BATCH
        assert adapter.created == len(adapter.held) == MAPPABLE


def test_an_answer_that_says_no_leaves_no_doubt(either: World) -> None:
    clock = HandClock(now=utc_now())
    with _opened(either, clock) as (connector, _, adapter):
        adapter.fail_next(RejectedError("the period is closed"))
        _drain(connector)

        dead = connector.store.find(states=[State.DEAD], failure_class="RejectedError")
        assert {each.died_in for each in dead} == {State.PENDING}
        assert State.IN_DOUBT not in _counts(connector)


class _OneAtATime(MemoryAdapter):
    """Notices two requests for one key that are under way at the same time."""

    def __init__(self) -> None:
        super().__init__(MemorySettings(adapter="memory", idempotency="lookup", batch_size=BATCH))
        self._busy: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._meeting = threading.Barrier(2)
        self.overlaps: list[str] = []
        self.meetings = 0

    def deliver(self, records: Sequence[Record]) -> Sequence[Outcome]:
        keys = [record.key for record in records]
        with self._guard:
            self.overlaps += [key for key in keys if self._busy[key]]
            self._busy.update(keys)
        try:
            self._meeting.wait(timeout=1)  # the other replica is in its call too
            self.meetings += 1
        except threading.BrokenBarrierError:
            self._meeting.reset()
        outcomes = super().deliver(records)
        with self._guard:
            self._busy.subtract(keys)
        return outcomes


def test_two_replicas_never_have_one_key_under_way_twice(either: World) -> None:
    clock = HandClock(now=utc_now())
    watched = _OneAtATime()
    with (
        _opened(either, clock) as (first, pipeline, _),
        connect(open_session(either.config), clock=clock) as second,
    ):
        shared = [replace(pipeline, adapter=watched, write_back=None)]
        threads = [
            threading.Thread(target=drain, args=(shared, each.work()), kwargs={"stop": lambda: False})
            for each in (first, second)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)

        assert watched.meetings > 2
        assert watched.overlaps == []
        assert watched.created == len(watched.held) == MAPPABLE


def test_a_target_that_cannot_be_asked_needs_a_person_by_name(world: World, cli: Cli) -> None:
    world.edit("targets:\n", "targets:\n  till:\n    adapter: memory\n    idempotency: create_only\n")
    world.edit("    target: crm\n", "    target: till\n")

    refused = cli("sync", "-c", world.config)
    world.edit("    target: till\n", "    target: till\n    in_doubt: {person: ap-team@acme.example}\n")
    taken = cli("sync", "-c", world.config)

    assert refused.code == 2
    assert "pipelines.invoices-to-crm.in_doubt.person" in refused.err
    assert taken.code == 4  # two documents have no total


def test_doubts_of_a_target_that_cannot_be_asked_wait_for_the_person(either: World, cli: Cli) -> None:
    either.edit("idempotency: lookup", "idempotency: create_only")
    either.edit("    target: till\n", "    target: till\n    in_doubt: {person: ap-team@acme.example}\n")
    clock = HandClock(now=utc_now())
    with _opened(either, clock) as (connector, _, adapter):
        adapter.lose_answer_next()
        for _ in range(5):
            _drain(connector)
            clock.advance(timedelta(days=1))

        assert _counts(connector)[State.IN_DOUBT] == BATCH
        assert adapter.created == MAPPABLE

    sent = cli(
        "deliveries", "replay", "--state", "in_doubt", "--target-has-none", "--yes", "--reason", "I looked",
        "-c", either.config,
    )  # fmt: skip
    assert sent.code == 0, sent.err
    states = cli("status", "-c", either.config, "-o", "json").json["pipelines"]["invoices-to-crm"]
    assert (states["in_doubt"], states["pending"]) == (0, BATCH)


def test_one_poisonous_document_does_not_take_its_batch_along(
    either: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = HandClock(now=utc_now())
    with _opened(either, clock) as (connector, pipeline, adapter):
        poison = connector.store.find(limit=1)[0].document_id
        really = apply_mapping

        def apply(mapping: object, document: object, key: str, answers: object, **parts: Any) -> Record:
            if key.endswith(poison):
                raise ZeroDivisionError
            return really(mapping, document, key, answers, **parts)  # type: ignore[arg-type]

        monkeypatch.setattr(prepare_module, "apply_mapping", apply)
        while advance(pipeline, connector.work()):
            pass

        assert adapter.created == len(adapter.held) == MAPPABLE - 1
        [culprit] = connector.store.find(document_id=poison)
        assert culprit.failure is not None
        assert (culprit.state, culprit.attempts) == (State.PENDING, 1)
        assert culprit.failure.error_class == "ZeroDivisionError"


def test_a_target_that_cannot_update_is_never_sent_a_document_that_it_has(either: World, cli: Cli) -> None:
    clock = HandClock(now=utc_now())
    with _opened(either, clock) as (connector, _, target):
        _drain(connector)
        made = target.created
        done = connector.store.find(states=[State.COMPLETED], limit=1)[0]
        either.running.docflo.put_status(done.document_id, "APPROVED")
        correction = '{"amount": 1.00, "currencyCode": "EUR"}'
        cli("api", "update-fields", done.document_id, f"InvoiceTotal={correction}", "--config", either.config)
        clock.advance(timedelta(minutes=5))

        discover(connector.pipelines[0], connector.work())
        held = connector.store.get(done.id)
        connector.store.replay(done.id, actor="someone", reason="try it")
        _drain(connector)

        refused = connector.store.get(done.id)
        assert target.created == made
    assert held is not None
    assert held.failure is not None
    assert held.failure.error_class == "ChangedAfterDelivery"
    assert refused is not None
    assert refused.state is State.DEAD
    assert refused.failure is not None
    assert "has this document already" in refused.failure.reason
