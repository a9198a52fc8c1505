"""Dead letters by their cause: what one repair would set free, and whose it is."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from shlex import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.console.pages.page import Console, Page
from connector.console.pages.posting import Form, act_route, by
from connector.console.person import person_of
from connector.errors import ConfigError, PermanentError
from connector.ledger.delivery import Delivery, State
from connector.ledger.operations import Replay
from connector.ledger.problems import Cause, Group, ProblemStore, closed
from connector.ledger.selection import Selection, total
from connector.ledger.sums import Total
from connector.pipeline import by_hand
from connector.pipeline.by_hand import ReplayAs

PATH = "/problems"
SAMPLE = 20
LONGEST_OWNER = 100
ACTS = {"look": "A group of problems", "replay": "Replay a group", "dismiss": "Dismiss a group"}
"""What can be asked about a group, and the title of that page."""


def _routes(console: Console) -> Sequence[BaseRoute]:
    problems = ProblemStore(console.database)

    def overview(request: Request) -> Response:
        groups, now = problems.groups(), console.now()
        values = {
            "title": "Problems",
            "open": [group for group in groups if not _sleeps(group, now)],
            "snoozed": [group for group in groups if _sleeps(group, now)],
            "closed": closed(problems.notes(), groups),
            "done": request.query_params.get("done"),
            "count": request.query_params.get("count", ""),
        }
        return console.render(request, "problems.html", values)

    def ask(request: Request) -> Response:
        """Show which, how many, and how much money, before anything is done."""
        cause, act = _cause_of(request.query_params), request.path_params["act"]
        if act not in ACTS:
            raise ConfigError(f"there is no act {act}")
        chosen = _meant(console, cause)
        whole = total(chosen)
        values = {
            "title": ACTS[act],
            "act": act,
            "cause": cause,
            "total": whole,
            "seen": _seen(whole),
            "example": _example(chosen),
            "sample": chosen[:SAMPLE],
            "command": command(act, cause),
        }
        return console.render(request, "problems_act.html", values)

    def replay(request: Request, form: Form) -> str:
        cause = _cause_of(form)
        how = ReplayAs(form["as"]) if form.get("as") in {"map", "record"} else ReplayAs.MAP
        chosen = _as_seen(console, cause, form)
        by_hand.check_replay(console.store, chosen, how, is_absent=False)
        acting = by(person_of(request), form, f"{_selection(cause)} as={how.value}")
        wanted = Replay(is_record=how is ReplayAs.RECORD)
        done = console.store.operations.replay([each.id for each in chosen], acting, wanted)
        return _worked_on(console, problems, cause, chosen, "replay", len(done))

    def dismiss(request: Request, form: Form) -> str:
        cause = _cause_of(form)
        chosen = _as_seen(console, cause, form)
        by_hand.check_dismiss(chosen)
        acting = by(person_of(request), form, str(_selection(cause)))
        done = console.store.operations.dismiss([each.id for each in chosen], acting)
        return _worked_on(console, problems, cause, chosen, "dismiss", len(done))

    def own(_request: Request, form: Form) -> str:
        owner = form.get("owner", "").strip()[:LONGEST_OWNER] or None
        cause = _cause_of(form)
        problems.note(cause, _example(_meant(console, cause, limit=1)), console.now(), owner=owner)
        return PATH

    def snooze(_request: Request, form: Form) -> str:
        until = _morning(form.get("until", ""))
        cause = _cause_of(form)
        problems.note(cause, _example(_meant(console, cause, limit=1)), console.now(), snoozed_until=until)
        return PATH

    return [
        Route(PATH, overview),
        Route(f"{PATH}/ask/{{act}}", ask),
        act_route(console, f"{PATH}/replay", replay),
        act_route(console, f"{PATH}/dismiss", dismiss),
        act_route(console, f"{PATH}/owner", own),
        act_route(console, f"{PATH}/snooze", snooze),
    ]


def command(act: str, cause: Cause) -> str:
    """Give the command that does the same."""
    chosen = f"--state dead --pipeline {quote(cause.pipeline)} --class {quote(cause.failure_class)}"
    return f"docflo-connector deliveries {act} {chosen} --cause {quote(cause.failure_cause)} --reason 'why'"


def _cause_of(told: Form) -> Cause:
    if not told.get("pipeline") or not told.get("class"):
        raise ConfigError("the address names no group of problems")
    return Cause(pipeline=told["pipeline"], failure_class=told["class"], failure_cause=told.get("cause", ""))


def _selection(cause: Cause) -> Selection:
    return Selection(
        states=(State.DEAD,),
        pipeline=cause.pipeline,
        failure_class=cause.failure_class,
        cause=cause.failure_cause,
    )


def _meant(console: Console, cause: Cause, *, limit: int | None = None) -> Sequence[Delivery]:
    return console.store.operations.select(_selection(cause), limit=limit)


def _example(chosen: Sequence[Delivery]) -> str:
    return next((each.failure.reason for each in chosen if each.failure), "")


def _as_seen(console: Console, cause: Cause, form: Form) -> Sequence[Delivery]:
    """Give what the person saw and said yes to.

    Raises: PermanentError when it is something else by now.
    """
    chosen = _meant(console, cause)
    if form.get("seen") != _seen(total(chosen)):
        raise PermanentError(
            f"there are {len(chosen)} documents in the group now, which is not what you saw",
            remedy="nothing was changed; look at the group again",
        )
    return chosen


def _seen(whole: Total) -> str:
    return "; ".join([str(whole.count), *(f"{amount:f} {currency}" for currency, amount in whole.sums)])


def _worked_on(
    console: Console, problems: ProblemStore, cause: Cause, chosen: Sequence[Delivery], act: str, count: int
) -> str:
    problems.note(cause, _example(chosen), console.now())
    return f"{PATH}?done={act}&count={count}"


def _sleeps(group: Group, now: datetime) -> bool:
    return group.note is not None and group.note.snoozed_until is not None and group.note.snoozed_until > now


def _morning(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.combine(date.fromisoformat(text), time.min, tzinfo=UTC)
    except ValueError as error:
        raise ConfigError(f"{text} is no day", remedy="2026-03-02") from error


PAGE = Page(title="Problems", path=PATH, routes=_routes)
