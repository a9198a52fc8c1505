"""SIGKILL at every arrow, for each kind of ledger and target: nothing lost, doubled or changed."""

import json
import random
from collections import Counter
from pathlib import Path

import pytest

from connector.cli.crash_matrix import Held, Kill, Verdict
from connector.crashpoint import Point
from tests.crash.matrix import Matrix, any_matrix, opened
from tests.crash.rows_target import RowsTarget

__all__ = ["any_matrix"]  # a fixture

# A target that sets by key is never in doubt: there is nothing to ask and nothing to settle.
ONLY_IN_DOUBT = {Point.DOUBT_WRITTEN, Point.ASKED, Point.SETTLED_WRITTEN, Point.SETTLED}
# A target that has rows shows no files.
ONLY_WITH_ORIGINALS = {point for point in Point if point.value.startswith("original_")}
NEVER = Kill(point=Point.COMPLETED, arrival=1_000)
PAIRS = 3  # of each kind here; `make soak` plays them all


def _assert_recovered(verdict: Verdict) -> None:
    assert verdict.lost == ()
    assert verdict.doubled == ()
    assert verdict.changed == ()
    assert verdict.is_recovered


def test_the_undisturbed_run_that_all_are_measured_by_is_right(matrix: Matrix) -> None:
    wanted = Counter(
        str(document.fields["InvoiceTotal"]["value"]["amount"])
        for document in matrix.script.documents
        if document.timeline[-1][1] == "APPROVED"
    )

    assert matrix.clean.waiting == 0
    assert Counter(filter(None, map(_total, matrix.clean.seen.held))) == wanted
    shown = Counter(text.split(" ")[0] for text in matrix.clean.seen.shown.values())
    assert shown == {"CONFIRMED": wanted.total(), "PROCESSING": 1}
    assert len({held.key for held in matrix.clean.seen.held}) == len(matrix.clean.seen.held)
    files = [held for held in matrix.clean.seen.held if held.key.startswith("ContentDocumentLink/")]
    assert len(files) == (wanted.total() if Point.ORIGINAL_STORED in matrix.clean.arrivals else 0)


def _total(held: Held) -> str | None:
    content = json.loads(held.content)
    total: str | None = content.get("fields", content).get("Total__c")
    return total


@pytest.mark.parametrize("point", Point)
def test_a_crash_at_any_place_leaves_no_trace(matrix: Matrix, point: Point) -> None:
    # Salesforce sets by key and shows originals; the other target does neither.
    never = ONLY_IN_DOUBT if Point.DOUBT_WRITTEN not in matrix.clean.arrivals else ONLY_WITH_ORIGINALS

    verdict = matrix.play(Kill(point=point))

    assert verdict.died == (0 if point in never else 1)
    _assert_recovered(verdict)


@pytest.mark.parametrize("number", range(PAIRS))
def test_a_crash_while_recovering_from_a_crash_leaves_no_trace(matrix: Matrix, number: int) -> None:
    rng = random.Random(f"{number}/{len(matrix.clean.arrivals)}")  # noqa: S311 a choice of cases
    # The second at a place of the late half: it is reached by a connector that recovers.
    reached = [point for point in Point if matrix.clean.arrivals.get(point)]

    second = rng.choice(reached[len(reached) // 2 :])

    verdict = matrix.play(Kill(point=rng.choice(reached)), Kill(point=second))

    _assert_recovered(verdict)


def test_every_place_is_reached_by_the_main_job(tmp_path: Path) -> None:
    with opened(tmp_path, promise="lookup") as matrix:
        assert set(matrix.clean.arrivals) | ONLY_WITH_ORIGINALS == set(Point)


@pytest.mark.parametrize("kill_at", [1, 2, 4])
def test_a_crash_between_sending_and_the_answer_creates_nothing_twice(tmp_path: Path, kill_at: int) -> None:
    # In the middle of a batch: of three records some were created, one is under way, the rest were not sent.
    to_kill: list[int] = []

    def target() -> RowsTarget:
        return RowsTarget(kill_at=to_kill.pop() if to_kill else None)

    with opened(tmp_path, promise="lookup", make_target=target) as matrix:
        to_kill.append(kill_at)
        verdict = matrix.play(NEVER)

    assert verdict.died == 1
    _assert_recovered(verdict)


def test_a_target_that_does_not_keep_its_promise_is_found_out(tmp_path: Path) -> None:
    def target() -> RowsTarget:
        without_faults = RowsTarget()
        without_faults.faults.clear()
        return without_faults

    with opened(tmp_path, promise="native", make_target=target) as matrix:
        assert matrix.play(NEVER).is_recovered
        verdict = matrix.play(Kill(point=Point.ANSWERED))

    assert len(verdict.doubled) == 3
    assert not verdict.is_recovered
