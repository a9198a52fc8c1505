"""The web side of `run`, put together."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from connector.cli.serving_console import console_mount
from connector.clock import utc_now
from connector.config import Config
from connector.console.app import make_app
from connector.console.health import health_routes
from connector.console.metrics import Counters, LedgerGauges, Reading, metrics_route
from connector.console.server import WebServer
from connector.console.webhooks import webhook_route
from connector.docflo.shared_budget import Balance
from connector.errors import ConnectorError
from connector.ledger.database import Database
from connector.ledger.figures import read_figures
from connector.ledger.wakeups import ANY, WakeupStore
from connector.service.vitals import Vitals


def make_web(
    config: Config,
    *,
    database: Database,
    registry: CollectorRegistry,
    counters: Counters,
    current: Callable[[], Config],
    balance: Callable[[], Balance],
    vitals: Vitals,
    is_stopping: Callable[[], bool],
    is_refused: Callable[[], bool],
    on_wakeup: Callable[[], None],
) -> WebServer:
    """Make the server; it does not run yet.

    Raises: ConfigError when its address cannot be had.
    """

    def read() -> Reading:
        silences = {name: section.silence_after for name, section in current().pipelines.items()}
        return Reading(figures=read_figures(database), balance=balance(), silence_after=silences)

    def alive() -> list[str]:
        return [
            f"{silence.thread} gives no sign of life"
            + (f", since {silence.seconds:.0f} seconds" if silence.seconds is not None else "")
            + (f", in {silence.call.what} of {silence.call.pipeline}" if silence.call else "")
            for silence in vitals.silent()
        ]

    def ready() -> list[str]:
        if is_stopping():
            return ["it is told to stop"]
        try:
            database.require_current_schema()
        except ConnectorError as error:
            return [error.message]
        return [f"{name} has not been listed yet" for name in sorted(vitals.unlisted)]

    registry.register(LedgerGauges(read, config_refused=is_refused, clock=utc_now))
    routes = [*health_routes(alive=alive, ready=ready), metrics_route(registry)]
    if config.webhook is not None:
        wakeups = WakeupStore(database)

        def store(document_id: str | None) -> None:
            wakeups.add(document_id or ANY, utc_now())
            on_wakeup()

        routes.append(webhook_route(config.webhook, store=store, count=counters.webhook))
    pages = [console_mount(database, config=current, balance=balance)] if config.web.lets_only_known else []
    return WebServer(make_app([*routes, *pages]), host=config.web.host, port=config.web.port)
