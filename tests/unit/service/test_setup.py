"""How one setup takes the place of another."""

from typing import Any

from connector.service.setup import Current, Setup


def make_setup(name: str, closed: list[str]) -> Setup:
    make_work: Any = None
    return Setup(scheduled=(), make_work=make_work, close=lambda: closed.append(name))


def test_a_setup_that_is_used_is_closed_only_when_its_last_user_leaves() -> None:
    closed: list[str] = []
    current = Current(make_setup("old", closed))

    with current.use():
        with current.use():
            current.replace(make_setup("new", closed))
            assert closed == []
        assert closed == []

    assert closed == ["old"]


def test_a_setup_that_nobody_uses_is_closed_at_once_and_only_once() -> None:
    closed: list[str] = []
    current = Current(make_setup("old", closed))
    with current.use():
        pass

    current.replace(make_setup("new", closed))
    with current.use() as used:
        assert current.is_current(used)

    assert closed == ["old"]
