"""`/metrics`: what this process did, and what the ledger says.

What is counted here is this process's own. Gauges are read from the ledger, so every replica tells the same:
take the largest. Labels are pipelines, states, classes of errors, sides and calls; never documents.
"""

from collections import Counter as Count
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector import __version__
from connector.calls import Call, now_under_way
from connector.clock import Clock
from connector.docflo.shared_budget import Balance
from connector.errors import ConnectorError, UnavailableError
from connector.ledger.delivery import State
from connector.ledger.figures import Figures
from connector.pipeline.work import Move

PREFIX = "docflo_connector"
MOST_CLASSES = 20  # of errors that dead letters are told by; the rest together is "other"
_FAST = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_LONG = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 6 * 3600, 24 * 3600)


class Counters:
    """What this process did since it began. Safe between threads."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._moves = Counter(
            f"{PREFIX}_moves", "Deliveries that reached a state.", ["pipeline", "state"], registry=registry
        )
        self._attempts = Counter(
            f"{PREFIX}_attempts",
            "Tries at an arrow, by the class of the error that came of it; ok: none.",
            ["pipeline", "outcome"],
            registry=registry,
        )
        self._delivery_seconds = Histogram(
            f"{PREFIX}_delivery_seconds",
            "From finding a new document to its record in the target.",
            ["pipeline"],
            buckets=_LONG,
            registry=registry,
        )
        self._requests = Counter(
            f"{PREFIX}_requests", "Calls to another side.", ["side", "call", "outcome"], registry=registry
        )
        self._request_seconds = Histogram(
            f"{PREFIX}_request_seconds",
            "How long calls to another side took.",
            ["side", "call"],
            buckets=_FAST,
            registry=registry,
        )
        self._step_seconds = Histogram(
            f"{PREFIX}_step_seconds",
            "How long a step took for its whole batch.",
            ["pipeline", "step"],
            buckets=_FAST,
            registry=registry,
        )
        self._webhooks = Counter(
            f"{PREFIX}_webhooks", "Calls of Docflo's webhooks.", ["outcome"], registry=registry
        )
        self._news = Counter(
            f"{PREFIX}_notifications", "Notifications.", ["channel", "outcome"], registry=registry
        )
        Gauge(f"{PREFIX}_build_info", "The version.", ["version"], registry=registry).labels(__version__).set(
            1
        )

    def moved(self, move: Move) -> None:
        """Count one delivery's step."""
        outcome = move.failure.error_class if move.failure else "ok"
        self._attempts.labels(move.pipeline, outcome).inc()
        if move.failure is None or move.state is State.DEAD:
            self._moves.labels(move.pipeline, move.state.value).inc()
        if move.age is not None:
            self._delivery_seconds.labels(move.pipeline).observe(move.age.total_seconds())

    def ended(self, call: Call, error: BaseException | None) -> None:
        """Count one call or step."""
        if not call.side:
            self._step_seconds.labels(call.pipeline or "", call.what).observe(call.seconds())
            return
        outcome = "ok" if error is None else type(error).__name__
        self._requests.labels(call.side, call.what, outcome).inc()
        self._request_seconds.labels(call.side, call.what).observe(call.seconds())

    def webhook(self, outcome: str) -> None:
        """Count one call of a webhook."""
        self._webhooks.labels(outcome).inc()

    def told(self, channel: str, outcome: str) -> None:
        """Count one notification."""
        self._news.labels(channel, outcome).inc()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Everything that gauges are made of, at one time."""

    figures: Figures
    balance: Balance
    silence_after: Mapping[str, int]  # pipeline -> listings without documents that are suspicious; 0: none


class LedgerGauges(Collector):
    """Reads the ledger when metrics are asked for. One that cannot be read is a metric, too."""

    def __init__(
        self, read: Callable[[], Reading], *, config_refused: Callable[[], bool], clock: Clock
    ) -> None:
        self._read = read
        self._config_refused = config_refused
        self._clock = clock

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Say nothing: the ledger is not read before somebody asks."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give every gauge."""
        calls = now_under_way()
        yield _gauge(
            "longest_call_seconds", "The longest call under way.", calls[0].seconds() if calls else 0
        )
        yield _gauge("config_refused", "1: a later configuration is not in use.", int(self._config_refused()))
        try:
            reading = self._read()
        except UnavailableError:
            yield _gauge("database_up", "1: the ledger can be read.", 0)
            return
        except ConnectorError:
            yield _gauge("database_up", "1: the ledger can be read.", 0)
            return
        yield _gauge("database_up", "1: the ledger can be read.", 1)
        yield from _deliveries(reading.figures, self._clock())
        yield from _pipelines(reading, self._clock())
        yield from _rest(reading, self._clock())


