"""The sandbox as a whole: routes, keys, the hourly limit, and one place where refusals become answers."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.sandbox.docflo import endpoints
from connector.sandbox.docflo.answers import json_answer
from connector.sandbox.docflo.demo import DEMO_SEED, demo_documents
from connector.sandbox.docflo.document import SandboxDocument, Step
from connector.sandbox.docflo.endpoints import Call, Endpoint, Habits
from connector.sandbox.docflo.errors import ApiError
from connector.sandbox.docflo.listing import Envelope
from connector.sandbox.docflo.rate import WINDOW, Rate, RateLimit
from connector.sandbox.docflo.schema import ENABLED_TYPES, TypeSchema
from connector.sandbox.docflo.store import Store
from connector.sandbox.faults import FaultMiddleware, Faults, route_names
from connector.sandbox.journal import Journal

TENANT = "sandbox-tenant"
SERVICES = ("docs", "logs", "auth")
API_KEYS: Mapping[str, AbstractSet[str]] = {"sandbox-key": frozenset(SERVICES)}
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

ENDPOINTS: tuple[tuple[str, str, str, Endpoint], ...] = (
    ("list", "GET", "/docs/v1/document", endpoints.list_documents),
    ("create", "POST", "/docs/v1/document", endpoints.create_document),
    ("document", "GET", "/docs/v1/document/byId/{id}", endpoints.document_by_id),
    ("analyze", "POST", "/docs/v1/document/analyze", endpoints.analyze_document),
    ("original", "GET", "/docs/v1/document/download/{id}/original", endpoints.download_original),
    ("email", "GET", "/docs/v1/document/download/{id}/email", endpoints.download_email),
    ("model_field", "PATCH", "/docs/v1/fields", endpoints.update_model_field),
    ("update_fields", "PATCH", "/docs/v1/document/fields/{id}", endpoints.update_fields),
    ("update_status", "PATCH", "/docs/v1/document/info/{id}", endpoints.update_status),
    ("info", "GET", "/docs/v1/document/info/{id}", endpoints.document_info),
    ("enabled_types", "GET", "/docs/v1/types/enabled", endpoints.enabled_types),
    ("type_configuration", "GET", "/docs/v1/types/{type}", endpoints.type_configuration),
    ("ai_search", "POST", "/docs/v1/document/ai/search", endpoints.ai_search),
    ("ai_ask", "POST", "/docs/v1/document/ai/ask", endpoints.ai_ask),
    ("logs", "GET", "/logs/v1/log", endpoints.logs),
    ("guest_token", "POST", "/auth/v1/guest-token", endpoints.guest_token),
)
"""Operation, method, path, endpoint. Operations name requests in the journal and in faults."""

logger = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class DocfloSandbox:
    """A Docflo to be served by `SandboxServer(sandbox.app)`.

    Without `documents` it holds those of the demo. `api_keys` maps each key to the services it may use.
    A listing ignores the parameters in `ignored`. `before_page` is called before each of its pages is cut,
    and may change what is held.
    """

    def __init__(  # noqa: PLR0913 what a test or the demo wants to choose
        self,
        *,
        tenant_id: str = TENANT,
        api_keys: Mapping[str, AbstractSet[str]] = API_KEYS,
        documents: Iterable[SandboxDocument] | None = None,
        clock: Callable[[], datetime] = _utc_now,
        rate_limit: int | None = 1000,
        rate_window: timedelta = WINDOW,
        envelope: Envelope = "documents",
        with_total: bool = False,
        max_top: int = 100,
        upload_timeline: tuple[Step, ...] | None = None,
        seed: object = DEMO_SEED,
        ignored: AbstractSet[str] = frozenset(),
        whole_days: bool = False,
        before_page: Callable[[], None] | None = None,
        types: Mapping[str, TypeSchema] = ENABLED_TYPES,
    ) -> None:
        self.journal = Journal()
        self.faults = Faults()
        self.tenant_id = tenant_id
        self.api_keys = dict(api_keys)
        held = demo_documents(clock(), seed) if documents is None else documents
        self._store = Store(held, clock=clock, journal=self.journal, seed=seed, types=types)
        self._rate_limit = None if rate_limit is None else RateLimit(rate_limit, clock, rate_window)
        self._habits = Habits(
            envelope=envelope,
            with_total=with_total,
            max_top=max_top,
            upload_timeline=upload_timeline,
            ignored=frozenset(ignored),
            whole_days=whole_days,
            before_page=before_page,
        )
        routes = [
            *(
                Route(path, self._answer(run), methods=[method], name=name)
                for name, method, path, run in ENDPOINTS
            ),
            Route("/{path:path}", self._answer(endpoints.unknown), methods=METHODS, name="unknown"),
        ]
        self.app = FaultMiddleware(
            Starlette(routes=routes),
            faults=self.faults,
            journal=self.journal,
            operation_of=route_names(routes),
        )

    @property
    def envelope(self) -> Envelope:
        """The shape of listings; can be changed while serving."""
        return self._habits.envelope

    @envelope.setter
    def envelope(self, envelope: Envelope) -> None:
        self._habits = replace(self._habits, envelope=envelope)

    def list_so(self, *, ignored: AbstractSet[str] = frozenset(), **habits: Any) -> None:  # noqa: ANN401 fields of `Habits`
        """List from now on with these habits, named as in the constructor."""
        self._habits = replace(self._habits, ignored=frozenset(ignored), **habits)

    @property
    def documents(self) -> dict[str, SandboxDocument]:
        """Every document by id. Documents are values: read them again after a request."""
        return self._store.documents

    def add(self, document: SandboxDocument) -> None:
        """Hold one more document, or another version of one."""
        self._store.add(document)

    def put_status(self, document_id: str, status: str) -> None:
        """Set a status as a person in Docflo would."""
        self._store.put_status(document_id, status)

    def remove(self, document_id: str) -> None:
        """Forget a document, as when somebody deletes it."""
        self._store.remove(document_id)

    def status(self, document_id: str) -> str:
        """Give a document's status now."""
        return self.documents[document_id].status_at(self._store.now())

    def _answer(self, run: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            rate = self._rate_limit.count(self._counted_key(request)) if self._rate_limit else None
            try:
                _check_rate(rate)
                self._authorise(request)
                response = await run(Call(request=request, store=self._store, habits=self._habits))
            except ApiError as error:
                response = self._refusal(request, error)
            except HTTPException as error:
                response = self._refusal(request, ApiError(400, "INVALID_BODY", "Bad request", error.detail))
            except Exception:
                logger.exception("the sandbox failed to answer %s", request.url.path)
                response = self._refusal(request, ApiError(500, "INTERNAL_ERROR", "Internal server error"))
            # Of the clock that its resets are told by: who reads both must not find them hours apart.
            response.headers["date"] = format_datetime(self._store.now().astimezone(UTC), usegmt=True)
            response.headers.update(rate.headers() if rate else {})
            return response

        return answer

    def _refusal(self, request: Request, error: ApiError) -> Response:
        self._store.note_error(error.message, request.url.path)
        return json_answer(error.as_json(), error.status)

    def _counted_key(self, request: Request) -> str:
        key = request.headers.get("apiKey", "")
        return key if key in self.api_keys else ""

    def _authorise(self, request: Request) -> None:
        allowed = self.api_keys.get(request.headers.get("apiKey", ""))
        if allowed is None or request.headers.get("x-tenant-id") != self.tenant_id:
            raise ApiError(
                401, "UNAUTHORIZED", "Invalid tenant or API key", "Send both headers: x-tenant-id and apiKey"
            )
        service = request.url.path.split("/")[1]
        if service in SERVICES and service not in allowed:
            raise ApiError(
                403, "FORBIDDEN", "The API key has no permission for this service", f"Service: {service}"
            )


def _check_rate(rate: Rate | None) -> None:
    if rate and rate.is_exceeded:
        raise ApiError(429, "RATE_LIMIT_EXCEEDED", "Too many requests", f"Resets at {rate.reset}")
