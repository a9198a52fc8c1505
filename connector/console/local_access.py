"""Who may ask for pages where no login is configured: whoever sits at this machine."""

import getpass
import os

from starlette.types import ASGIApp, Receive, Scope, Send

from connector.console.person import Person, Role


class LocalAccess:
    """Lets every request through as the account that this process runs under. For loopback only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._person = Person(name=_account(), role=Role.ADMIN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            scope.setdefault("state", {})["person"] = self._person
        await self._app(scope, receive, send)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have a name
        return f"user {os.getuid()}"
