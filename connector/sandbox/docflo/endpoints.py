"""The sixteen endpoints. Each reads its request, acts on the store, and answers."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from connector.sandbox.docflo.amounts import every
from connector.sandbox.docflo.answers import (
    file_answer,
    json_answer,
    json_body,
    summary,
    uploaded,
    with_results,
)
from connector.sandbox.docflo.document import MAILBOX, STATUSES, SandboxDocument, Step, texts, timestamp
from connector.sandbox.docflo.errors import ApiError, bad_parameter
from connector.sandbox.docflo.generate import generate_fields
from connector.sandbox.docflo.listing import (
    Envelope,
    document_type,
    enveloped,
    in_whole_days,
    page,
    read_query,
    select,
)
from connector.sandbox.docflo.original import mail, original
from connector.sandbox.docflo.schema import DATA_TYPES, FieldSchema
from connector.sandbox.docflo.store import Store

UNCLASSIFIED = "unclassified"
GUEST_TOKEN_LIFETIME = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """What the references leave open, chosen per sandbox."""

    envelope: Envelope
    with_total: bool
    max_top: int
    upload_timeline: (
        tuple[Step, ...] | None
    )  # None: by way of validation or confirmation, as the file decides
    ignored: frozenset[str] = frozenset()  # parameters of the listing that are read and change nothing
    whole_days: bool = False  # times in the listing's parameters are cut to the day
    before_page: Callable[[], None] | None = None  # called before each page is cut


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request with what it may touch."""

    request: Request
    store: Store
    habits: Habits

    @property
    def id(self) -> str:
        """The document id in the path."""
        found: str = self.request.path_params["id"]
        return found


Endpoint: TypeAlias = Callable[[Call], Awaitable[Response]]


async def list_documents(call: Call) -> Response:
    """GET /docs/v1/document."""
    habits = call.habits
    if habits.before_page is not None:
        habits.before_page()
    now = call.store.now()
    given = call.request.query_params
    read_query(given, habits.max_top)  # what it ignores it still refuses when it makes no sense
    query = read_query(
        {name: text for name, text in given.items() if name not in habits.ignored}, habits.max_top
    )
    query = in_whole_days(query) if habits.whole_days else query
    fitting = select(call.store.all(), query, now)
    shown = with_results if query.include_results else summary
    rows = [shown(document, now) for document in page(fitting, query)]
    total = len(fitting) if call.habits.with_total else None
    return json_answer(enveloped(rows, call.habits.envelope, total))


async def create_document(call: Call) -> Response:
    """POST /docs/v1/document."""
    upload, name, asked = await uploaded(call.request)
    kind = _enabled_type(call.store, asked) if asked else UNCLASSIFIED
    now = call.store.now()
    place = _place(upload.content)
    document = SandboxDocument(
        id=call.store.new_id(),
        type=kind,
        name=name,
        created_on=now,
        timeline=call.habits.upload_timeline or _upload_timeline(place),
        fields=generate_fields(kind, place, now, place),
        source="api",
        upload=upload,
    )
    call.store.create(document)
    return json_answer(summary(document, now), 201)


async def document_by_id(call: Call) -> Response:
    """GET /docs/v1/document/byId/{documentId}."""
    document = with_results(call.store.find(call.id), call.store.now())
    wrapped = call.habits.envelope in ("data", "nested")
    return json_answer({"data": document} if wrapped else document)


async def analyze_document(call: Call) -> Response:
    """POST /docs/v1/document/analyze: reads a file and forgets it."""
    upload, _, asked = await uploaded(call.request)
    if not asked:
        raise bad_parameter("type", "a document type")
    kind = _enabled_type(call.store, asked)
    place = _place(upload.content)
    return json_answer({"type": kind, "results": generate_fields(kind, place, call.store.now(), place)})


async def download_original(call: Call) -> Response:
    """GET /docs/v1/document/download/{id}/original."""
    document = call.store.find(call.id)
    return file_answer(*original(document), document.name)


async def download_email(call: Call) -> Response:
    """GET /docs/v1/document/download/{id}/email."""
    document = call.store.find(call.id)
    if document.source != MAILBOX:
        raise ApiError(
            404, "EMAIL_NOT_FOUND", "The document did not come from a mailbox", f"id: {document.id}"
        )
    return file_answer(mail(document), "message/rfc822", f"{document.name}.eml")


async def update_model_field(call: Call) -> Response:
    """PATCH /docs/v1/fields."""
    query = call.request.query_params
    for name in ("documentType", "name"):
        if not query.get(name):
            raise bad_parameter(name, "a value")
    kind = document_type(query["documentType"])
    optional = {"visible": bool, "extractionMethod": str, "extractionSettings": dict, "fields": list}
    body = await json_body(call.request, required={"type": str}, optional=optional)
    if body["type"] not in DATA_TYPES:
        raise bad_parameter("type", f"one of {', '.join(DATA_TYPES)}")
    inner = body.get("fields", [])
    if not all(isinstance(name, str) for name in inner):
        raise bad_parameter("fields", "a list of field names")
    field = FieldSchema(
        name=query["name"],
        type=body["type"],
        fields=tuple(FieldSchema(name=name, type="string") for name in inner),
        visible=body.get("visible", True),
        extraction_method=body.get("extractionMethod", "ai"),
        extraction_settings=body.get("extractionSettings", {}),
    )
    call.store.change_model(str(kind), field)
    return json_answer({})


