"""The API key that every client here uses."""

import pytest

from tests.unit.docflo.reach import KEY


@pytest.fixture(autouse=True)
def _api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCFLO_API_KEY", KEY)
