"""The HTTP side: logins, the gate before all data, and which part answers which operation."""

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connector.sandbox.journal import Effect, Journal
from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addresses import DATA_PATH, Target, target_of
from connector.sandbox.salesforce.describe import describe, describe_all
from connector.sandbox.salesforce.graph import read_graphs, run_graphs
from connector.sandbox.salesforce.pages import Pages
from connector.sandbox.salesforce.query import Queries
from connector.sandbox.salesforce.records import Answer, RecordAddress, RecordOperation, Records
from connector.sandbox.salesforce.rules import Rules
from connector.sandbox.salesforce.schema import Schema
from connector.sandbox.salesforce.soql import parse
from connector.sandbox.salesforce.store import Store
from connector.sandbox.salesforce.tokens import LoginRefusedError, Logins, Tokens, log_in
from connector.sandbox.salesforce.usage import Usage

JSON = "application/json"
LONGEST_ADDRESS = 16_384
SEASONS = ("Winter", "Spring", "Summer")  # version 50 was Winter '21

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Org:
    """Everything that one org is and holds."""

    schema: Schema
    store: Store
    rules: Rules
    logins: Logins
    tokens: Tokens
    usage: Usage
    pages: Pages
    journal: Journal
    versions: range
    without_api: Collection[str]  # users that may log in and nothing more
    hidden: Mapping[str, Collection[str]]  # user -> objects and fields out of sight
    clock: Callable[[], datetime]
    lock: threading.RLock  # one request at a time, and none while a test reads


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request, read whole."""

    method: str
    target: Target
    query: Mapping[str, str]
    headers: Mapping[str, str]
    scheme: str
    content: bytes
    address_length: int
    now: datetime


def operation_of(scope: Scope) -> str:
    """Give the operation's name for the journal and for faults."""
    return _target(scope).operation


