"""The console's pages, given what they work with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager

from starlette.routing import Mount

from connector.adapters.base import Finding, TargetObject
from connector.cli.backfilling import begin_for_a_person, plan_for_a_person
from connector.cli.checking import Report, check_offline, check_online
from connector.cli.mapping_new import describe_target
from connector.clock import utc_now
from connector.config import Config
from connector.console.access.setup import local_access, login_access
from connector.console.app import make_app
from connector.console.pages.application import console_app
from connector.console.pages.page import Console, Reach
from connector.console.pages.registry import PAGES
from connector.console.pages.rendering import Renderer
from connector.console.server import WebServer
from connector.docflo.budget import Lane
from connector.docflo.client import DocfloClient
from connector.docflo.shared_budget import Balance
from connector.errors import ConfigError
from connector.ledger.database import Database
from connector.ledger.store import Store
from connector.sight import make_budget, open_ledger_database
from connector.wiring import connect_over


def console_mount(
    database: Database, *, config: Callable[[], Config], balance: Callable[[], Balance]
) -> Mount:
    """Give all pages as one route, which takes every path: the last of an application.

    Raises: ConfigError when nobody could be let in.
    """

    @contextmanager
    def reach(names: Sequence[str]) -> Iterator[Reach]:
        with connect_over(database, config(), only=names) as connector:
            yield Reach(docflo=connector.docflo.lane(Lane.BY_HAND), pipelines=connector.pipelines)

    def check() -> Sequence[Finding]:
        report = Report()
        check_online(config(), check_offline(config(), report), report)
        return report.findings

    def describe(target: str, name: str) -> TargetObject:
        return describe_target(config(), target, name)

    def plan_backfill(name: str, start: str, end: str) -> Mapping[str, object]:
        return plan_for_a_person(database, config(), name, start, end)

    def begin_backfill(name: str, start: str, end: str, actor: str) -> int:
        return begin_for_a_person(database, name, start, end, actor).id

    render, settings = Renderer(PAGES, clock=utc_now), config().web.access
    access = login_access(settings, database, render=render, clock=utc_now) if settings else local_access()

    @contextmanager
    def docflo() -> Iterator[DocfloClient]:
        budget = make_budget(config(), database, clock=utc_now)
        with DocfloClient(config().docflo, clock=utc_now, budget=budget) as client:
            try:
                yield client.lane(Lane.BY_HAND)
            finally:
                budget.release()

    console = Console(
        database=database,
        store=Store(database, clock=utc_now),
        config=config,
        balance=balance,
        check=check,
        describe=describe,
        plan_backfill=plan_backfill,
        begin_backfill=begin_backfill,
        reach=reach,
        docflo=docflo,
        clock=utc_now,
        render=render,
    )
    return Mount("", app=console_app(console, access=access.middleware, routes=access.routes))


@contextmanager
def serve_console(config: Config, *, port: int | None = None) -> Iterator[str]:
    """Serve the pages until the block ends; give their address.

    Raises: ConfigError for an old schema, a host that others reach, or an address that cannot be had.
    """
    if not config.web.lets_only_known:
        raise ConfigError(
            f"whoever reaches {config.web.host} would see the console",
            remedy="set web.access, so that people log in; or web.host to 127.0.0.1",
        )
    with ExitStack() as stack:
        database = open_ledger_database(config)
        stack.callback(database.close)
        database.require_current_schema()
        budget = make_budget(config, database, clock=utc_now)
        pages = console_mount(database, config=lambda: config, balance=budget.balance)
        web = WebServer(
            make_app([pages]), host=config.web.host, port=config.web.port if port is None else port
        )
        web.start()
        stack.callback(web.stop)
        yield web.address
