"""A configuration that changes while it is in use."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from connector.config import Config, load_config
from connector.errors import ConfigError, Problem, UnavailableError
from connector.mapping.rules import SourceFile
from connector.service.keeper import Keeper
from connector.service.setup import Current, Setup
from tests.factories import HandClock

TEXT = """\
docflo: {tenant_id: t, api_key: "${file:key}"}
targets: {here: {adapter: memory}}
pipelines:
  invoices:
    documents: {types: [invoice], since: 2026-01-01}
    mapping: mapping.yaml
    target: here
"""


class Rig:
    """A keeper over a configuration file, and what it did."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "config.yaml"
        self.mapping = folder / "mapping.yaml"
        self.key = folder / "key"
        self.table = folder / "vendors.csv"
        self.config.write_text(TEXT, encoding="utf-8")
        self.mapping.write_text("1", encoding="utf-8")
        self.key.write_text("k", encoding="utf-8")
        self.table.write_text("1", encoding="utf-8")
        self.built: list[Config] = []
        self.error: Exception | None = None
        self.told: list[str] = []
        first = load_config(self.config)
        self.current = Current(self.setup())
        self.keeper = Keeper(
            self.config,
            first,
            self.current,
            load=lambda: load_config(self.config),
            build=self.build,
            on_new=lambda _config: self.told.append("new"),
            on_new_secrets=lambda: self.told.append("secrets"),
            clock=HandClock(),
        )

    def setup(self) -> Setup:
        make_work: Any = None
        scheduled: Any = [SimpleNamespace(pipeline=SimpleNamespace(name="invoices", mapping=self))]
        return Setup(scheduled=scheduled, make_work=make_work, close=lambda: None)

    @property
    def files(self) -> list[SourceFile]:
        """What the mapping is made of, beside the file that the configuration names."""
        return [SourceFile(path=self.table, sha256="")]

    def build(self, config: Config) -> Setup:
        if self.error is not None:
            raise self.error
        self.built.append(config)
        return self.setup()

    def edit(self, old: str, new: str) -> None:
        self.config.write_text(self.config.read_text().replace(old, new), encoding="utf-8")

    def look_until_settled(self) -> None:
        self.keeper.look()
        self.keeper.look()


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_nothing_is_read_while_nothing_changes(rig: Rig) -> None:
    rig.look_until_settled()

    assert (rig.built, rig.told) == ([], [])


def test_a_changed_configuration_takes_the_place_of_the_old_one(rig: Rig) -> None:
    with rig.current.use() as before:
        rig.edit("target: here", "target: here\n    halt_after: 3")
        rig.look_until_settled()
        is_replaced = not rig.current.is_current(before)

    assert is_replaced
    assert [config.pipelines["invoices"].halt_after for config in rig.built] == [3]
    assert rig.told == ["new"]


def test_a_changed_mapping_is_noticed(rig: Rig) -> None:
    rig.mapping.write_text("2", encoding="utf-8")

    rig.look_until_settled()

    assert rig.told == ["new"]


def test_a_changed_table_of_a_mapping_is_noticed_also_after_a_refusal(rig: Rig) -> None:
    rig.error = ConfigError("bad")
    rig.table.write_text("2", encoding="utf-8")
    rig.look_until_settled()
    rig.error = None
    rig.table.write_text("3", encoding="utf-8")

    rig.look_until_settled()

    assert rig.told == ["new"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConfigError("bad", problems=[Problem(place="m.yaml:3", message="no such field")]), "no such field"),
        (UnavailableError("the database is away"), "away"),
        (ValueError("what a document says"), "a bug; see the log"),
    ],
)
def test_what_cannot_be_used_leaves_the_old_one_in_place_and_says_so(
    rig: Rig, error: Exception, words: str
) -> None:
    rig.error = error
    with structlog.testing.capture_logs() as logs, rig.current.use() as before:
        rig.mapping.write_text("2", encoding="utf-8")
        rig.look_until_settled()
        is_kept = rig.current.is_current(before)

    assert is_kept
    assert rig.told == []
    assert words in (rig.keeper.reading.refused or "")
    assert "config.refused" in [line["event"] for line in logs]


def test_a_file_that_is_no_configuration_is_refused_and_its_correction_taken(rig: Rig) -> None:
    rig.edit("tenant_id: t", "tenant: t")
    rig.look_until_settled()
    refused = rig.keeper.reading.refused
    rig.edit("tenant: t", "tenant_id: u")

    rig.look_until_settled()

    assert "config.yaml:1" in (refused or "")
    assert rig.keeper.reading.refused is None
    assert [config.docflo.tenant_id for config in rig.built] == ["u"]


def test_the_correction_may_come_in_a_file_that_only_the_refused_one_names(rig: Rig) -> None:
    rig.error = ConfigError("other.yaml has 1 problem")
    rig.edit("mapping.yaml", "other.yaml")
    rig.look_until_settled()
    rig.error = None

    (rig.config.parent / "other.yaml").write_text("right", encoding="utf-8")
    rig.look_until_settled()

    assert rig.told == ["new"]


def test_when_the_database_was_away_it_is_tried_again_by_itself(rig: Rig) -> None:
    rig.error = UnavailableError("the database is away")
    rig.mapping.write_text("2", encoding="utf-8")
    rig.look_until_settled()
    rig.error = None

    rig.keeper.look()

    assert rig.told == ["new"]


def test_who_asks_gets_it_read_again_at_once(rig: Rig) -> None:
    rig.keeper.ask()

    rig.keeper.look()

    assert rig.told == ["new"]


def test_sections_that_count_only_at_the_start_are_named(rig: Rig) -> None:
    rig.edit("docflo:", "service: {workers: 7}\ndocflo:")

    rig.look_until_settled()

    assert rig.keeper.reading.needs_restart == ("service",)


def test_a_rotated_secret_is_told_and_nothing_is_read_again(rig: Rig) -> None:
    rig.key.write_text("k2", encoding="utf-8")

    rig.look_until_settled()

    assert rig.told == ["secrets"]


def test_what_was_asked_for_and_refused_may_go_back_to_what_it_was(rig: Rig) -> None:
    right = rig.config.read_text(encoding="utf-8")
    rig.edit("tenant_id: t", "tenant: t")
    rig.keeper.ask()
    rig.keeper.look()
    rig.config.write_text(right, encoding="utf-8")

    rig.look_until_settled()

    assert rig.keeper.reading.refused is None
    assert rig.told == ["new"]
