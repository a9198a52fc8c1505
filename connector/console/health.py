"""`/livez` and `/readyz`: whether to restart this process, and whether to send it requests."""

from collections.abc import Callable, Sequence

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

Problems = Callable[[], Sequence[str]]
"""Gives what is wrong, one line each; nothing means that all is well."""


def health_routes(*, alive: Problems, ready: Problems) -> list[Route]:
    """Give both routes. Targets are no part of either: one that is away is no reason to restart anything."""

    def livez(_request: Request) -> Response:
        return _answer(alive())

    def readyz(_request: Request) -> Response:
        return _answer(ready())

    return [Route("/livez", livez), Route("/readyz", readyz)]


def _answer(problems: Sequence[str]) -> Response:
    text = "\n".join(problems or ["ok"])
    return PlainTextResponse(f"{text}\n", status_code=503 if problems else 200)
