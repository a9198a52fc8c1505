"""Every pair of crash points on every kind of ledger and target; `make check` plays only a few of them.

Collected only when it is named: `make soak` does.
"""

import pytest

from connector.cli.crash_matrix import pairs_of_kills
from tests.crash.matrix import Matrix, any_matrix

__all__ = ["any_matrix"]  # a fixture


@pytest.mark.timeout(7200)
def test_a_crash_at_any_two_places_leaves_no_trace(matrix: Matrix) -> None:
    verdicts = [matrix.play(*kills) for kills in pairs_of_kills(matrix.clean)]

    assert [verdict for verdict in verdicts if not verdict.is_recovered] == []
    assert sum(verdict.died == 2 for verdict in verdicts) > len(verdicts) / 4
