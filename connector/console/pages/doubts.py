"""What may or may not be in the target: the evidence, what the target says when asked, three ways out."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.console.pages.document import known
from connector.console.pages.page import Console, Page
from connector.console.pages.posting import Form, act_route
from connector.errors import ConnectorError
from connector.ledger.browsing import Browsing
from connector.ledger.delivery import Delivery
from connector.ledger.rows import DeliveryEvent
from connector.pipeline import by_hand
from connector.record import Receipt

PATH = "/doubts"
MOST = 50


def _routes(console: Console) -> Sequence[BaseRoute]:
    browsing = Browsing(console.database)

    def doubts(request: Request) -> Response:
        oldest = browsing.oldest_doubts(MOST + 1)
        shown = oldest[:MOST]
        stories = console.store.stories([each.id for each in shown])
        config = console.config()
        values = {
            "title": "In doubt",
            "doubts": [(each, _evidence(stories[each.id])) for each in shown],
            "is_more": len(oldest) > MOST,
            "settle": {name: section.in_doubt.settle for name, section in config.pipelines.items()},
            "persons": {name: section.in_doubt.person for name, section in config.pipelines.items()},
        }
        return console.render(request, "doubts.html", values)

    def ask(request: Request, _form: Form) -> Response:
        delivery = known(console, request)
        receipt, trouble = None, None
        try:
            with console.reach([delivery.pipeline]) as reach:
                found = by_hand.ask(console.store, delivery, reach.pipelines)
        except ConnectorError as error:
            found = error
        match found:
            case Receipt():
                receipt = found
            case ConnectorError():
                trouble = found.message
        values = {
            "title": "What the target says",
            "delivery": delivery,
            "receipt": receipt,
            "trouble": trouble,
            "is_early": _is_early(console, delivery),
        }
        is_part = request.headers.get("hx-request") == "true"
        return console.render(request, "doubts_answer.html" if is_part else "doubts_asked.html", values)

    return [Route(PATH, doubts), act_route(console, f"{PATH}/{{id:int}}/ask", ask)]


def _evidence(story: Sequence[DeliveryEvent]) -> Sequence[DeliveryEvent]:
    """Give the steps that asked something of the target, the latest first."""
    return [event for event in reversed(story) if event.requests or event.detail][:3]


def _is_early(console: Console, delivery: Delivery) -> bool:
    section = console.config().pipelines.get(delivery.pipeline)
    if section is None or delivery.doubted_at is None:
        return False
    return console.now() - delivery.doubted_at < section.in_doubt.settle


PAGE = Page(title="In doubt", path=PATH, routes=_routes)
