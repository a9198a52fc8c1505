"""Secrets in files: read when they have changed, and only then."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from connector import references
from connector.references import Secret


@pytest.fixture
def key(tmp_path: Path) -> Path:
    path = tmp_path / "key"
    path.write_text("first", encoding="utf-8")
    return path


def test_a_file_that_was_just_written_is_read_again_however_alike_it_looks(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def coarse(path: str) -> SimpleNamespace:
        seen, tick = Path(path).stat(), 2_000_000_000  # as on FAT
        changed, written = seen.st_ctime_ns // tick * tick, seen.st_mtime_ns // tick * tick
        same = {"st_dev": seen.st_dev, "st_ino": seen.st_ino, "st_size": seen.st_size}
        return SimpleNamespace(**same, st_ctime_ns=changed, st_mtime_ns=written)

    monkeypatch.setattr(references, "os", SimpleNamespace(stat=coarse))
    secret = Secret("${file:key}", key.parent)
    seen = []
    for value in ("first", "later", "third"):  # of one size, within one tick
        key.write_text(value, encoding="utf-8")
        seen.append(secret.reveal())

    assert seen == ["first", "later", "third"]


def test_a_file_that_has_not_changed_is_not_read_again(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "_TICK", 0)
    secret = Secret("${file:key}", key.parent)
    secret.reveal()
    monkeypatch.setattr(references, "read_reference", lambda *_: pytest.fail("it was read again"))

    assert secret.reveal() == "first"


def test_a_file_put_in_its_place_is_read(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "_TICK", 0)
    secret = Secret("${file:key}", key.parent)
    secret.reveal()
    other = key.with_name("other")
    other.write_text("later", encoding="utf-8")
    os.utime(other, ns=(key.stat().st_atime_ns, key.stat().st_mtime_ns))
    other.replace(key)

    assert secret.reveal() == "later"


def test_a_file_that_is_gone_is_missed_though_it_was_read_before(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "_TICK", 0)
    secret = Secret("${file:key}", key.parent)
    secret.reveal()
    key.unlink()

    with pytest.raises(ValueError, match="there is no such file"):
        secret.reveal()


def test_a_home_that_nobody_has_is_a_missing_file_and_no_bug() -> None:
    with pytest.raises(ValueError, match="there is no such file"):
        Secret("${file:~nobody-of-that-name/key}").reveal()
