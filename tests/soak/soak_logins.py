"""Ten thousand passwords, tried against one name.

Collected only when it is named: `make soak` does.
"""

from pathlib import Path

import pytest

from tests.console.access import guarded, guesses


@pytest.mark.timeout(1800)
def test_ten_thousand_guesses_are_refused(tmp_path: Path) -> None:
    with guarded(tmp_path) as door:
        statuses = guesses(door, "otto", at_once=8, each=1250)
        acts = door.acts()

    assert statuses == {401: 5, 429: 9995}
    assert acts == [("login refused", "otto")] * 5
