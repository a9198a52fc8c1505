"""Access, put together from the configuration."""

from dataclasses import dataclass

from starlette.middleware import Middleware
from starlette.routing import BaseRoute

from connector.clock import Clock
from connector.console.access.guard import Guard
from connector.console.access.keepers import LoggedIn, ThisMachine
from connector.console.access.login import DONE, WINDOW, Door, login_routes
from connector.console.access.passwords import PasswordFile, read_people
from connector.console.access.provider import Provider
from connector.console.pages.page import Render
from connector.ledger.acts import ActStore
from connector.ledger.database import Database
from connector.ledger.logins import ErrandStore, SessionStore, TryStore
from connector.web_settings import AccessSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What an application needs to know its callers."""

    middleware: tuple[Middleware, ...]
    routes: tuple[BaseRoute, ...] = ()


def local_access() -> Access:
    """Let in whoever sits at this machine. For loopback only."""
    return Access(middleware=(Middleware(Guard, keeper=ThisMachine()),))


def login_access(settings: AccessSettings, database: Database, *, render: Render, clock: Clock) -> Access:
    """Let in who logs in.

    Raises: ConfigError when the password file cannot be read.
    """
    passwords = None
    if settings.passwords is not None:
        read_people(settings.passwords)
        passwords = PasswordFile(settings.passwords)
    provider = None
    if settings.oidc is not None:
        provider = Provider(settings.oidc, redirect_uri=f"{settings.public_url}{DONE}", clock=clock)
    sessions = SessionStore(database, idle=settings.idle, lasts=settings.lasts)
    keeper = LoggedIn(settings, sessions, passwords, clock=clock)
    door = Door(
        keeper=keeper,
        passwords=passwords,
        provider=provider,
        tries=TryStore(database, window=WINDOW),
        errands=ErrandStore(database),
        acts=ActStore(database),
        render=render,
        clock=clock,
    )
    guard = Middleware(Guard, keeper=keeper, is_secure=settings.is_secure)
    return Access(middleware=(guard,), routes=tuple(login_routes(door)))
