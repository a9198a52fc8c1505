"""Reading what a request carries and writing what it gets back: JSON without floats, forms, files."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from connector.sandbox.docflo.document import SandboxDocument, Upload, timestamp
from connector.sandbox.docflo.errors import ApiError, bad_parameter
from connector.sandbox.docflo.original import PDF

JSON = "application/json"
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def json_answer(value: Any, status: int = 200) -> Response:  # noqa: ANN401 any JSON
    """Give an answer in JSON; a Decimal keeps its digits."""
    return Response(_encoder.encode(value), status, media_type=JSON)


def file_answer(content: bytes, content_type: str, name: str) -> Response:
    """Give a download under its own name."""
    disposition = f"attachment; filename=\"{_ascii(name)}\"; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=content_type, headers={"Content-Disposition": disposition})


async def json_body(
    request: Request, *, required: Mapping[str, type], optional: Mapping[str, type]
) -> dict[str, Any]:
    """Read a JSON object whose keys are all known.

    Raises: ApiError 400.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise ApiError(400, "INVALID_BODY", "The body is not JSON", f"Content-Type: expected {JSON}")
    try:
        body = _decoder.decode(await request.body())
    except msgspec.DecodeError as error:
        raise ApiError(400, "INVALID_BODY", "The body is not JSON", str(error)) from None
    if not isinstance(body, dict):
        raise ApiError(400, "INVALID_BODY", "The body is not a JSON object")
    _check_keys(body, required, optional)
    return body


def _check_keys(body: Mapping[str, Any], required: Mapping[str, type], optional: Mapping[str, type]) -> None:
    known = {**required, **optional}
    for name in required:
        if name not in body:
            raise bad_parameter(name, "a value")
    for name, value in body.items():
        if name not in known:
            raise bad_parameter(name, f"one of {', '.join(known)}")
        if not isinstance(value, known[name]):
            raise bad_parameter(name, known[name].__name__)


async def uploaded(request: Request) -> tuple[Upload, str, str | None]:
    """Read the multipart form of an upload: the file, its name, and `type` if it was given.

    Raises: ApiError 400 without a file.
    """
    async with request.form() as form:
        file, kind = form.get("file"), form.get("type")
        if not isinstance(file, UploadFile):
            raise bad_parameter("file", "a file in multipart/form-data")
        upload = Upload(
            content=await file.read(), content_type=file.content_type or "application/octet-stream"
        )
        return upload, file.filename or "document", kind if isinstance(kind, str) else None


def summary(document: SandboxDocument, now: datetime) -> dict[str, Any]:
    """Give what is known about a document, without what was read from it."""
    content_type = document.upload.content_type if document.upload else PDF
    return {
        "_id": document.id,
        "type": document.type,
        "name": document.name,
        "status": document.status_at(now),
        "source": document.source,
        "favorite": document.favorite,
        "approvers": list(document.approver_ids),
        "contentType": content_type,
        "createdOn": timestamp(document.created_on),
        "changedOn": timestamp(document.changed_on) if document.changed_on else None,
    }


def with_results(document: SandboxDocument, now: datetime) -> dict[str, Any]:
    """Give a document with what was read from it."""
    return {**summary(document, now), "results": document.fields_at(now)}


def _ascii(name: str) -> str:
    return "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\' else "_"
        for letter in name
    )
