"""One-time loads: what one would cost, how far each is, and letting one pause or giving it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.console.pages.page import Console, Page
from connector.console.pages.posting import MOST_FIELDS, Form, act_route, by, refusal, status_of
from connector.console.person import Role, person_of
from connector.errors import ConnectorError, PermanentError
from connector.ledger.acts import ActStore
from connector.ledger.backfill import Backfill, BackfillState, Tally, documents_done, expected
from connector.ledger.backfills import BackfillStore

PATH = "/backfills"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One backfill and how far it is."""

    known: Backfill
    tally: Tally

    @property
    def done(self) -> int:
        """Documents that are at their end."""
        return documents_done(self.tally)

    @property
    def total(self) -> int:
        """Documents in all, as far as is known now."""
        return expected(self.known, self.tally)


def _routes(console: Console) -> Sequence[BaseRoute]:
    store = BackfillStore(console.database, clock=console.clock)

    def backfills(request: Request) -> Response:
        values = {**_values(console, store), "begun": request.query_params.get("begun", "")}
        return console.render(request, "backfills.html", values)

    def live(request: Request) -> Response:
        return console.render(request, "backfills_live.html", _values(console, store))

    async def plan(request: Request) -> Response:
        if not person_of(request).may(Role.OPERATOR):
            return refusal(console, request, HTTPStatus.FORBIDDEN, "this needs the role operator")
        async with request.form(max_files=0, max_fields=MOST_FIELDS) as sent:
            form = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
        return await run_in_threadpool(_planned, console, store, request, form)

    def pause(request: Request, form: Form) -> str:
        return _change(request, form, BackfillState.PAUSED)

    def resume(request: Request, form: Form) -> str:
        return _change(request, form, BackfillState.RUNNING)

    def _change(request: Request, form: Form, state: BackfillState) -> str:
        number = _number(request)
        store.change(number, state, by(person_of(request), form, f"backfill={number}"))
        return PATH

    def cancel(request: Request, form: Form) -> str:
        number = _number(request)
        store.cancel(number, by(person_of(request), form, f"backfill={number}"))
        return PATH

    return [
        Route(PATH, backfills),
        Route(f"{PATH}/live", live),
        Route(f"{PATH}/plan", plan, methods=["POST"]),
        act_route(console, f"{PATH}/begin", partial(_begun, console)),
        act_route(console, f"{PATH}/{{number:int}}/pause", pause),
        act_route(console, f"{PATH}/{{number:int}}/resume", resume),
        act_route(console, f"{PATH}/{{number:int}}/cancel", cancel),
    ]


def _planned(console: Console, store: BackfillStore, request: Request, form: Mapping[str, str]) -> Response:
    name, start, end = (form.get(part, "") for part in ("pipeline", "from", "to"))
    try:
        facts = console.plan_backfill(name, start, end)
    except ConnectorError as error:
        return refusal(console, request, status_of(error), error.message, error.remedy)
    command = f"docflo-connector backfill {name} --from {start} --to {end} --apply"
    asked = {"pipeline": name, "from": start, "to": end}
    values = {**_values(console, store), "plan": facts, "command": command, "asked": asked}
    return console.render(request, "backfills.html", values)


def _begun(console: Console, request: Request, form: Form) -> str:
    """Begin what somebody saw the plan of."""
    name, start, end = (form.get(part, "") for part in ("pipeline", "from", "to"))
    acting = by(person_of(request), form, f"pipeline={name} from={start} to={end}")
    counted = console.plan_backfill(name, start, end)["documents"]
    if form.get("seen") != str(counted):
        raise PermanentError(
            f"Docflo has {counted} documents in this range now, which is not what you saw",
            remedy="nothing was begun; plan again",
        )
    number = console.begin_backfill(name, start, end, acting.actor)
    chosen = replace(acting, chosen=f"backfill={number} {acting.chosen}")
    ActStore(console.database).record("backfill begin", chosen, console.now())
    return f"{PATH}?begun={number}"


def _values(console: Console, store: BackfillStore) -> dict[str, Any]:
    return {
        "title": "Backfills",
        "names": tuple(console.config().pipelines),
        "backfills": [Progress(known=each, tally=store.tally(each)) for each in store.all()],
        "plan": None,
        "asked": {},
        "begun": "",
        "command": "",
        "today": console.now().date(),
    }


def _number(request: Request) -> int:
    number: int = request.path_params["number"]
    return number


PAGE = Page(title="Backfills", path=PATH, routes=_routes)
