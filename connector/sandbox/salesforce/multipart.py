"""A multipart body: one part is the record as JSON, the other its file as it is."""

from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.requests import Request

from connector.sandbox.salesforce import errors
from connector.sandbox.salesforce.call import json_of

MULTIPART = "multipart/form-data"
FILE_PART = "VersionData"
MOST_PART_BYTES = 10_000_000  # of a part that is no file


async def read_form(request: Request) -> dict[str, Any]:
    """Give the record, its file's bytes under the name of their part.

    Raises: ApiError 400 when the parts are not one JSON object and files.
    """
    try:
        async with request.form(max_part_size=MOST_PART_BYTES) as form:
            return await _record(form)
    except MultiPartException as error:
        raise errors.json_unreadable(error.message) from error


async def _record(form: FormData) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, part in form.multi_items():
        content = await part.read() if isinstance(part, UploadFile) else part.encode()
        if name == FILE_PART:
            record[name] = content
            continue
        fields = json_of(content)
        if not isinstance(fields, dict):
            raise errors.json_unreadable(f"The part {name} must hold a JSON object")
        record |= fields
    return record