class Api:
    """The org as an ASGI application."""

    def __init__(self, org: Org) -> None:
        self._org = org

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        call = self._call(request, await request.body())
        with self._org.lock:
            response = self._respond(scope["path"], call)
        await response(scope, receive, send)

    def _call(self, request: Request, content: bytes) -> _Call:
        query = request.scope["query_string"].decode("latin-1")
        return _Call(
            method=request.method,
            target=_target(request.scope),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=request.headers,
            scheme=request.url.scheme,
            content=content,
            address_length=len(request.scope["raw_path"]) + len(query),
            now=self._org.clock(),
        )

    def _respond(self, path: str, call: _Call) -> Response:
        if call.target.operation == "token":
            return self._log_in(call)
        try:
            answer = self._data(call) if path.startswith(DATA_PATH) else _refuse(call)
        except errors.ApiError as refusal:
            answer = Answer(status=refusal.status, body=refusal.body)
        headers = {"Sforce-Limit-Info": f"api-usage={self._org.usage.used(call.now)}/{self._org.usage.limit}"}
        if answer.location:
            headers["Location"] = answer.location
        return _response(answer.status, answer.body, headers if path.startswith(DATA_PATH) else {})

    def _log_in(self, call: _Call) -> Response:
        host = call.headers.get("host", "")
        form = dict(parse_qsl(call.content.decode("latin-1"), keep_blank_values=True))
        authorization = call.headers.get("authorization", "")
        if call.method != "POST":
            body = {"error": "invalid_request", "error_description": "must use HTTP POST"}
            return _response(400, body, {})
        try:
            user, secret = log_in(
                self._org.logins, form, authorization=authorization, host=host, now=call.now
            )
        except LoginRefusedError as refusal:
            return _response(400, refusal.body, {})
        instance_url = f"{call.scheme}://{host}"
        token = self._org.tokens.issue(user, secret=secret, instance_url=instance_url, now=call.now)
        return _response(200, token, {"Cache-Control": "no-store"})

    def _data(self, call: _Call) -> Answer:
        if call.target.operation == "versions":
            return Answer(status=200, body=[_version(number) for number in self._org.versions])
        user = self._org.tokens.user_of(call.headers.get("authorization", ""), call.now)
        if user in self._org.without_api:
            message = "API is not enabled for this Organization or Partner"
            raise errors.refusal(403, "API_DISABLED_FOR_ORG", message)
        self._org.usage.spend(call.now)
        if call.address_length > LONGEST_ADDRESS:
            raise errors.refusal(414, "URI_TOO_LONG", "The length of the URI exceeds the 16,384-byte limit")
        call.target.check_version(self._org.versions)
        return self._operation(call, self._org.schema.without(self._org.hidden.get(user, ())))

    def _operation(self, call: _Call, schema: Schema) -> Answer:
        match call.target:
            case Target(operation="limits"):
                body = self._limits(call)
            case Target(operation="query"):
                body = self._query(call, schema)
            case Target(operation="graph"):
                body = self._graphs(call, schema)
            case Target(operation="global_describe", version=version):
                body = describe_all(schema, version)
            case Target(operation="describe", address=RecordAddress(version=version, object_name=name)):
                body = describe(schema, schema.object(name), version)
            case Target(
                operation="create" | "read" | "update" | "upsert" | "delete" as operation,
                address=RecordAddress() as address,
            ):
                return self._record(operation, address, call, schema)
            case _:
                return _refuse(call)
        return Answer(status=200, body=body)

    def _record(
        self, operation: RecordOperation, address: RecordAddress, call: _Call, schema: Schema
    ) -> Answer:
        records = self._records(call, schema, may_duplicate=_may_duplicate(call.headers))
        with self._org.store.transaction() as transaction:
            answer = records.answer(operation, address, _json(call))
        self._tell(transaction.effects)
        return answer

    def _records(self, call: _Call, schema: Schema, *, may_duplicate: bool) -> Records:
        return Records(
            schema=schema,
            store=self._org.store,
            rules=self._org.rules,
            now=call.now,
            root=f"{DATA_PATH}/{call.target.version}/sobjects",
            may_duplicate=may_duplicate,
        )

    def _limits(self, call: _Call) -> dict[str, Any]:
        usage = self._org.usage
        return {"DailyApiRequests": {"Max": usage.limit, "Remaining": usage.limit - usage.used(call.now)}}

    def _query(self, call: _Call, schema: Schema) -> dict[str, Any]:
        root = f"{DATA_PATH}/{call.target.version}"
        if call.target.locator:
            return self._org.pages.next(call.target.locator, root)
        queries = Queries(schema=schema, store=self._org.store, root=f"{root}/sobjects")
        return self._org.pages.first(queries.run(parse(call.query.get("q", ""))), root)

    def _graphs(self, call: _Call, schema: Schema) -> dict[str, Any]:
        graphs = read_graphs(_json(call))
        records = self._records(call, schema, may_duplicate=False)
        answer, effects = run_graphs(
            graphs, records=records, store=self._org.store, versions=self._org.versions
        )
        self._tell(effects)
        return answer

    def _tell(self, effects: list[Effect]) -> None:
        for effect in effects:
            self._org.journal.effect(effect.kind, effect.subject, effect.values)


def _target(scope: Scope) -> Target:
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return target_of(scope["method"], path.decode("latin-1"), query.decode("latin-1"))


def _json(call: _Call) -> Any:  # noqa: ANN401 a JSON value of any shape
    """Read the body; numbers keep every digit."""
    if not call.content:
        return None
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise errors.refusal(
            415, "UNSUPPORTED_MEDIA_TYPE", "The Content-Type of the request is not supported"
        )
    try:
        return _decoder.decode(call.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise errors.json_unreadable(str(error)) from error


def _may_duplicate(headers: Mapping[str, str]) -> bool:
    """Read `Sforce-Duplicate-Rule-Header: allowSave=true`."""
    settings = dict(
        part.strip().lower().partition("=")[::2]
        for part in headers.get("sforce-duplicate-rule-header", "").split(";")
    )
    return settings.get("allowsave") == "true"


def _refuse(call: _Call) -> Answer:
    if call.target.allowed:
        raise errors.method_not_allowed(call.method, call.target.allowed)
    raise errors.not_found()


def _response(status: int, body: object, headers: Mapping[str, str]) -> Response:
    if body is None:
        return Response(status_code=status, headers=headers)
    content = _encoder.encode(body)
    return Response(content, status_code=status, headers=headers, media_type=f"{JSON};charset=UTF-8")


def _version(number: int) -> dict[str, str]:
    years, season = divmod(number - 50, len(SEASONS))
    label = f"{SEASONS[season]} '{21 + years}"
    return {"label": label, "url": f"{DATA_PATH}/v{number}.0", "version": f"{number}.0"}
