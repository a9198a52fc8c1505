"""One document's way: what happened, what it says, what was sent and answered, and what a person can do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote as quote_path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.console.pages.contents import record_seen, source_rows, stored_document
from connector.console.pages.filters import HIGHEST
from connector.console.pages.original import original_routes
from connector.console.pages.page import Console
from connector.console.pages.posting import Form, act_route, by
from connector.console.person import person_of
from connector.errors import ConfigError, PermanentError
from connector.ledger.delivery import Delivery, State
from connector.ledger.operations import GIVEN_UP, Replay
from connector.ledger.rows import DeliveryEvent
from connector.pipeline import by_hand
from connector.pipeline.by_hand import ReplayAs

TABS = ("source", "record", "request", "answer", "write-back")
PROGRAM = "docflo-connector deliveries"


def document_routes(console: Console) -> Sequence[BaseRoute]:
    """Give the routes of one document."""

    def document(request: Request) -> Response:
        delivery = known(console, request)
        tab = request.query_params.get("tab", TABS[0])
        values = {
            "title": _title(delivery, sees_contents=person_of(request).sees_contents),
            "delivery": delivery,
            "events": console.store.events(delivery.id),
            "tab": tab if tab in TABS else TABS[0],
            "tabs": TABS,
            "acts": _acts(delivery),
            "link": _docflo_link(console, delivery),
            "done": request.query_params.get("done"),
            **_of_tab(console, delivery, tab),
        }
        return console.render(request, "document.html", values)

    def replay(request: Request, form: Form) -> str:
        delivery = known(console, request)
        how = ReplayAs(form.get("as", "")) if form.get("as") in set(ReplayAs) else ReplayAs.MAP
        is_absent = form.get("target_has_none") == "yes"
        by_hand.check_replay(console.store, [delivery], how, is_absent=is_absent)
        fetched = {}
        if how is ReplayAs.FETCH:
            with console.reach([delivery.pipeline]) as reach:
                fetched = by_hand.fetch([delivery], reach.pipelines, reach.docflo)
        wanted = Replay(is_record=how is ReplayAs.RECORD, is_absent=is_absent, fetched=fetched)
        chosen = by(person_of(request), form, f"ids={delivery.id} as={how.value}")
        return _gone_on(delivery, console.store.operations.replay([delivery.id], chosen, wanted), "replay")

    def link(request: Request, form: Form) -> str:
        delivery = known(console, request)
        receipt = form.get("receipt", "").strip()
        if not receipt:
            raise ConfigError("name the id that the target has it under")
        chosen = by(person_of(request), form, f"ids={delivery.id} receipt={receipt}")
        with console.reach([delivery.pipeline]) as reach:
            by_hand.link(console.store, delivery, receipt, chosen, reach.pipelines)
        return f"/documents/{delivery.id}?done=link"

    def dismiss(request: Request, form: Form) -> str:
        delivery = known(console, request)
        by_hand.check_dismiss([delivery])
        chosen = by(person_of(request), form, f"ids={delivery.id}")
        return _gone_on(delivery, console.store.operations.dismiss([delivery.id], chosen), "dismiss")

    path = "/documents/{id:int}"
    return [
        Route(path, document),
        *original_routes(console, path, known),
        act_route(console, f"{path}/replay", replay),
        act_route(console, f"{path}/link", link),
        act_route(console, f"{path}/dismiss", dismiss),
    ]


def known(console: Console, request: Request) -> Delivery:
    """Give the delivery that the address names.

    Raises: HTTPException when there is none.
    """
    number: int = request.path_params["id"]
    delivery = console.store.get(number) if number <= HIGHEST else None
    if delivery is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return delivery


def _title(delivery: Delivery, *, sees_contents: bool) -> str:
    return (delivery.headline.number if sees_contents else None) or delivery.document_id


def _of_tab(console: Console, delivery: Delivery, tab: str) -> Mapping[str, Any]:
    match tab:
        case "record":
            return {"seen": record_seen(delivery, console.config())}
        case "request" | "answer":
            return {"tries": [_Try(each) for each in console.store.events(delivery.id) if each.requests]}
        case "write-back":
            section = console.config().pipelines.get(delivery.pipeline)
            return {"write_back": section.write_back if section else None}
        case _:
            document = stored_document(delivery)
            return {"document": document, "source": list(source_rows(document)) if document else []}


class _Try:
    """What one step asked of other sides: requests and answers apart."""

    def __init__(self, event: DeliveryEvent) -> None:
        self.event = event
        lines = [line.partition(" -> ") for line in (event.requests or "").splitlines()]
        self.exchanges = [(request, answer) for request, _, answer in lines]


def _acts(delivery: Delivery) -> Mapping[str, str]:
    """Give what can be done to it, and the command that does the same."""
    acts: dict[str, str] = {}
    if delivery.state in GIVEN_UP:
        acts["replay"] = f"{PROGRAM} replay {delivery.id} --reason 'why'"
    elif delivery.state is State.IN_DOUBT:
        acts["replay"] = f"{PROGRAM} replay {delivery.id} --target-has-none --reason 'why'"
    is_linkable = delivery.state in {*GIVEN_UP, State.IN_DOUBT} and delivery.died_in is not State.DELIVERED
    if is_linkable:
        acts["link"] = f"{PROGRAM} link {delivery.id} --receipt ID --reason 'why'"
    if delivery.state in {State.DEAD, State.IN_DOUBT}:
        acts["dismiss"] = f"{PROGRAM} dismiss {delivery.id} --reason 'why'"
    acts["show"] = f"{PROGRAM} show {delivery.id}"
    return acts


def _docflo_link(console: Console, delivery: Delivery) -> str | None:
    template = console.config().web.document_url
    return template.replace("{id}", quote_path(delivery.document_id, safe="")) if template else None


def _gone_on(delivery: Delivery, done: Sequence[int], act: str) -> str:
    if not done:
        raise PermanentError(f"delivery {delivery.id} is being worked on: look again in a moment")
    return f"/documents/{delivery.id}?done={act}"
