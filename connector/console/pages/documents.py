"""The list of documents: searched, filtered, saved under a name, taken away as CSV."""

from collections.abc import Iterator, Sequence
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from connector.console.pages.document import document_routes
from connector.console.pages.filters import PARTS, WORDS, Filter, read_filter
from connector.console.pages.page import Console, Page
from connector.console.pages.posting import Form, act_route
from connector.console.pages.rendering import HIDDEN
from connector.console.person import Person, Role, person_of
from connector.errors import ConfigError
from connector.ledger.browsing import Browsing
from connector.ledger.delivery import Delivery, State
from connector.ledger.searching import COUNTED, FAR
from connector.ledger.views import SavedView, ViewStore
from connector.spreadsheet import MARK, line

PATH = "/documents"
LONGEST_NAME = 60

_COLUMNS = (
    *("id", "pipeline", "state", "number", "party", "amount", "currency", "document_date", "docflo_id"),
    *("target_id", "found_at", "delivered_at", "written_back_at", "class", "why"),
)
_CONTENTS = ("number", "party", "amount", "currency", "document_date", "why")


def _routes(console: Console) -> Sequence[BaseRoute]:
    browsing, views = Browsing(console.database), ViewStore(console.database)

    def documents(request: Request) -> Response:
        chosen = read_filter(request.query_params, person_of(request))
        values = {
            "title": "Documents",
            "filter": chosen,
            "listed": browsing.page(chosen.sought, after=chosen.after),
            "states": tuple(State),
            "pipelines": tuple(console.config().pipelines),
            "views": views.all(),
            "words": WORDS,
            "far": FAR,
            "counted": COUNTED,
        }
        return console.render(request, "documents.html", values)

    def as_csv(request: Request) -> Response:
        person = person_of(request)
        chosen = read_filter(request.query_params, person)
        name = f"documents-{console.now():%Y%m%d-%H%M%S}.csv"
        return StreamingResponse(
            _csv(browsing, chosen, person),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def save(request: Request, form: Form) -> str:
        name, query = form.get("name", "").strip(), _clean(form.get("query", ""))
        if not name or len(name) > LONGEST_NAME or not query:
            raise ConfigError("a view needs a name, and a filter to keep", remedy="filter the list first")
        views.save(SavedView(name=name, query=query, actor=person_of(request).name, saved_at=console.now()))
        return f"{PATH}?{query}"

    def remove(_request: Request, form: Form) -> str:
        views.remove(form.get("name", ""))
        return PATH

    return [
        Route(PATH, documents),
        Route(f"{PATH}.csv", as_csv),
        act_route(console, f"{PATH}/views/save", save, role=Role.OPERATOR),
        act_route(console, f"{PATH}/views/remove", remove, role=Role.OPERATOR),
        *document_routes(console),
    ]


def _clean(query: str) -> str:
    """Keep of an address what is a filter: a view leads nowhere else."""
    return urlencode([(name, value) for name, value in parse_qsl(query) if name in PARTS])


def _csv(browsing: Browsing, chosen: Filter, person: Person) -> Iterator[str]:
    yield MARK + line(_COLUMNS)
    for each in browsing.all(chosen.sought):
        yield line(_cells(each, person))


def _cells(each: Delivery, person: Person) -> Iterator[object]:
    values = {
        "id": each.id,
        "pipeline": each.pipeline,
        "state": each.state.value,
        "number": each.headline.number,
        "party": each.headline.party,
        "amount": each.headline.amount,
        "currency": each.headline.currency,
        "document_date": each.headline.date,
        "docflo_id": each.document_id,
        "target_id": each.receipt_id,
        "found_at": each.found_at.isoformat(),
        "delivered_at": each.delivered_at and each.delivered_at.isoformat(),
        "written_back_at": each.written_back_at and each.written_back_at.isoformat(),
        "class": each.failure and each.failure.error_class,
        "why": each.failure and each.failure.reason,
    }
    for name in _COLUMNS:
        value = values[name]
        if value is None:
            yield ""
        elif name in _CONTENTS and not person.sees_contents:
            yield HIDDEN
        else:
            yield value


PAGE = Page(title="Documents", path=PATH, routes=_routes)
