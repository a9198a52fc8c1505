"""What leaves this connector as logs and traces: ids and outcomes, never secrets or contents."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from connector.cli.sandbox_setup import SECRETS
from connector.cli.session import open_session
from connector.pipeline.advance import drain
from connector.pipeline.discover import discover
from connector.sandbox.faults import Fault
from connector.tracing import traced, tracing
from connector.wiring import connect
from tests.scenario.conftest import GOOD, World
from tests.scenario.test_service import logged
from tests.scenario.test_survival import start, wait_for

PATIENCE = 90.0


def _texts(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_texts, value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*map(_texts, value)) if value else set()
    # A date of a document may be today's, which every line begins with.
    is_telling = isinstance(value, str) and len(value) >= 8 and not re.fullmatch(r"[\d-]{10}", value)
    return {str(value)} if is_telling else set()


def test_no_log_line_holds_a_secret_or_a_word_of_a_document(world: World) -> None:
    documents = world.running.docflo.documents.values()
    contents = set().union(
        *(_texts({k: f.get("value") for k, f in each.fields.items()}) for each in documents)
    )
    world.edit("pipelines:\n", "log: {level: debug}\n\npipelines:\n")
    world.running.docflo.faults.add(Fault(operation="update_fields", kind="html", status=503, times=2))
    process = start(world, "run")
    wait_for(lambda: len(logged(world, "delivery.moved")) >= 2 * GOOD)
    process.terminate()
    process.wait(PATIENCE)

    log = (world.config.parent / "process.log").read_text(encoding="utf-8")
    assert len(log.splitlines()) > 2 * GOOD
    assert {secret for secret in SECRETS.values() if secret in log} == set()
    assert {text for text in contents if text in log} == set()


def test_each_document_has_one_trace_from_finding_to_showing(world: World) -> None:
    exporter = InMemorySpanExporter()
    with tracing(exporter, at_once=True) as on_move, connect(open_session(world.config)) as connector:
        work = connector.work(on_move)
        discover(connector.pipelines[0], work)
        drain(connector.pipelines, work, stop=lambda: False)

    traces = defaultdict(list)
    for span in exporter.get_finished_spans():
        assert span.context is not None
        traces[span.context.trace_id].append(span)
    complete = [
        spans for spans in traces.values() if {"discover", "deliver", "write_back"} <= {s.name for s in spans}
    ]
    assert len(complete) == GOOD
    for spans in complete:
        [root] = [span for span in spans if span.parent is None]
        assert root.name == "discover"
        assert len({dict(span.attributes or {})["docflo_connector.document_id"] for span in spans}) == 1
        assert {span.parent.span_id for span in spans if span.parent} == {
            root.context.span_id if root.context else 0
        }


def test_without_an_endpoint_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)

    with traced() as on_move:
        assert on_move is None


def test_an_endpoint_without_the_extra_is_said_and_harmless(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:1/{tmp_path.name}")

    with traced() as on_move:
        assert on_move is None