async def update_fields(call: Call) -> Response:
    """PATCH /docs/v1/document/fields/{id}."""
    body = await json_body(call.request, required={"fields": dict}, optional={})
    call.store.change_fields(call.id, body["fields"])
    return json_answer({})


async def update_status(call: Call) -> Response:
    """PATCH /docs/v1/document/info/{id}."""
    body = await json_body(call.request, required={"status": str}, optional={})
    if body["status"] not in STATUSES:
        raise ApiError(400, "INVALID_STATUS", "The status does not exist", f"Statuses: {', '.join(STATUSES)}")
    call.store.change_status(call.id, body["status"])
    return json_answer({})


async def document_info(call: Call) -> Response:
    """GET /docs/v1/document/info/{id}."""
    return json_answer(summary(call.store.find(call.id), call.store.now()))


async def enabled_types(call: Call) -> Response:
    """GET /docs/v1/types/enabled."""
    return json_answer([{"name": name, "enabled": True} for name in call.store.schemas])


async def type_configuration(call: Call) -> Response:
    """GET /docs/v1/types/{type}."""
    name = call.request.path_params["type"]
    schema = call.store.schema(name)
    return json_answer(
        {"name": name, "enabled": True, "fields": [field.as_json() for field in schema.values()]}
    )


async def ai_search(call: Call) -> Response:
    """POST /docs/v1/document/ai/search: the share of the query's words that a document contains."""
    body = await json_body(
        call.request, required={"query": str, "score_threshold": object}, optional={"model_ids": str}
    )
    threshold = body["score_threshold"]
    if isinstance(threshold, bool) or not isinstance(threshold, int | Decimal):
        raise bad_parameter("score_threshold", "a number")
    asked = [document_type(name.strip()) for name in body.get("model_ids", "").split(",") if name.strip()]
    now = call.store.now()
    scored = [
        (document, _score(document, body["query"]))
        for document in call.store.all()
        if not asked or document.type in asked
    ]
    found = sorted((pair for pair in scored if pair[1] >= threshold), key=lambda pair: -pair[1])
    rows = [{**summary(document, now), "score": score} for document, score in found[: call.habits.max_top]]
    return json_answer({"documents": rows})


async def ai_ask(call: Call) -> Response:
    """POST /docs/v1/document/ai/ask: counts documents, whatever is asked."""
    body = await json_body(call.request, required={"query": str}, optional={"types": list})
    asked = [document_type(name) if isinstance(name, str) else _bad_type() for name in body.get("types", [])]
    count = sum(1 for document in call.store.all() if not asked or document.type in asked)
    return json_answer({"answer": f"There are **{count}** documents of these types."})


async def logs(call: Call) -> Response:
    """GET /logs/v1/log: newest first."""
    query = call.request.query_params
    for name in query:
        if name not in ("type", "area", "subArea", "message", "metadata"):
            raise bad_parameter(name, "one of type, area, subArea, message, metadata")
    metadata = _metadata(query.get("metadata", "{}"))
    entries = [entry for entry in reversed(call.store.logs) if _is_asked_for(entry, query, metadata)]
    return json_answer({"data": entries[: call.habits.max_top]})


async def guest_token(call: Call) -> Response:
    """POST /auth/v1/guest-token."""
    expires = timestamp(call.store.now() + GUEST_TOKEN_LIFETIME)
    return json_answer({"token": f"guest-{call.store.new_id()}", "expiresOn": expires}, 201)


async def unknown(call: Call) -> Response:
    """Any other path or method."""
    asked = f"{call.request.method} {call.request.url.path}"
    raise ApiError(404, "NOT_FOUND", "There is no such endpoint", asked)


def _enabled_type(store: Store, name: str) -> str:
    document_type(name)
    if name not in (*store.schemas, UNCLASSIFIED):
        enabled = f"Enabled types: {', '.join(store.schemas)}"
        raise ApiError(400, "DOCUMENT_TYPE_NOT_ENABLED", "The document type is not enabled", enabled)
    return name


def _place(content: bytes) -> int:
    # The same file is read the same way every time.
    return int.from_bytes(hashlib.sha256(content).digest()[:3])


def _upload_timeline(place: int) -> tuple[Step, ...]:
    middle = "REQUIRES_VALIDATION" if every(place, 2, 0) else "CONFIRMED"
    statuses = {0: "PROCESSING", 2: "ANALYZING", 5: "ANALYZED", 6: middle, 20: "APPROVED"}
    return tuple((timedelta(seconds=after), status) for after, status in statuses.items())


def _score(document: SandboxDocument, query: str) -> Decimal:
    words = query.casefold().split()
    text = "\n".join((document.type, *texts(document.fields))).casefold()
    found = sum(1 for word in words if word in text)
    return Decimal(found) / max(len(words), 1)


def _bad_type() -> str:
    raise bad_parameter("types", "a list of document types")


def _metadata(text: str) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError:
        raise bad_parameter("metadata", "a JSON object") from None


def _is_asked_for(entry: Mapping[str, Any], query: Mapping[str, str], metadata: Mapping[str, Any]) -> bool:
    exact = all(query.get(name, entry[name]) == entry[name] for name in ("type", "area", "subArea"))
    inside = all(entry["metadata"].get(name) == value for name, value in metadata.items())
    return exact and inside and query.get("message", "").casefold() in entry["message"].casefold()
