"""What people did: every act and every login, newest first."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from connector.console.pages.page import Console, Page
from connector.console.pages.rendering import HIDDEN
from connector.console.person import Person, person_of
from connector.ledger.acts import ActFilter, ActStore
from connector.ledger.operations import Act
from connector.spreadsheet import MARK, line

PATH = "/audit"
SHOWN = 50
_AT_ONCE = 500
_COLUMNS = ("at", "who", "act", "count", "chosen", "reason")


def _routes(console: Console) -> Sequence[BaseRoute]:
    acts = ActStore(console.database)

    def audit(request: Request) -> Response:
        wanted = _filter(request.query_params)
        rows = acts.page(wanted, SHOWN + 1)
        given = {name: value for name, value in request.query_params.items() if name in _PARTS and value}
        values = {
            "title": "Audit",
            "acts": [act for _, act in rows[:SHOWN]],
            "given": given,
            "known": acts.names(),
            "query": urlencode(given),
            "next": urlencode({**given, "before": rows[SHOWN - 1][0]}) if len(rows) > SHOWN else None,
        }
        return console.render(request, "audit.html", values)

    def taken_away(request: Request) -> Response:
        return StreamingResponse(
            _csv(acts, _filter(request.query_params), person_of(request)),
            media_type="text/csv; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="audit-{console.now():%Y%m%d-%H%M%S}.csv"'
            },
        )

    return [Route(PATH, audit), Route(f"{PATH}.csv", taken_away)]


_PARTS = ("actor", "act", "from", "to")


def _filter(given: Mapping[str, str]) -> ActFilter:
    before, last = given.get("before", ""), _day(given.get("to"))
    return ActFilter(
        actor=given.get("actor") or None,
        act=given.get("act") or None,
        since=_day(given.get("from")),
        until=None if last is None else last + timedelta(days=1),
        before_id=int(before) if before.isdecimal() and len(before) < 16 else None,  # noqa: PLR2004 digits of a row's number
    )


def _day(text: str | None) -> datetime | None:
    """Read a day; what is none chooses nothing."""
    try:
        return datetime.combine(date.fromisoformat(text), time.min, tzinfo=UTC) if text else None
    except (ValueError, OverflowError):
        return None


def _csv(acts: ActStore, wanted: ActFilter, person: Person) -> Iterator[str]:
    yield MARK + line(_COLUMNS)
    for act in acts.all(wanted, at_once=_AT_ONCE):
        yield line(_cells(act, person))


def _cells(act: Act, person: Person) -> tuple[object, ...]:
    texts = (act.filter, act.reason) if person.sees_contents else (HIDDEN, HIDDEN)
    return (act.at.isoformat(), act.actor, act.act, act.count, *texts)


PAGE = Page(title="Audit", path=PATH, routes=_routes)