def _deliveries(figures: Figures, now: datetime) -> Iterator[GaugeMetricFamily]:
    yield _family(
        "deliveries",
        "Deliveries by state.",
        ["pipeline", "state"],
        {(pipeline, state.value): count for (pipeline, state), count in figures.counts.items()},
    )
    dead: Count[tuple[str, ...]] = Count()
    kept = {
        name
        for name, _ in Count({name: n for (_, name), n in figures.dead.items()}).most_common(MOST_CLASSES)
    }
    for (pipeline, name), count in figures.dead.items():
        dead[pipeline, name if name in kept else "other"] += count
    yield _family("dead", "Dead letters by the class of their error.", ["pipeline", "error"], dead)
    yield _family(
        "originals",
        "Original files beside records, by state.",
        ["pipeline", "state"],
        {
            (pipeline, state.value): count
            for pipeline, counts in figures.originals.items()
            for state, count in counts.items()
        },
    )
    for name, text, since in (
        (
            "oldest_original_seconds",
            "Since delivery, of the oldest original file still to come.",
            figures.originals_since,
        ),
        (
            "oldest_undelivered_seconds",
            "Age of the oldest document not delivered.",
            figures.undelivered_since,
        ),
        (
            "oldest_unshown_seconds",
            "Age of the oldest delivery that Docflo does not show.",
            figures.unshown_since,
        ),
        ("oldest_doubt_seconds", "Age of the oldest delivery in doubt.", figures.doubted_since),
        ("listing_age_seconds", "Since the pipeline was last listed.", figures.listed_at),
    ):
        yield _family(
            name, text, ["pipeline"], {(pipeline,): _seconds(at, now) for pipeline, at in since.items()}
        )


def _pipelines(reading: Reading, now: datetime) -> Iterator[GaugeMetricFamily]:
    figures = reading.figures
    halted = {halt.pipeline for halt in figures.halts}
    paused = {pause.pipeline for pause in figures.pauses}
    names = reading.silence_after
    yield _family(
        "halted", "1: halted after dead letters.", ["pipeline"], {(n,): int(n in halted) for n in names}
    )
    yield _family("paused", "1: paused by a person.", ["pipeline"], {(n,): int(n in paused) for n in names})
    harvests = {name: figures.harvests[name] for name in names if name in figures.harvests}
    yield _family(
        "empty_listings",
        "Listings in a row that found no document.",
        ["pipeline"],
        {(name,): harvest.empty for name, harvest in harvests.items()},
    )
    yield _family(
        "suspicious_zero",
        "1: usually finds documents, and finds none now.",
        ["pipeline"],
        {(name,): int(harvest.is_suspicious(names[name])) for name, harvest in harvests.items()},
    )
    yield _family(
        "last_match_age_seconds",
        "Since a listing last found a document.",
        ["pipeline"],
        {
            (name,): _seconds(harvest.matched_at, now)
            for name, harvest in harvests.items()
            if harvest.matched_at
        },
    )


def _rest(reading: Reading, now: datetime) -> Iterator[GaugeMetricFamily]:
    figures, balance = reading.figures, reading.balance
    yield _family(
        "left_alone",
        "1: a side to which nothing is sent for now.",
        ["side", "error"],
        {(each.side, each.error_class): 1 for each in figures.breakers},
    )
    if balance.limit is not None:
        yield _gauge("budget_limit", "Requests an hour that Docflo allows.", balance.limit)
    yield _family(
        "budget_left",
        "Requests that a lane may still send in this hour.",
        ["lane"],
        {(lane.value,): left for lane, left in balance.lanes.items() if left is not None},
    )
    yield _gauge("wakeups", "Documents named by Docflo's webhooks and not yet fetched.", figures.wakeups)
    yield _family("alarms", "Open alarms.", ["kind"], {(kind,): n for kind, n in figures.alarms.items()})
    replicas: Count[tuple[str, ...]] = Count()
    for each in figures.replicas:
        if not each.is_gone(now):
            replicas["refused" if each.config_refused else "in_use",] += 1
    yield _family(
        "replicas", "Processes, by whether they use the latest configuration.", ["config"], replicas
    )


def metrics_route(registry: CollectorRegistry) -> Route:
    """Give `/metrics`."""

    def metrics(_request: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _family(
    name: str, text: str, labels: list[str], values: Mapping[tuple[str, ...], float]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"{PREFIX}_{name}", text, labels=labels)
    for key in sorted(values):
        family.add_metric(list(key), values[key])
    return family


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())
