"""The mapping lab: edit a mapping, see at once what it makes of a document. Nothing is written anywhere."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from connector.console.lab.job import Given, Job
from connector.console.lab.trial import try_mapping
from connector.console.lab.unfilled import Descriptions, unfilled
from connector.console.pages.page import Console, Page
from connector.console.pages.posting import LONGEST_PART, MOST_FIELDS, refusal, status_of
from connector.console.person import person_of
from connector.errors import ConfigError, ConnectorError
from connector.ledger.snapshots import Snapshots
from connector.pipeline.settings import PipelineSection
from connector.record import record_key

PATH = "/lab"
OFFERED = 30  # stored documents in the list
MOST_COMPARED = 200


def _routes(console: Console) -> Sequence[BaseRoute]:
    descriptions = Descriptions(console.describe, clock=console.clock)

    def lab(request: Request) -> Response:
        if not person_of(request).sees_contents:
            return _hidden(console, request)
        names = tuple(console.config().pipelines)
        name = request.query_params.get("pipeline", names[0])
        try:
            section = _section(console, name)
            text = section.mapping.read_text(encoding="utf-8")
        except (ConnectorError, OSError, UnicodeDecodeError) as error:
            message = (
                error.message if isinstance(error, ConnectorError) else f"{name}: the mapping cannot be read"
            )
            return refusal(console, request, HTTPStatus.BAD_REQUEST, message)
        values = {
            "title": "Mapping lab",
            "names": names,
            "name": name,
            "file": section.mapping.name,
            "text": text,
            "offered": Snapshots(console.database).latest(name, OFFERED),
            "chosen": request.query_params.get("delivery", ""),
            "pasted": "",
            "trial": None,
            "most": MOST_COMPARED,
        }
        return console.render(request, "lab.html", values)

    async def tried(request: Request) -> Response:
        if not person_of(request).sees_contents:
            return _hidden(console, request)
        async with request.form(max_files=0, max_fields=MOST_FIELDS, max_part_size=LONGEST_PART) as sent:
            form = {name: value for name, value in sent.multi_items() if isinstance(value, str)}
        return await run_in_threadpool(_tried, console, descriptions, request, form)

    return [Route(PATH, lab), Route(PATH, tried, methods=["POST"])]


def _tried(
    console: Console, descriptions: Descriptions, request: Request, form: Mapping[str, str]
) -> Response:
    name, compares = form.get("pipeline", ""), form.get("do") == "compare"
    try:
        section = _section(console, name)
        documents = _latest(console, name) if compares else _chosen(console, name, form)
        job = Job(
            path=str(section.mapping), text=form.get("text", ""), documents=documents, compares=compares
        )
        trial = try_mapping(job)
    except ConnectorError as error:
        return refusal(console, request, status_of(error), error.message, error.remedy)
    values: dict[str, Any] = {
        "title": "Mapping lab",
        "trial": trial,
        "target": section.target,
        "unfilled": list(unfilled(trial.writes, section.target, descriptions)),
        "lines": form.get("text", "").splitlines(),
    }
    if "hx-request" in request.headers:
        return console.render(request, "lab_trial.html", values)
    return console.render(request, "lab.html", {**values, **_again(console, name, section, form)})


def _again(console: Console, name: str, section: PipelineSection, form: Mapping[str, str]) -> dict[str, Any]:
    return {
        "names": tuple(console.config().pipelines),
        "name": name,
        "file": section.mapping.name,
        "text": form.get("text", ""),
        "offered": Snapshots(console.database).latest(name, OFFERED),
        "chosen": form.get("delivery", ""),
        "pasted": form.get("pasted", ""),
        "most": MOST_COMPARED,
    }


def _section(console: Console, name: str) -> PipelineSection:
    section = console.config().pipelines.get(name)
    if section is None:
        raise ConfigError("no such pipeline", remedy="choose one of the list")
    return section


def _chosen(console: Console, name: str, form: Mapping[str, str]) -> tuple[Given, ...]:
    tenant = console.config().docflo.tenant_id
    pasted = form.get("pasted", "").strip()
    if pasted:
        return (Given(id="pasted", key=record_key(tenant, name, "pasted"), raw=pasted),)
    number = form.get("delivery", "")
    if not number.isdecimal():
        return ()
    delivery = console.store.get(int(number)) if len(number) < 16 else None  # noqa: PLR2004 digits of a row's number
    if delivery is None or delivery.pipeline != name or not delivery.snapshot:
        raise ConfigError("this document is not stored (any more)", remedy="choose another, or paste one")
    key = record_key(tenant, name, delivery.document_id)
    return (Given(id=delivery.document_id, key=key, raw=delivery.snapshot.decode()),)


def _latest(console: Console, name: str) -> tuple[Given, ...]:
    tenant = console.config().docflo.tenant_id
    stored = Snapshots(console.database).latest_whole(name, MOST_COMPARED)
    return tuple(
        Given(
            id=each.document_id,
            key=record_key(tenant, name, each.document_id),
            raw=each.snapshot.decode(),
            currency=each.headline.currency,
            delivery=each.id,
        )
        for each in stored
    )


def _hidden(console: Console, request: Request) -> Response:
    message = "the lab shows what documents say, which is hidden from your role"
    return refusal(console, request, HTTPStatus.FORBIDDEN, message)


PAGE = Page(title="Mapping lab", path=PATH, routes=_routes)
