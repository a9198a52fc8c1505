"""Logging in and out: with a password, or at a provider. Each leaves a row among the acts."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from connector.clock import Clock
from connector.console.access.guard import TOKEN_FIELD
from connector.console.access.keepers import LoggedIn
from connector.console.access.passwords import PasswordFile
from connector.console.access.places import form_token, is_token, safe_path
from connector.console.access.provider import Provider
from connector.console.pages.page import Render
from connector.console.pages.posting import status_of
from connector.console.person import Role, person_of
from connector.errors import AccessRefusedError, ConnectorError
from connector.ledger.acts import ActStore
from connector.ledger.logins import ERRAND_LASTS, ErrandStore, TryStore
from connector.ledger.operations import By

log = structlog.get_logger(__name__)

WINDOW = timedelta(minutes=15)
OF_NAME_AND_ADDRESS, OF_ADDRESS, OF_NAME = 5, 30, 100
"""Failed tries within the window. Few for one name from one place; of a name from everywhere so many that a
stranger who knows the name does not keep its owner out at once."""
LOGIN, DONE = "/login", "/login/done"
_LOGIN_LASTS = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What logging in works with."""

    keeper: LoggedIn
    passwords: PasswordFile | None
    provider: Provider | None
    tries: TryStore
    errands: ErrandStore
    acts: ActStore
    render: Render
    clock: Clock


def login_routes(door: Door) -> list[Route]:
    """Give the routes."""

    def login(request: Request) -> Response:
        if door.keeper.known(request) is not None:
            return _go(safe_path(request.query_params.get("next")))
        return _page(door, request)

    async def enter(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=10) as sent:
            form = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
        return await run_in_threadpool(_enter, door, request, form)

    def logout(request: Request) -> Response:
        response = _go(LOGIN)
        door.keeper.end(request, response)
        _record(door, "logout", person_of(request).name, "by hand", door.keeper.address(request))
        return response

    def to_provider(request: Request) -> Response:
        return _to_provider(door, request)

    def done(request: Request) -> Response:
        return _from_provider(door, request)

    return [
        Route(LOGIN, login),
        Route(LOGIN, enter, methods=["POST"]),
        Route("/login/provider", to_provider, methods=["GET"]),
        Route(DONE, done, methods=["GET"]),
        Route("/logout", logout, methods=["POST"]),
    ]


def _enter(door: Door, request: Request, form: Mapping[str, str]) -> Response:
    door_secret, name, password = (
        door.keeper.door_secret(request),
        form.get("name", ""),
        form.get("password", ""),
    )
    path = safe_path(form.get("next"))
    if door.passwords is None:
        return _page(door, request, "nobody logs in with a password here", HTTPStatus.NOT_FOUND, path)
    if door_secret is None or not is_token(form.get(TOKEN_FIELD), door_secret):
        return _page(door, request, "the form was out of date: please try again", HTTPStatus.FORBIDDEN, path)
    address = door.keeper.address(request)
    limits = _limits(name, address)
    until = door.tries.count(limits, door.clock())
    if until is not None:
        return _too_many(door, request, until, path)
    entry = door.passwords.verify(name, password)
    if entry is None:
        known = (
            name if door.passwords.entry(name) else "somebody unknown"
        )  # it may be a password, in the wrong place
        _record(door, "login refused", known, "password", address)
        words = "name or password is not right"
        return _page(door, request, words, HTTPStatus.UNAUTHORIZED, path)
    door.tries.take_back(limits)
    return _welcome(door, request, (entry.name, entry.role, entry.stamp), "password", path)


def _to_provider(door: Door, request: Request) -> Response:
    if door.provider is None:
        return _page(door, request, "no provider is configured", HTTPStatus.NOT_FOUND)
    path = safe_path(request.query_params.get("next"))
    until = door.tries.count({_address_subject(door.keeper.address(request)): OF_ADDRESS}, door.clock())
    if until is not None:
        return _too_many(door, request, until, path)
    state = secrets.token_urlsafe(32)
    try:
        url, errand = door.provider.begin(state, path)
    except ConnectorError as error:
        return _page(door, request, error.message, status_of(error), path)
    door.errands.begin(state, errand)
    response = RedirectResponse(url, status_code=HTTPStatus.SEE_OTHER)
    door.keeper.give_door_secret(response, state, ERRAND_LASTS)
    return response


def _from_provider(door: Door, request: Request) -> Response:
    state, ours = request.query_params.get("state", ""), door.keeper.door_secret(request)
    # Whoever came back must be who went: else somebody could be logged in as another person.
    is_ours = ours is not None and secrets.compare_digest(ours.encode(), state.encode())
    errand = door.errands.take(state, door.clock()) if is_ours else None
    if door.provider is None or errand is None:
        words = "this login was not begun here, or took too long: please try again"
        return _page(door, request, words, HTTPStatus.FORBIDDEN)
    code = request.query_params.get("code")
    if not code:
        return _page(door, request, f"{door.provider.host} did not log you in", HTTPStatus.UNAUTHORIZED)
    try:
        vouched = door.provider.finish(code, errand)
    except ConnectorError as error:
        address = door.keeper.address(request)
        _record(door, "login refused", door.provider.host, error.message, address)
        status = HTTPStatus.FORBIDDEN if isinstance(error, AccessRefusedError) else status_of(error)
        return _page(door, request, error.message, status)
    door.tries.take_back([_address_subject(door.keeper.address(request))])
    return _welcome(door, request, (vouched.name, vouched.role, None), door.provider.host, errand.next_path)


def _welcome(
    door: Door, request: Request, who: tuple[str, Role, str | None], how: str, path: str
) -> Response:
    response = _go(path)
    door.keeper.begin(request, response, *who)
    _record(door, "login", who[0], how, door.keeper.address(request))
    return response


def _page(
    door: Door,
    request: Request,
    problem: str = "",
    status: HTTPStatus = HTTPStatus.OK,
    path: str | None = None,
) -> Response:
    secret = secrets.token_urlsafe(32)
    path = path or safe_path(request.query_params.get("next"))
    values: dict[str, Any] = {
        "title": "Log in",
        "problem": problem,
        "next": path,
        "token": form_token(secret),
        "has_passwords": door.passwords is not None,
        "provider": door.provider.host if door.provider else None,
        "provider_path": f"/login/provider?{urlencode({'next': path})}",
    }
    response = door.render(request, "login.html", values, status=status)
    door.keeper.give_door_secret(response, secret, _LOGIN_LASTS)
    return response


def _too_many(door: Door, request: Request, until: datetime, path: str) -> Response:
    wait = max(1, int((until - door.clock()).total_seconds()))
    words = f"too many tries: come back in {wait // 60 + 1} minutes"
    response = _page(door, request, words, HTTPStatus.TOO_MANY_REQUESTS, path)
    response.headers["Retry-After"] = str(wait)
    return response


def _go(path: str) -> Response:
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER)


def _limits(name: str, address: str) -> dict[str, int]:
    # Names are kept as hashes: what stands in the field may be a password.
    who = sha256(name.strip().lower().encode()).hexdigest()
    return {
        f"both {who} {address}": OF_NAME_AND_ADDRESS,
        f"name {who}": OF_NAME,
        _address_subject(address): OF_ADDRESS,
    }


def _address_subject(address: str) -> str:
    return f"address {address}"


def _record(door: Door, act: str, name: str, how: str, address: str) -> None:
    log.info("console.login", act=act, person=name, how=how, address=address)
    door.acts.record(act, By(actor=name, reason=how, chosen=f"from {address}"), door.clock())
