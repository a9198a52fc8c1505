"""Every side that the connector speaks to: whether it is left alone, its credentials, what a check finds."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.adapters.base import Severity
from connector.config import Config
from connector.console.pages.expiry import ends_at
from connector.console.pages.page import Console, Page
from connector.console.pages.posting import Form, act_route
from connector.console.person import person_of
from connector.ledger.acts import ActStore
from connector.ledger.breaker import Breaker, BreakerStore
from connector.ledger.operations import By
from connector.ledger.replicas import HeldToken, Replica, ReplicaStore
from connector.ledger.reports import ReportStore
from connector.references import Secret

PATH = "/connections"
SOON = timedelta(days=30)
KIND = "check"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A secret, known by where it is kept."""

    name: str
    reference: str
    changed_at: datetime | None  # of its file
    ends_at: datetime | None  # as it says itself
    is_missing: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Docflo, or a target."""

    name: str
    kind: str
    address: str
    pipelines: tuple[str, ...]
    credentials: tuple[Credential, ...]
    breakers: tuple[Breaker, ...]  # of the side itself, and of mappings that do not fit it
    tokens: tuple[tuple[str, HeldToken], ...] = ()  # the process that holds it, and what it knows of it


def _routes(console: Console) -> Sequence[BaseRoute]:
    reports = ReportStore(console.database)

    def connections(request: Request) -> Response:
        latest = reports.latest(KIND, 1)
        report = reports.get(KIND, latest[0].id) if latest else None
        breakers = BreakerStore(console.database).all()
        replicas = ReplicaStore(console.database).all()
        alive = [each for each in replicas if not each.is_gone(console.now())]
        values = {
            "title": "Connections",
            "sides": tuple(_sides(console.config(), breakers, alive)),
            "soon": console.now() + SOON,
            "balance": console.balance(),
            "report": report,
            "replicas": replicas,
            "alive": alive,
        }
        return console.render(request, "connections.html", values)

    def check(request: Request, _form: Form) -> str:
        person = person_of(request)
        findings = console.check()
        now = console.now()
        wrong = sum(each.severity is Severity.ERROR for each in findings)
        ActStore(console.database).record(KIND, By(actor=person.name, reason=f"{wrong} problems found"), now)
        found = [asdict(each) for each in findings]
        reports.add(kind=KIND, subject="all", at=now, actor=person.name, problems=wrong, found=found)
        return PATH

    return [Route(PATH, connections), act_route(console, f"{PATH}/check", check)]


def _sides(config: Config, breakers: Sequence[Breaker], alive: Sequence[Replica]) -> Iterator[Side]:
    yield Side(
        name="docflo",
        kind="source",
        address=config.docflo.base_url,
        pipelines=tuple(config.pipelines),
        credentials=tuple(_credentials(config.docflo)),
        breakers=tuple(each for each in breakers if each.side == "docflo"),
    )
    for name, target in config.targets.items():
        pipelines = tuple(each for each, section in config.pipelines.items() if section.target == name)
        sides = {f"target {name}", *(f"mapping {each}" for each in pipelines)}
        yield Side(
            name=name,
            kind=target.adapter,
            address=_address(target),
            pipelines=pipelines,
            credentials=tuple(_credentials(target)),
            breakers=tuple(each for each in breakers if each.side in sides),
            tokens=tuple((each.name, held) for each in alive for held in each.held if held.target == name),
        )


def _address(target: BaseModel) -> str:
    for name in ("login_address", "instance_url", "address", "profile"):
        value = getattr(target, name, None)
        if value:
            return str(value)
    return ""


def _credentials(settings: BaseModel, prefix: str = "") -> Iterator[Credential]:
    for name in type(settings).model_fields:
        value: Any = getattr(settings, name)
        if isinstance(value, Secret):
            yield _credential(f"{prefix}{name}", value)
        elif isinstance(value, BaseModel):
            yield from _credentials(value, f"{prefix}{name}.")
        elif isinstance(value, dict):
            named = ((key, each) for key, each in value.items() if isinstance(each, Secret))
            yield from (_credential(f"{prefix}{name}.{key}", each) for key, each in named)


def _credential(name: str, secret: Secret) -> Credential:
    changed_at, end, is_missing = None, None, False
    try:
        end = ends_at(secret.reveal())
        if secret.file is not None:
            changed_at = datetime.fromtimestamp(secret.file.stat().st_mtime, tz=UTC)
    except (ValueError, OSError):
        is_missing = True
    return Credential(
        name=name, reference=secret.reference, changed_at=changed_at, ends_at=end, is_missing=is_missing
    )


PAGE = Page(title="Connections", path=PATH, routes=_routes)
