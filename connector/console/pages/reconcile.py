"""Both sides compared: documents and money in Docflo against the target, read anew when somebody asks."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from connector.console.pages.page import Console, Page
from connector.console.pages.posting import Form, act_route
from connector.console.pages.rendering import HIDDEN
from connector.console.person import Person, person_of
from connector.errors import ConfigError
from connector.ledger.acts import ActStore
from connector.ledger.operations import By
from connector.ledger.reports import Report, ReportStore
from connector.pipeline.reconcile import make_reconciler
from connector.pipeline.reconciled import CONTENTS, as_csv, as_json
from connector.pipeline.sides import Kind

PATH = "/reconcile"
KIND = "reconcile"
_LISTED = 20


def _routes(console: Console) -> Sequence[BaseRoute]:
    reports = ReportStore(console.database)

    def overview(request: Request) -> Response:
        today = console.now().astimezone(UTC).date()
        values = {
            "title": "Reconcile",
            "pipelines": tuple(console.config().pipelines),
            "first": today.replace(day=1),
            "today": today,
            "latest": reports.latest(KIND, _LISTED),
        }
        return console.render(request, "reconcile.html", values)

    def shown(request: Request) -> Response:
        report = _report(reports, request)
        kinds = tuple(kind.value for kind in Kind if kind.value in report.found["counts"])
        chosen = request.query_params.get("kind")
        values = {
            "title": "Reconcile",
            "report": report,
            "found": report.found,
            "kinds": kinds,
            "chosen": chosen if chosen in kinds else None,
        }
        return console.render(request, "reconciled.html", values)

    def taken_away(request: Request) -> Response:
        report = _report(reports, request)
        name = f"reconcile-{report.head.subject}-{report.head.at:%Y%m%d-%H%M%S}.csv"
        return StreamingResponse(
            as_csv(_seen_by(person_of(request), report.found)),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{_plain(name)}"'},
        )

    def compare(request: Request, form: Form) -> str:
        return _compare(console, reports, person_of(request), form)

    return [
        Route(PATH, overview),
        Route(f"{PATH}/{{number:int}}", shown),
        Route(f"{PATH}/{{number:int}}.csv", taken_away),
        act_route(console, f"{PATH}/compare", compare),
    ]


def _compare(console: Console, reports: ReportStore, person: Person, form: Form) -> str:
    name = form.get("pipeline", "")
    if name not in console.config().pipelines:
        raise ConfigError("no such pipeline", remedy="choose one of the list")
    begin, last = _day(form, "from"), _day(form, "to")
    end = min(last + timedelta(days=1), console.now())
    with console.reach([name]) as reach:
        [pipeline] = reach.pipelines
        found = make_reconciler(pipeline, reach.docflo, console.store, console.clock).compare(begin, end)
    by = By(
        actor=person.name,
        reason=f"documents of {begin:%Y-%m-%d} to {last:%Y-%m-%d}",
        chosen=f"pipeline={name}",
    )
    ActStore(console.database).record(KIND, by, console.now())
    problems = len(found.compared.differences)
    number = reports.add(
        kind=KIND, subject=name, at=found.as_of, actor=person.name, problems=problems, found=as_json(found)
    )
    return f"{PATH}/{number}"


def _day(form: Form, name: str) -> datetime:
    try:
        day = date.fromisoformat(form.get(name, ""))
    except ValueError as error:
        raise ConfigError(f"`{name}` is no day", remedy="write it as 2026-03-31") from error
    return datetime.combine(day, time.min, tzinfo=UTC)


def _report(reports: ReportStore, request: Request) -> Report:
    report = reports.get(KIND, request.path_params["number"])
    if report is None:
        raise HTTPException(HTTPStatus.NOT_FOUND)
    return report


def _seen_by(person: Person, found: Mapping[str, Any]) -> Mapping[str, Any]:
    if person.sees_contents:
        return found
    return {**found, "differences": [dict(_masked(each)) for each in found["differences"]]}


def _masked(difference: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in difference.items():
        if name == "held":
            yield name, [{"id": each["id"]} for each in value]
        else:
            yield name, HIDDEN if name in CONTENTS and value is not None else value


def _plain(name: str) -> str:
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-._") else "_" for letter in name
    )


PAGE = Page(title="Reconcile", path=PATH, routes=_routes)
