"""What a page is, and what all pages work with."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from connector.adapters.base import Finding, TargetObject
from connector.clock import Clock
from connector.config import Config
from connector.docflo.client import DocfloClient
from connector.docflo.shared_budget import Balance
from connector.ledger.database import Database
from connector.ledger.store import Store
from connector.pipeline.definition import Pipeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Both sides, opened for one thing that a person asked for."""

    docflo: DocfloClient  # in the lane of what is done by hand
    pipelines: Sequence[Pipeline]


class Render(Protocol):
    """Makes an answer from a template."""

    def __call__(
        self, request: Request, template: str, values: Mapping[str, Any], *, status: int = 200
    ) -> Response:
        """Give the page. `values` are the template's; what every page needs is added to them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """What pages work with. They construct nothing themselves."""

    database: Database
    store: Store
    config: Callable[[], Config]  # as it was last read
    balance: Callable[[], Balance]
    check: Callable[[], Sequence[Finding]]  # asks every side whether all is well; writes nothing
    describe: Callable[[str, str], TargetObject]  # asks a target, by its name, for one of its objects
    plan_backfill: Callable[[str, str, str], Mapping[str, object]]  # of a pipeline, from a day to a day
    begin_backfill: Callable[[str, str, str, str], int]  # the same, and who; gives its number
    reach: Callable[[Sequence[str]], AbstractContextManager[Reach]]  # for these pipelines; none: for all
    docflo: Callable[[], AbstractContextManager[DocfloClient]]  # alone, in the lane of what is done by hand
    clock: Clock
    render: Render

    def now(self) -> datetime:
        """Give the time, for everything that one answer says."""
        return self.clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page, or a few that belong together."""

    title: str
    path: str  # of the page that the menu leads to
    routes: Callable[[Console], Sequence[BaseRoute]]
    badge: Callable[[Console], int] | None = field(default=None)  # a count beside the menu's entry
