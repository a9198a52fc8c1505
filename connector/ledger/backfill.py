"""Backfills as values: one-time loads of a closed range, cut into windows that anybody claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from connector.ledger.delivery import OPEN_STATES, State


class BackfillState(StrEnum):
    """What is to become of a backfill."""

    RUNNING = "running"  # whoever runs the command works on it
    PAUSED = "paused"  # a person, or a run of dead letters, wants it left alone
    CANCELLED = "cancelled"  # a person gave it up; final
    FINISHED = "finished"  # every window is listed, and nothing of it is open; final


ACTIVE = (BackfillState.RUNNING, BackfillState.PAUSED)
"""The states of a backfill that is not over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """One row of `backfill`."""

    id: int
    pipeline: str
    created_from: datetime
    created_to: datetime  # not part of it
    state: BackfillState
    total: int  # documents, as counted when it was planned
    most: int | None  # new documents that it may bring; None: all
    only_missing: bool  # what the ledger knows is left as it is
    began_at: datetime
    changed_at: datetime
    actor: str
    planned_at: datetime | None = None  # from here on its windows and its total stay as they are
    reason: str | None = None  # why it is paused or cancelled

    @property
    def is_active(self) -> bool:
        """Whether it is not over."""
        return self.state in ACTIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a range that one query lists, and how many documents it was counted to have."""

    type: str
    status: str
    created_from: datetime
    created_to: datetime  # not part of it
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldWindow:
    """A window that is ours until `until`. `epoch` proves it."""

    id: int
    backfill: Backfill
    part: Part
    found: int  # listed so far
    began_at: datetime
    rest_from: datetime | None  # what is left to be listed; None: all of it
    rest_to: datetime | None
    owner: str
    epoch: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How far a backfill is, over all who work on it."""

    windows: int
    listed: int  # of these
    found: int  # documents
    new: int
    changed: int
    unreadable: int
    states: Mapping[State, int]  # of the deliveries that are its work
    notices: int  # dead letters of which Docflo is to be told yet
    failures: Mapping[str, int]  # error class -> dead letters
    next_due: datetime | None  # when the next delivery can be claimed; None: nothing is open

    @property
    def open(self) -> int:
        """Deliveries that are not at their end."""
        return sum(count for state, count in self.states.items() if state in OPEN_STATES)

    @property
    def done(self) -> int:
        """Deliveries that are."""
        return sum(self.states.values()) - self.open


def documents_done(tally: Tally) -> int:
    """Count documents that are at their end: delivered and shown, set aside, or with nothing to do."""
    return tally.done + max(0, tally.found - tally.new - tally.changed)


def expected(known: Backfill, tally: Tally) -> int:
    """Give how many documents there are in all, as far as is known now."""
    if known.planned_at is not None and tally.listed == tally.windows:
        return max(tally.found, documents_done(tally))
    return max(known.total, tally.found)
