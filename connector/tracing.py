"""OpenTelemetry traces, one for each document, where the extra `otel` is installed and an endpoint set.

A document's trace is known by its pipeline and id alone, so that every process, however much later, adds to
the same one, and nothing need be stored. Spans name ids and outcomes, never contents.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog

from connector.calls import Call, listening
from connector.pipeline.work import Move

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

log = structlog.get_logger(__name__)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""The environment variables of OpenTelemetry that say where traces go."""

OnMove = Callable[[Move], None]


@contextmanager
def traced() -> Iterator[OnMove | None]:
    """Send traces while the block runs. None, and no cost, where nothing is set or installed."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        yield None
        return
    try:
        exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
    except ImportError:
        log.warning("traces.not_installed", remedy="pip install 'docflo-connector[otel]'")
        yield None
        return
    with tracing(exporter) as on_move:
        yield on_move


@contextmanager
def tracing(exporter: "SpanExporter", *, at_once: bool = False) -> Iterator[OnMove]:
    """Give spans to this exporter while the block runs. `at_once`: each as it ends, for tests."""
    traces = _Traces(exporter, at_once=at_once)
    try:
        with listening(traces.ended):
            yield traces.moved
    finally:
        traces.close()


class _Traces:
    def __init__(self, exporter: "SpanExporter", *, at_once: bool) -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 an extra
        from opentelemetry.sdk.trace.export import (  # noqa: PLC0415 an extra
            BatchSpanProcessor,
            SimpleSpanProcessor,
        )

        self._ids = _ids()
        resource = Resource.create({"service.name": "docflo-connector"})
        self._provider = TracerProvider(id_generator=self._ids, resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor((SimpleSpanProcessor if at_once else BatchSpanProcessor)(exporter))
        self._tracer = self._provider.get_tracer("docflo-connector")

    def moved(self, move: Move) -> None:
        """Tell the beginning of a document's trace, once its delivery tells when it was found."""
        if move.age is None:
            return
        found_at = time.time_ns() - int(move.age.total_seconds() * 1e9)
        self._ids.next = _root(move.pipeline, move.document_id)
        span = self._tracer.start_span(
            "discover", start_time=found_at, attributes=_attributes(move.pipeline, move.document_id)
        )
        self._ids.next = None
        span.end(found_at)

    def ended(self, call: Call, error: BaseException | None) -> None:
        """Add a step to the trace of each document of its batch."""
        if call.side or call.pipeline is None:
            return
        end = time.time_ns()
        for document_id in call.documents:
            span = self._tracer.start_span(
                call.what,
                context=self._context(call.pipeline, document_id),
                start_time=end - int(call.seconds() * 1e9),
                attributes={
                    **_attributes(call.pipeline, document_id),
                    "docflo_connector.batch": len(call.documents),
                },
            )
            if error is not None:
                span.set_attribute("error.type", type(error).__name__)
            span.end(end)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _context(self, pipeline: str, document_id: str) -> Any:  # noqa: ANN401 an extra's type
        from opentelemetry import trace  # noqa: PLC0415 an extra

        trace_id, span_id = _root(pipeline, document_id)
        root = trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(1))
        return trace.set_span_in_context(trace.NonRecordingSpan(root))


def _root(pipeline: str, document_id: str) -> tuple[int, int]:
    digest = sha256(f"{pipeline}\n{document_id}".encode()).digest()
    return int.from_bytes(digest[:16]), int.from_bytes(digest[16:24])


def _attributes(pipeline: str, document_id: str) -> dict[str, str]:
    return {"docflo_connector.pipeline": pipeline, "docflo_connector.document_id": document_id}


def _ids() -> Any:  # noqa: ANN401 its base is an extra's
    from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415 an extra

    class Ids(RandomIdGenerator, threading.local):
        """Gives random ids, or the ones that this thread was told to give next."""

        next: tuple[int, int] | None = None

        def generate_trace_id(self) -> int:
            return self.next[0] if self.next else super().generate_trace_id()

        def generate_span_id(self) -> int:
            return self.next[1] if self.next else super().generate_span_id()

    return Ids()
