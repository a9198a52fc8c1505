"""Who asks: the account of this machine, or whoever logged in."""

import getpass
import os
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from connector.clock import Clock
from connector.console.access.passwords import PasswordFile
from connector.console.access.places import address_of, form_token
from connector.console.person import Person, Role
from connector.ledger.logins import Session, SessionStore
from connector.web_settings import LOOPBACK, AccessSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Who asks, and the secret that their forms are made for."""

    person: Person
    secret: str


class Keeper(Protocol):
    """Tells who asks."""

    def origins(self, request: Request) -> Collection[str]:
        """Give the origins that our pages have in browsers; none: this host is not ours."""
        ...

    def known(self, request: Request) -> Known | None:
        """Give who asks; None: they have to log in. Raises: UnavailableError when it cannot be told."""
        ...


class ThisMachine:
    """Whoever reaches a port of loopback is the account that this process runs under."""

    def __init__(self) -> None:
        secret = secrets.token_urlsafe(32)
        person = Person(name=account(), role=Role.ADMIN, form_token=form_token(secret))
        self._known = Known(person=person, secret=secret)

    def origins(self, request: Request) -> Collection[str]:
        """Give the host that was asked for, if it is a name of this machine.

        Any other name is a page elsewhere that had its name led here, and would read ours.
        """
        host = request.headers.get("host", "").lower()
        name = urlsplit(f"//{host}").hostname
        return (f"http://{host}",) if name in LOOPBACK else ()

    def known(self, _request: Request) -> Known:
        """Give the account."""
        return self._known


class LoggedIn:
    """Whoever has a session, as long as they may."""

    def __init__(
        self,
        settings: AccessSettings,
        sessions: SessionStore,
        passwords: PasswordFile | None,
        *,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._sessions = sessions
        self._passwords = passwords
        self._clock = clock
        prefix = "__Host-" if settings.is_secure else ""  # no other host and no other path can set it
        self._cookie, self._door_cookie = f"{prefix}session", f"{prefix}login"

    def origins(self, _request: Request) -> Collection[str]:
        """Give the public address. A proxy may ask by another host name: only forms need to know ours."""
        return (self._settings.public_url,)

    def known(self, request: Request) -> Known | None:
        """Give who logged in."""
        secret = request.cookies.get(self._cookie)
        # A page that renews itself is no sign of a person.
        is_alive = "hx-request" not in request.headers or request.method != "GET"
        session = self._sessions.find(secret, self._clock(), is_alive=is_alive) if secret else None
        role = self._role(session) if session else None
        if secret is None or session is None or role is None:
            return None
        return Known(person=self._person(session.person, role, secret), secret=secret)

    def begin(self, request: Request, response: Response, name: str, role: Role, stamp: str | None) -> None:
        """Begin a session under a new secret; one that the browser had before ends."""
        self.end(request, response)
        now, secret = self._clock(), secrets.token_urlsafe(32)
        session = Session(person=name, role=role.name.lower(), stamp=stamp, began_at=now, seen_at=now)
        self._sessions.begin(secret, session)
        self._set(response, self._cookie, secret, self._settings.lasts)

    def end(self, request: Request, response: Response) -> None:
        """End the session of this browser, if it has one."""
        for name in (self._cookie, self._door_cookie):
            response.delete_cookie(
                name, path="/", secure=self._settings.is_secure, httponly=True, samesite="lax"
            )
        secret = request.cookies.get(self._cookie)
        if secret:
            self._sessions.end(secret)

    def door_secret(self, request: Request) -> str | None:
        """Give what this browser was given when it began to log in."""
        return request.cookies.get(self._door_cookie)

    def give_door_secret(self, response: Response, secret: str, lasts: timedelta) -> None:
        """Let this browser show that it is the one that began to log in."""
        self._set(response, self._door_cookie, secret, lasts)

    def address(self, request: Request) -> str:
        """Give the address that somebody logs in from."""
        return address_of(request, self._settings.proxies)

    def _role(self, session: Session) -> Role | None:
        """Give the role that somebody has by now; None: they may not come in any more."""
        if session.stamp is None:
            return Role[session.role.upper()] if self._settings.oidc else None
        entry = self._passwords.entry(session.person) if self._passwords else None
        return entry.role if entry and entry.stamp == session.stamp else None

    def _person(self, name: str, role: Role, secret: str) -> Person:
        return Person(
            name=name,
            role=role,
            sees_contents=role.name.lower() not in self._settings.hide_from,
            form_token=form_token(secret),
            can_leave=True,
        )

    def _set(self, response: Response, name: str, value: str, lasts: timedelta) -> None:
        # Lax: the provider's page leads back here. Forms have a token of their own.
        response.set_cookie(
            name,
            value,
            max_age=int(lasts.total_seconds()),
            path="/",
            secure=self._settings.is_secure,
            httponly=True,
            samesite="lax",
        )


def account() -> str:
    """Give the name of the account that this process runs under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"user {os.getuid()}"
