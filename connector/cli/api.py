"""`api …`: every endpoint of Docflo as a command, to look things up and to put things right by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connector.cli.api_options import (
    FileArgument,
    FolderOption,
    IdArgument,
    QueryArgument,
    ScoreOption,
    SortOrder,
    TimeOption,
    TypeArgument,
    TypesOption,
)
from connector.cli.options import DEFAULT_CONFIG, ConfigOption, Output, OutputOption

if TYPE_CHECKING:
    from connector.docflo.client import DocfloClient

app = typer.Typer(
    help="Docflo's API, one command an endpoint. Uses the `docflo` section of the configuration.",
    no_args_is_help=True,
)


@contextmanager
def _docflo(config: Path) -> Iterator["DocfloClient"]:
    from connector.cli.session import open_session
    from connector.sight import docflo_by_hand

    with docflo_by_hand(open_session(config)) as client:
        yield client


@app.command("list")
def list_(
    type_: Annotated[str | None, typer.Option("--type", help="Only this document type.")] = None,
    skip: Annotated[int | None, typer.Option(min=0, help="Leave out so many from the start.")] = None,
    top: Annotated[int | None, typer.Option(min=1, help="At most so many a page.")] = None,
    source: Annotated[str | None, typer.Option(help="Only from this source.")] = None,
    search: Annotated[str | None, typer.Option(help="Only with these words in them.")] = None,
    status: Annotated[str | None, typer.Option(help="Only with this status.")] = None,
    sort_by: Annotated[str | None, typer.Option(help="Sort by this field, as Docflo calls it.")] = None,
    sort_order: Annotated[SortOrder | None, typer.Option(help="Which end first.")] = None,
    created_from: TimeOption = None,
    created_to: TimeOption = None,
    favorite: Annotated[bool, typer.Option("--favorite", help="Only favorites.")] = False,
    my_approvals: Annotated[bool, typer.Option("--my-approvals", help="Only those for you.")] = False,
    approver_id: Annotated[str | None, typer.Option(help="Only those for this approver.")] = None,
    include_results: Annotated[bool, typer.Option("--include-results", help="With the fields.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="Read every page, not the first only.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """List documents: one page, or all of them.

    Example: docflo-connector api list --type invoice --status APPROVED --all
    """
    from connector.cli import api_show, api_values
    from connector.docflo.outgoing import DocumentQuery

    query = DocumentQuery(
        type=type_,
        skip=skip,
        top=top,
        source=source,
        search=search,
        status=status,
        sort_by=sort_by,
        sort_order=None if sort_order is None else sort_order.value,
        created_from=created_from,
        created_to=created_to,
        favorite=favorite,
        my_approvals=my_approvals,
        approver_id=approver_id,
        include_results=include_results,
    )
    with _docflo(config) as docflo:
        page = api_values.all_pages(docflo, query) if everything else docflo.list_documents(query)
    api_show.page(page, output)


@app.command("create")
def create(
    file: FileArgument,
    type_: Annotated[str | None, typer.Option("--type", help="The type, if Docflo need not guess.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Upload a document for processing. Sent twice, it is stored twice.

    Example: docflo-connector api create invoice.pdf --type invoice
    """
    from connector.cli import api_show

    with _docflo(config) as docflo, file.open("rb") as content, api_show.progress(file) as progress:
        uploaded = docflo.create_document(content, file.name, type_, progress)
    api_show.uploaded(uploaded, output)


@app.command("document")
def document(
    document_id: IdArgument, config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE
) -> None:
    """Show one document with its fields.

    Example: docflo-connector api document 68befa1fe9a9f9a3327627c9 --output json
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        found = docflo.document(document_id)
    api_show.document(found, output)


@app.command("analyze")
def analyze(
    file: FileArgument,
    type_: Annotated[str, typer.Option("--type", help="Which type to read it as.")],
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Read a file's fields without storing it in Docflo.

    Example: docflo-connector api analyze invoice.pdf --type invoice
    """
    from connector.cli import api_show

    with _docflo(config) as docflo, file.open("rb") as content, api_show.progress(file) as progress:
        fields = docflo.analyze(content, file.name, type_, progress)
    api_show.analysis(file.name, fields, output)


