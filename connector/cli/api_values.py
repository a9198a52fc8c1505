"""What the `api` commands read from a command line, and the pages that `--all` reads."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from connector.docflo.client import DocfloClient
from connector.docflo.jsontext import read_json
from connector.docflo.outgoing import (
    CreateRow,
    DeleteRow,
    DocumentQuery,
    RowChange,
    UpdateRow,
    WriteValue,
)
from connector.docflo.wire import DocumentPage
from connector.document import ROW_ID, Document
from connector.errors import UnexpectedResponseError

OPERATION = "operation"


def all_pages(docflo: DocfloClient, query: DocumentQuery) -> DocumentPage:
    """Read pages until one is empty or has nothing new: a short page may be a server's cap."""
    found: dict[str, Document] = {}
    skip, total = query.skip or 0, None
    while True:
        page = docflo.list_documents(query.page(skip))
        new = {document.id: document for document in page.documents if document.id not in found}
        total = page.total if total is None else total
        if not new:
            return DocumentPage(documents=tuple(found.values()), total=len(found) if total is None else total)
        found.update(new)
        skip += len(page.rows)


def read_fields(arguments: Sequence[str], json_file: str | None) -> dict[str, WriteValue]:
    """Give the fields to set, from NAME=VALUE arguments or from a JSON object; one of the two.

    Raises: typer.BadParameter for anything else.
    """
    if bool(arguments) == (json_file is not None):
        raise typer.BadParameter("give either NAME=VALUE arguments or --json FILE")
    raw = _from_arguments(arguments) if json_file is None else json_object(_text_of(json_file), "--json")
    if not raw:
        raise typer.BadParameter("there is no field to set")
    return {name: write_value(value, name) for name, value in raw.items()}


def json_object(text: str, option: str) -> dict[str, Any]:
    """Read a JSON object that was given for an option."""
    try:
        value = read_json(text.encode())
    except UnexpectedResponseError as error:
        raise typer.BadParameter(f"{option} is not JSON") from error
    if not isinstance(value, dict):
        raise typer.BadParameter(f"{option} must be a JSON object: {{…}}")
    return value


def write_value(value: Any, name: str) -> WriteValue:  # noqa: ANN401 any JSON
    """Give a value to send; rows with an operation become row changes."""
    match value:
        case Mapping():
            return {key: write_value(inner, f"{name}.{key}") for key, inner in value.items()}
        case list():
            return [_row(row, f"{name}[{place}]") for place, row in enumerate(value)]
        case _:
            scalar: WriteValue = value
            return scalar


def _row(value: object, name: str) -> "WriteValue | RowChange":
    if not isinstance(value, Mapping) or OPERATION not in value:
        return write_value(value, name)
    rest = {key: inner for key, inner in value.items() if key not in {OPERATION, ROW_ID}}
    fields = {key: write_value(inner, f"{name}.{key}") for key, inner in rest.items()}
    operation, row_id = value[OPERATION], value.get(ROW_ID)
    if operation == "create" and row_id is None:
        return CreateRow(fields=fields)
    if operation == "update" and isinstance(row_id, str):
        return UpdateRow(id=row_id, fields=fields)
    if operation == "delete" and isinstance(row_id, str) and not fields:
        return DeleteRow(id=row_id)
    raise typer.BadParameter(
        f"{name}: an operation is create (no _id), update (_id and fields) or delete (_id alone)"
    )


def _from_arguments(arguments: Sequence[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = argument.partition("=")
        if not equals or not name.strip():
            raise typer.BadParameter(f"expected NAME=VALUE, not {argument!r}")
        fields[name.strip()] = _json_or_text(text)
    return fields


def _json_or_text(text: str) -> Any:  # noqa: ANN401 any JSON
    try:
        return read_json(text.encode())
    except UnexpectedResponseError as error:
        # `[1, 2` was meant as JSON: stored as text it would be a surprise.
        if text.lstrip().startswith(("{", "[", '"')):
            raise typer.BadParameter(f"not JSON: {text}") from error
        return text


def _text_of(json_file: str) -> str:
    if json_file == "-":
        return sys.stdin.read()
    try:
        return Path(json_file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"--json: cannot read {json_file}") from error
