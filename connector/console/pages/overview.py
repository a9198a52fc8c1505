"""How everything is, at one look."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.console.pages.page import Console, Page
from connector.ledger.delivery import State
from connector.ledger.figures import read_figures


def _routes(console: Console) -> Sequence[BaseRoute]:
    def overview(request: Request) -> Response:
        return console.render(request, "overview.html", _values(console))

    def live(request: Request) -> Response:
        return console.render(request, "overview_live.html", _values(console))

    return [Route("/", overview), Route("/overview/live", live)]


def _values(console: Console) -> Mapping[str, Any]:
    return {
        "title": "Overview",
        "figures": read_figures(console.database),
        "states": tuple(State),
        "names": tuple(console.config().pipelines),
    }


PAGE = Page(title="Overview", path="/", routes=_routes)
