"""Files that are watched."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from connector.references import Secret
from connector.service.files import Watch, secret_files, settings_files


class Inner(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    bundle: Path
    key: Secret
    other: Secret


class Outer(BaseModel):
    parts: dict[str, Inner]
    more: tuple[Path, ...] = ()


def test_every_file_that_is_named_anywhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k", encoding="utf-8")
    inner = Inner(
        bundle=tmp_path / "ca.pem",
        key=Secret("${file:key}", tmp_path),
        other=Secret("${env:HOME}"),
    )
    config = Outer(parts={"a": inner}, more=(tmp_path / "b.yaml",))

    settings = settings_files(tmp_path / "config.yaml", config)

    assert settings == {tmp_path / "config.yaml", tmp_path / "ca.pem", tmp_path / "b.yaml"}
    assert secret_files(config) == {tmp_path / "key"}


def test_a_change_counts_once_when_it_has_stayed_for_a_look(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1", encoding="utf-8")
    watch = Watch(frozenset({path}))
    assert watch.look() == ()

    path.write_text("2", encoding="utf-8")

    assert [watch.look() for _ in range(3)] == [(), (path,), ()]


def test_a_file_that_changes_again_meanwhile_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1", encoding="utf-8")
    watch = Watch(frozenset({path}))
    seen = []
    for text in ("2", "3", "3"):
        path.write_text(text, encoding="utf-8")
        seen.append(watch.look())

    assert seen == [(), (), (path,)]


def test_a_file_that_vanishes_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1", encoding="utf-8")
    watch = Watch(frozenset({path}))

    path.unlink()

    assert [watch.look() for _ in range(2)] == [(), (path,)]


def test_a_mounted_volume_that_is_switched_by_its_link_is_seen(tmp_path: Path) -> None:
    for name, text in (("one", "old"), ("two", "new")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "key").write_text(text, encoding="utf-8")
    link = tmp_path / "data"
    link.symlink_to("one")
    watch = Watch(frozenset({link / "key"}))

    other = tmp_path / "other"
    other.symlink_to("two")
    other.rename(link)

    assert [watch.look() for _ in range(2)] == [(), (link / "key",)]
