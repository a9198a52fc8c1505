"""Random arrows, crashes, edits and time: no delivery is lost, none is in two places, epochs only grow."""

from collections.abc import Callable
from dataclasses import astuple
from datetime import timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from sqlalchemy import select

from connector.errors import LeaseLostError, PermanentError
from connector.ledger.database import open_database
from connector.ledger.delivery import ARROWS, OPEN_STATES, Claim, OnChange, State
from connector.ledger.outcomes import Outcomes
from connector.ledger.store import Store
from connector.ledger.tables import delivery
from tests.factories import HandClock, make_failure, make_found, make_receipt

LEASE = timedelta(minutes=15)
DOCUMENTS = st.sampled_from("abcd")
PAUSES = st.sampled_from([timedelta(0), timedelta(seconds=1), LEASE, timedelta(days=1)])
OUTCOMES: dict[State, dict[str, Callable[[Outcomes, Claim, HandClock], object]]] = {
    State.PENDING: {
        "doubt": lambda outcomes, claim, _: outcomes.doubt(claim),
        "delivered": lambda outcomes, claim, _: outcomes.delivered(claim, make_receipt()),
        "skipped": lambda outcomes, claim, _: outcomes.skipped(claim, "not wanted"),
    },
    State.IN_DOUBT: {
        "delivered": lambda outcomes, claim, _: outcomes.delivered(claim, make_receipt()),
        "absent": lambda outcomes, claim, _: outcomes.absent(claim),
    },
    State.DELIVERED: {"completed": lambda outcomes, claim, _: outcomes.completed(claim)},
}
ANYWHERE: dict[str, Callable[[Outcomes, Claim, HandClock], object]] = {
    "dead": lambda outcomes, claim, _: outcomes.dead(claim, make_failure()),
    "retry": lambda outcomes, claim, clock: outcomes.retry(claim, make_failure(), clock.now),
    "wait": lambda outcomes, claim, clock: outcomes.wait(claim, clock.now + timedelta(seconds=1)),
}


class LedgerMachine(RuleBasedStateMachine):
    """Workers claim and report, late, twice or never; listings and people interfere."""

    claims = Bundle("claims")

    @initialize()
    def open(self) -> None:
        self.clock = HandClock()
        self.database = open_database("sqlite://")
        self.database.upgrade()
        self.store = Store(self.database, clock=self.clock)
        self.digests: dict[str, str] = {}  # as the ledger knows them
        self.epochs: dict[int, int] = {}
        self.holders: dict[int, Claim] = {}  # the one claim of each delivery whose outcome counts

    @rule(
        documents=st.sets(DOCUMENTS, min_size=1),
        digest=st.sampled_from(["digest 1", "digest 2"]),
        on_change=st.sampled_from(OnChange),
    )
    def list_documents(self, documents: set[str], digest: str, on_change: OnChange) -> None:
        found = [make_found(each, digest=digest) for each in sorted(documents)]
        listed = self.store.record_listing("invoices", found, None, on_change=on_change)

        assert sum(astuple(listed)) == len(documents)
        assert listed.new == len(documents - self.digests.keys())
        for each in self.store.find():
            if each.digest != self.digests.get(each.document_id):
                self.holders.pop(each.id, None)  # new content: nobody's work counts for it yet
            self.digests[each.document_id] = each.digest

    @rule(target=claims, state=st.sampled_from(sorted(OPEN_STATES)), limit=st.integers(1, 3))
    def claim(self, state: State, limit: int) -> object:
        claimed = self.store.claim("invoices", state, limit=limit, owner="worker", lease=LEASE)

        for claim in claimed:
            former = self.holders.get(claim.delivery.id)
            assert former is None or former.until <= self.clock.now
            self.holders[claim.delivery.id] = claim
        return multiple(*claimed)

    @rule(target=claims, claim=consumes(claims), choice=st.integers(0, 99), says_twice=st.booleans())
    def report(self, claim: Claim, choice: int, says_twice: bool) -> object:  # noqa: FBT001 hypothesis draws it
        choices = {**OUTCOMES[claim.delivery.state], **ANYWHERE}
        name = sorted(choices)[choice % len(choices)]
        is_ours = self.holders.get(claim.delivery.id) == claim

        if not is_ours:
            with pytest.raises(LeaseLostError), self.store.outcomes() as outcomes:
                choices[name](outcomes, claim, self.clock)
            return multiple()
        with self.store.outcomes() as outcomes:
            result = choices[name](outcomes, claim, self.clock)
        del self.holders[claim.delivery.id]
        if isinstance(result, Claim):
            self.holders[claim.delivery.id] = result
            return multiple(result)
        return multiple(claim) if says_twice else multiple()

    @rule(claim=consumes(claims))
    def crash(self, claim: Claim) -> None:
        """The worker is gone: its claim stays until the lease ends."""

    @rule(pause=PAUSES)
    def pass_time(self, pause: timedelta) -> None:
        self.clock.advance(pause)

    @rule(number=st.integers(1, 5))
    def replay(self, number: int) -> None:
        before = self.store.get(number)
        if before is not None and before.state is State.DEAD:
            assert self.store.replay(number, "ada", "again").state is before.died_in
            return
        with pytest.raises(PermanentError):
            self.store.replay(number, "ada", "again")

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        if not hasattr(self, "store"):
            return
        documents = [each.document_id for each in self.store.find()]
        assert sorted(documents) == sorted(self.digests)
        assert sum(self.store.counts().get("invoices", {}).values()) == len(documents)

    @invariant()
    def epochs_only_grow(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.database.read() as connection:
            for number, epoch in connection.execute(select(delivery.c.id, delivery.c.lease_epoch)):
                assert epoch >= self.epochs.get(number, 0)
                self.epochs[number] = epoch

    @invariant()
    def stories_follow_the_arrows(self) -> None:
        if not hasattr(self, "store"):
            return
        for each in self.store.find():
            known: State | None = None
            for event in self.store.events(each.id):
                assert event.from_state == known
                stays = event.from_state in {None, event.to_state}
                assert stays or (event.from_state, event.to_state) in ARROWS
                known = event.to_state
            assert known is each.state

    @invariant()
    def open_deliveries_come_due(self) -> None:
        if not hasattr(self, "store"):
            return
        is_any_open = any(each.state in OPEN_STATES for each in self.store.find())
        assert (self.store.next_due(["invoices"]) is not None) is is_any_open

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.database.close()


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
