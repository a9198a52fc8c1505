"""Every pair of crash points on every kind of ledger and target; `make check` plays a few, on two of them.

Collected only when it is named: `make soak` does.
"""

from collections.abc import Iterator

import pytest

from connector.cli.crash_matrix import pairs_of_kills
from tests.crash.matrix import ALL_KINDS, Matrix, matrix_of


@pytest.fixture(name="matrix", scope="module", params=ALL_KINDS)
def every_matrix(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Matrix]:
    yield from matrix_of(request, tmp_path_factory.mktemp("crash"))


@pytest.mark.timeout(7200)
def test_a_crash_at_any_two_places_leaves_no_trace(matrix: Matrix) -> None:
    verdicts = [matrix.play(*kills) for kills in pairs_of_kills(matrix.clean)]

    assert [verdict for verdict in verdicts if not verdict.is_recovered] == []
    assert sum(verdict.died == 2 for verdict in verdicts) > len(verdicts) / 4
