"""What a mapping decides, carried through the pipelines: skipped, routed, asked, and told to the reviewer."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from connector.adapters.memory import MemoryAdapter
from connector.cli.session import open_session
from connector.clock import utc_now
from connector.errors import ConfigError, UnavailableError
from connector.ledger.delivery import State
from connector.pipeline.advance import drain
from connector.pipeline.discover import discover
from connector.record import Receipt, Record, TargetQuery
from connector.wiring import Connector, connect
from tests.factories import HandClock
from tests.scenario.conftest import APPROVED, Cli, World

MAPPING = """version: 1
document: invoice
{top}record:
  object: Invoice
  key: Key
{record}  fields:
    Number: InvoiceId
{fields}examples:
  - {{name: none, document: {{}}, {outcome}}}
"""
MEMORY = "targets:\n  till: {adapter: memory}\n  other: {adapter: memory}\n"


def write_mapping(world: World, name: str, outcome: str = "refused: missing", **parts: str) -> None:
    values = {"top": "", "record": "", "fields": "", "outcome": outcome, **parts}
    folder = world.config.parent / "mappings"
    (folder / f"{name}.yaml").write_text(MAPPING.format(**values), encoding="utf-8")


def add_pipelines(world: World, **targets: str) -> None:
    """Replace the pipeline of the world by these, each with the mapping of its name."""
    head, _, old = world.config.read_text(encoding="utf-8").partition("pipelines:\n")
    [documents] = [line for line in old.splitlines() if line.lstrip().startswith("documents:")]
    pipelines = "".join(
        f"  {name}:\n{documents}\n    mapping: mappings/{name}.yaml\n"
        f"    target: {target}\n    halt_after: 0\n"
        for name, target in targets.items()
    )
    head = head.replace("targets:\n", MEMORY)
    world.config.write_text(f"{head}pipelines:\n{pipelines}", encoding="utf-8")


@contextmanager
def opened(world: World, clock: HandClock) -> Iterator[Connector]:
    with connect(open_session(world.config), clock=clock) as connector:
        yield connector


def run(connector: Connector) -> None:
    for pipeline in connector.pipelines:
        discover(pipeline, connector.work())
    drain(connector.pipelines, connector.work(), stop=lambda: False)


def held(connector: Connector, name: str) -> Mapping[str, tuple[Receipt, Record]]:
    [adapter] = [pipeline.adapter for pipeline in connector.pipelines if pipeline.name == name]
    assert isinstance(adapter, MemoryAdapter)
    return adapter.held


def test_documents_are_routed_to_the_pipelines_that_want_them(world: World) -> None:
    when = "default(InvoiceTotal.amount, 0) {sign} 1000"
    write_mapping(world, "large", record=f"  when: {when.format(sign='>')}\n", outcome="skipped: true")
    write_mapping(world, "small", record=f"  when: {when.format(sign='<=')}\n")
    write_mapping(world, "every")
    add_pipelines(world, large="till", small="other", every="till")

    with opened(world, HandClock(now=utc_now())) as connector:
        run(connector)

        counts = connector.store.counts()
        large, small = (Counter(counts[name]) for name in ("large", "small"))
        assert counts["every"] == {State.COMPLETED: APPROVED}
        assert large[State.COMPLETED] + small[State.COMPLETED] == APPROVED
        assert large[State.SKIPPED] == small[State.COMPLETED] > 0
        assert small[State.SKIPPED] == large[State.COMPLETED] > 0
        # One target for two pipelines: each has its own record of a document.
        assert len(held(connector, "every")) == APPROVED + large[State.COMPLETED]


def test_a_skipped_document_that_is_edited_is_looked_at_again(world: World, cli: Cli) -> None:
    write_mapping(world, "late", record="  when: InvoiceId == 'wanted'\n", outcome="refused: when")
    add_pipelines(world, late="till")

    with opened(world, HandClock(now=utc_now())) as connector:
        run(connector)
        [first, *_] = connector.store.find(states=[State.SKIPPED], limit=1)
        cli("api", "update-fields", first.document_id, "InvoiceId=wanted", "--config", world.config)
        run(connector)

        assert connector.store.counts()["late"] == {State.SKIPPED: APPROVED - 1, State.COMPLETED: 1}
        assert len(held(connector, "late")) == 1


class Vendors(MemoryAdapter):
    """A target that knows some vendors, and counts what it is asked."""

    calls: int
    known: dict[str, tuple[str, ...]]
    is_away: bool

    def query(self, queries: Sequence[TargetQuery]) -> Mapping[TargetQuery, tuple[str, ...]]:
        self.calls += 1
        if self.is_away:
            raise UnavailableError("the target is away")
        return {query: self.known.get(query.value, ()) for query in queries}


LOOKUPS = "lookups:\n  vendors: {object: Account, key: Name, value: Id}\n"


@pytest.fixture
def asking(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    write_mapping(
        world,
        "asking",
        top=LOOKUPS,
        fields="    Vendor: {from: VendorName, lookup: vendors, missing: absent}\n",
    )
    add_pipelines(world, asking="till")
    monkeypatch.setattr("connector.adapters.registry.MemoryAdapter", Vendors)
    return world


def vendors_of(connector: Connector, **parts: Any) -> Vendors:
    [pipeline] = connector.pipelines
    adapter = pipeline.adapter
    assert isinstance(adapter, Vendors)
    adapter.calls, adapter.known, adapter.is_away = 0, {}, False
    for name, value in parts.items():
        setattr(adapter, name, value)
    return adapter


def test_the_target_is_asked_once_a_batch_and_not_again(asking: World) -> None:
    with opened(asking, HandClock(now=utc_now())) as connector:
        adapter = vendors_of(connector, known=_Everybody())
        run(connector)

        vendors = [record.fields["Vendor"] for _, record in adapter.held.values()]
        assert len(vendors) == APPROVED
        assert all(str(vendor).startswith("id of ") for vendor in vendors)
        assert adapter.calls <= APPROVED / adapter.batch_size + 1


class _Everybody(dict[str, tuple[str, ...]]):
    def get(self, name: str, _default: Any = None) -> tuple[str, ...]:
        return (f"id of {name}",)


def test_a_target_that_cannot_answer_holds_the_documents_and_loses_none(asking: World) -> None:
    clock = HandClock(now=utc_now())
    with opened(asking, clock) as connector:
        adapter = vendors_of(connector, is_away=True)
        run(connector)
        waiting = dict(connector.store.counts()["asking"])
        adapter.is_away = False
        for _ in range(5):
            clock.advance(timedelta(hours=1))
            run(connector)

        assert waiting == {State.PENDING: APPROVED}
        assert connector.store.counts()["asking"] == {State.COMPLETED: APPROVED}


def test_a_gate_that_fails_is_a_dead_letter_that_names_the_fields(world: World) -> None:
    gate = "gates:\n  - {confidence: {InvoiceId: 1}, unless_edited: true}\n"
    write_mapping(world, "gated", top=gate)
    add_pipelines(world, gated="till")

    with opened(world, HandClock(now=utc_now())) as connector:
        run(connector)

        [dead] = connector.store.find(states=[State.DEAD], limit=1)
        assert dead.failure is not None
        assert dead.failure.error_class == "MappingError"
        assert "gated.yaml:4:5: gate: `InvoiceId` has a confidence of 0." in dead.failure.reason


def test_a_status_that_hides_documents_from_another_pipeline_is_refused(world: World) -> None:
    write_mapping(world, "one")
    write_mapping(world, "two")
    add_pipelines(world, one="till", two="other")
    world.edit("    target: other\n", "    target: other\n    write_back: {delivered: {status: CONFIRMED}}\n")

    with pytest.raises(ConfigError) as refused:
        open_session(world.config)

    assert "CONFIRMED hides documents from pipeline `one`" in str(refused.value.problems[0])
