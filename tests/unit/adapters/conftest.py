"""Secrets for every test here, and a way to see what was logged."""

import pytest


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SF_KEY", "the-consumer-key")
    monkeypatch.setenv("SF_SECRET", "the-consumer-secret")
