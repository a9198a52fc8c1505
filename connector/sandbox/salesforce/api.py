"""The HTTP side: logins, the gate before all data, and which part answers which operation."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.addressed import Answer
from connector.sandbox.salesforce.addresses import DATA_PATH, Target, target_of
from connector.sandbox.salesforce.bulk import answer_bulk
from connector.sandbox.salesforce.call import JSON, Call
from connector.sandbox.salesforce.composite import run_composite
from connector.sandbox.salesforce.graph import run_graphs
from connector.sandbox.salesforce.limits import limits
from connector.sandbox.salesforce.multipart import MULTIPART, read_form
from connector.sandbox.salesforce.org import Org
from connector.sandbox.salesforce.perform import Visit, perform
from connector.sandbox.salesforce.tokens import LoginRefusedError, log_in

LONGEST_ADDRESS = 16_384
SEASONS = ("Winter", "Spring", "Summer")  # version 50 was Winter '21

_encoder = msgspec.json.Encoder(decimal_format="number")


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
        if call.media_type == MULTIPART and call.target.operation == "create":
            call = replace(call, form=await read_form(request))
        response = await self._respond(scope["path"], call)
        await response(scope, receive, send)

    def _call(self, request: Request, content: bytes) -> Call:
        query = request.scope["query_string"].decode("latin-1")
        return Call(
            method=request.method,
            target=_target(request.scope),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=request.headers,
            scheme=request.url.scheme,
            content=content,
            address_length=len(request.scope["raw_path"]) + len(query),
            now=self._org.clock(),
        )

    async def _respond(self, path: str, call: Call) -> Response:
        if call.target.operation == "token":
            return self._log_in(call)
        try:
            answer = await self._data(call) if path.startswith(DATA_PATH) else _refuse(call)
        except errors.ApiError as refusal:
            answer = Answer(status=refusal.status, body=refusal.body)
        headers = {"Sforce-Limit-Info": f"api-usage={self._org.usage.used(call.now)}/{self._org.usage.limit}"}
        if answer.location:
            headers["Location"] = answer.location
        if answer.content is not None:
            return Response(answer.content, answer.status, headers | {"Content-Type": answer.media_type})
        return _response(answer.status, answer.body, headers if path.startswith(DATA_PATH) else {})

    def _log_in(self, call: Call) -> Response:
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
            instance_url = f"{call.scheme}://{host}"
            token = self._org.tokens.issue(user, secret=secret, instance_url=instance_url, now=call.now)
        except LoginRefusedError as refusal:
            return _response(400, refusal.body, {})
        return _response(200, token, {"Cache-Control": "no-store"})

    async def _data(self, call: Call) -> Answer:
        if call.target.operation == "versions":
            return Answer(status=200, body=[_version(number) for number in self._org.versions])
        user = self._org.tokens.user_of(call.headers.get("authorization", ""), call.now)
        if user in self._org.without_api:
            message = "API is not enabled for this Organization or Partner"
            raise errors.refusal(403, "API_DISABLED_FOR_ORG", message)
        self._org.usage.spend(call.now)
        if call.address_length > LONGEST_ADDRESS:
            raise errors.refusal(414, "URI_TOO_LONG", "The length of the URI exceeds the 16,384-byte limit")
        most = (
            self._org.options.most_json_bytes if call.form is None else self._org.options.most_multipart_bytes
        )
        if len(call.content) > most and not call.target.operation.startswith("bulk_"):
            raise errors.body_too_large(most)
        call.target.check_version(self._org.versions)
        schema = self._org.schema.without(self._org.hidden.get(user, ()))
        visit = Visit(org=self._org, schema=schema, now=call.now)
        with self._org.long_requests.running():
            if self._org.options.latency:
                await asyncio.sleep(self._org.options.latency)
            return await self._operation(call, visit)

    async def _operation(self, call: Call, visit: Visit) -> Answer:
        match call.target:
            case Target(operation="limits"):
                body = limits(
                    daily=self._org.usage.limit,
                    used=self._org.usage.used(call.now),
                    bulk_batches=self._org.jobs.batches,
                )
            case Target(operation="graph"):
                body = await run_graphs(visit, call.json())
            case Target(operation="composite"):
                body = await run_composite(visit, call.json())
            case Target(operation=operation) if operation.startswith("bulk_"):
                return answer_bulk(visit, call)
            case target:
                content = call.json()
                return await self._org.keep(lambda: perform(visit, target, content, call.headers))
        return Answer(status=200, body=body)


def _target(scope: Scope) -> Target:
    path: bytes = scope["raw_path"]
    query: bytes = scope["query_string"]
    return target_of(scope["method"], path.decode("latin-1"), query.decode("latin-1"))


def _refuse(call: Call) -> Answer:
    if call.target.allowed:
        raise errors.method_not_allowed(call.method, ",".join(call.target.allowed))
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