@app.command("original")
def original(
    document_id: IdArgument,
    folder: FolderOption = Path(),
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Save the file that was uploaded.

    Example: docflo-connector api original 68befa1fe9a9f9a3327627c9 --folder originals
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        saved = docflo.download_original(document_id, folder)
    api_show.download(saved, output)


@app.command("email")
def email(
    document_id: IdArgument,
    folder: FolderOption = Path(),
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Save the e-mail that brought the document, where it came by mail.

    Example: docflo-connector api email 68befa1fe9a9f9a3327627c9 --folder mails
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        saved = docflo.download_email(document_id, folder)
    api_show.download(saved, output)


@app.command("model-field")
def model_field(
    document_type: Annotated[str, typer.Argument(metavar="TYPE", help="The document type.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="The field, as Docflo shall call it.")],
    type_: Annotated[str, typer.Option("--type", help="The field's data type: string, currency, …")],
    visible: Annotated[bool | None, typer.Option("--visible/--hidden", help="Whether people see it.")] = None,
    extraction_method: Annotated[str | None, typer.Option(help="How it is filled, such as ai.")] = None,
    extraction_settings: Annotated[str | None, typer.Option(metavar="JSON", help="A JSON object.")] = None,
    field: Annotated[list[str] | None, typer.Option("--field", help="Inner field; may be repeated.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Add a field to a document type, or change one. Everyone in the tenant sees it.

    Example: docflo-connector api model-field invoice ErpId --type string --visible
    """
    from connector.cli import api_show, api_values
    from connector.docflo.outgoing import ModelField

    change = ModelField(
        type=type_,
        visible=visible,
        extraction_method=extraction_method,
        extraction_settings=None
        if extraction_settings is None
        else api_values.json_object(extraction_settings, "--extraction-settings"),
        fields=tuple(field) if field else None,
    )
    with _docflo(config) as docflo:
        docflo.update_model_field(document_type, name, change)
    api_show.done(
        f"The field {name} of {document_type} is set.", {"type": document_type, "name": name}, output
    )


@app.command("update-fields")
def update_fields(
    document_id: IdArgument,
    values: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=VALUE]…", help="VALUE is JSON, or else text.")
    ] = None,
    json_file: Annotated[
        str | None,
        typer.Option("--json", metavar="FILE", help="A JSON object of fields; - is standard input."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Set fields of a document; rows are created, updated and deleted with an "operation" in JSON.

    Example: docflo-connector api update-fields 68be ErpId=A-17 'Items=[{"operation": "delete", "_id": "7"}]'

    A number that shall stay text is quoted twice: 'InvoiceId="0815"'.
    """
    from connector.cli import api_show, api_values

    fields = api_values.read_fields(values or [], json_file)
    with _docflo(config) as docflo:
        docflo.update_fields(document_id, fields)
    names = ", ".join(fields)
    api_show.done(f"Set in {document_id}: {names}.", {"id": document_id, "fields": list(fields)}, output)


@app.command("update-status")
def update_status(
    document_id: IdArgument,
    status: Annotated[str, typer.Argument(metavar="STATUS", help="Such as APPROVED, in capitals.")],
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Set the status of a document.

    Example: docflo-connector api update-status 68befa1fe9a9f9a3327627c9 REQUIRES_VALIDATION
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        docflo.update_status(document_id, status)
    api_show.done(f"{document_id} is {status}.", {"id": document_id, "status": status}, output)


@app.command("info")
def info(
    document_id: IdArgument, config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE
) -> None:
    """Show what Docflo tells of a document besides its fields: its status first of all.

    Example: docflo-connector api info 68befa1fe9a9f9a3327627c9 --output json
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        told = docflo.info(document_id)
    api_show.info(told, output)


@app.command("types")
def types(config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE) -> None:
    """List the document types that the tenant uses.

    Example: docflo-connector api types
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        enabled = docflo.enabled_types()
    api_show.types(enabled, output)


@app.command("type")
def type_configuration(
    name: TypeArgument,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show a document type's fields: the names that a mapping and update-fields use.

    Example: docflo-connector api type invoice
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        configuration = docflo.type_configuration(name)
    api_show.type_fields(configuration, output)


@app.command("search")
def search(
    query: QueryArgument,
    score_threshold: ScoreOption = Decimal("0.7"),
    type_: TypesOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Find documents by what they mean.

    Example: docflo-connector api search "office chairs" --score-threshold 0.8 --type invoice
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        hits = docflo.ai_search(query, score_threshold, type_ or [])
    api_show.hits(hits, output)


@app.command("ask")
def ask(
    query: QueryArgument,
    type_: TypesOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Ask Docflo's assistant about the documents.

    Example: docflo-connector api ask "what did we spend on paper in May?" --type invoice
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        answer = docflo.ai_ask(query, type_ or [])
    api_show.answer(answer, output)


@app.command("logs")
def logs(
    type_: Annotated[str | None, typer.Option("--type", help="Such as error.")] = None,
    area: Annotated[str | None, typer.Option(help="Such as document-processing.")] = None,
    sub_area: Annotated[str | None, typer.Option(help="A part of the area.")] = None,
    message: Annotated[str | None, typer.Option(help="Words in the message.")] = None,
    metadata: Annotated[str | None, typer.Option(metavar="JSON", help="A JSON object.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show entries of Docflo's log; the key needs the right to /logs.

    Example: docflo-connector api logs --type error --area document-processing
    """
    from connector.cli import api_show, api_values
    from connector.docflo.outgoing import LogQuery

    if metadata is not None:
        api_values.json_object(metadata, "--metadata")
    query = LogQuery(type=type_, area=area, sub_area=sub_area, message=message, metadata=metadata)
    with _docflo(config) as docflo:
        entries = docflo.logs(query)
    api_show.logs(entries, output)


@app.command("guest-token")
def guest_token(config: ConfigOption = DEFAULT_CONFIG, output: OutputOption = Output.TABLE) -> None:
    """Make a token for temporary access and print it: whoever has it can look in.

    Example: docflo-connector api guest-token
    """
    from connector.cli import api_show

    with _docflo(config) as docflo:
        token = docflo.guest_token()
    api_show.token(token, output)
