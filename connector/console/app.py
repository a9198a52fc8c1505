"""The one web application of a running connector, put together from routes."""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.routing import BaseRoute


def make_app(routes: Sequence[BaseRoute]) -> Starlette:
    """Give the application. A later part of the console adds its routes to the same list."""
    return Starlette(routes=list(routes))
