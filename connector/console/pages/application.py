"""The console as one application: pages, static files, and who is let in."""

from collections.abc import Callable, Sequence
from http import HTTPStatus

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from connector.console.headers import SafeHeaders
from connector.console.pages.page import Console
from connector.console.pages.posting import refusal, status_of
from connector.console.pages.registry import PAGES
from connector.console.pages.rendering import STATIC
from connector.errors import ConnectorError

log = structlog.get_logger(__name__)


class _Static(StaticFiles):
    """Files whose address changes with their content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if scope["query_string"]:
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


def console_app(
    console: Console, *, access: Sequence[Middleware], routes: Sequence[BaseRoute] = ()
) -> Starlette:
    """Give the application. `access` puts a Person into each request that it lets through.

    `routes` are those that belong to no page, such as a login.
    """
    pages = [route for page in PAGES for route in page.routes(console)]
    return Starlette(
        routes=[Mount("/static", _Static(directory=STATIC)), *routes, *pages],
        middleware=[Middleware(SafeHeaders), *access],
        exception_handlers={
            ConnectorError: _refused(console),
            HTTPException: _not_there(console),
        },
    )


def _refused(console: Console) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        if not isinstance(error, ConnectorError):
            raise error
        log.warning("console.refused", path=request.url.path, reason=error.message)
        return refusal(console, request, status_of(error), error.message, error.remedy)

    return answer


def _not_there(console: Console) -> Callable[[Request, Exception], Response]:
    def answer(request: Request, error: Exception) -> Response:
        status = HTTPStatus(error.status_code) if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
        return refusal(console, request, status, status.phrase.lower())

    return answer
