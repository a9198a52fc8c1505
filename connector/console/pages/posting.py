"""Acts: a form that is sent, by somebody who may, with a reason; what became of it is the next page."""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connector.console.pages.page import Console
from connector.console.person import Person, Role, person_of
from connector.errors import ConfigError, ConnectorError, LeaseLostError, PermanentError, UnavailableError
from connector.ledger.operations import By

MOST_FIELDS = 50
LONGEST_PART = 256 * 1024  # of one field

Form = Mapping[str, str]
"""What was sent: the first value of each field."""

Act = Callable[[Request, Form], str | Response]
"""Does it, and gives the path to go on at, or an answer. Raises ConnectorError when it is refused."""


def act_route(console: Console, path: str, act: Act, *, role: Role = Role.OPERATOR) -> Route:
    """Give the route of an act: POST only, for `role` and above."""

    async def endpoint(request: Request) -> Response:
        if not person_of(request).may(role):
            return refusal(console, request, HTTPStatus.FORBIDDEN, f"this needs the role {role.name.lower()}")
        async with request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=LONGEST_PART) as sent:
            form = {name: value for name, value in reversed(sent.multi_items()) if isinstance(value, str)}
        return await run_in_threadpool(_done, console, request, act, form)

    return Route(path, endpoint, methods=["POST"])


def _done(console: Console, request: Request, act: Act, form: Form) -> Response:
    try:
        told = act(request, form)
    except ConnectorError as error:
        return refusal(console, request, status_of(error), error.message, error.remedy)
    return RedirectResponse(told, status_code=HTTPStatus.SEE_OTHER) if isinstance(told, str) else told


def refusal(
    console: Console, request: Request, status: HTTPStatus, message: str, remedy: str = ""
) -> Response:
    """Give the page that says why not."""
    values = {"message": message, "remedy": remedy, "title": "Not done"}
    return console.render(request, "refusal.html", values, status=status)


def by(person: Person, form: Form, chosen: str) -> By:
    """Give who acts.

    Raises: ConfigError without a reason: the record of an act is for somebody who was not there.
    """
    reason = form.get("reason", "").strip()
    if not reason:
        raise ConfigError("an act needs a reason", remedy="write a few words: they are kept with the act")
    return By(actor=person.name, reason=reason, chosen=chosen)


def status_of(error: ConnectorError) -> HTTPStatus:
    """Give the HTTP status that says the same."""
    match error:
        case ConfigError():
            return HTTPStatus.BAD_REQUEST
        case PermanentError() | LeaseLostError():
            return HTTPStatus.CONFLICT
        case UnavailableError():
            return HTTPStatus.SERVICE_UNAVAILABLE
        case _:
            return HTTPStatus.BAD_GATEWAY
