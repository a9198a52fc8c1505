"""`init`: a first config.yaml and mapping, asking only what it must."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from connector.cli.exits import Exit

_CONFIG = Template("""\
# docflo-connector. Every key there is, with its meaning: config.example.yaml and docs/configuration.md.
# Secrets are references: $${env:NAME} or $${file:/path/to/file}, never the value itself.

docflo:
  base_url: $base_url
  tenant_id: $tenant_id
  api_key: $${env:DOCFLO_API_KEY}

database: sqlite:///connector.db

targets:
  crm:
    adapter: salesforce
    $login
    consumer_key: $${env:SF_CONSUMER_KEY}
    consumer_secret: $${env:SF_CONSUMER_SECRET}

pipelines:
  invoices-to-crm:
    documents: {types: [invoice], statuses: [APPROVED], since: $since}
    mapping: mappings/invoice-salesforce.yaml
    target: crm
    # What Docflo is told once Salesforce has the record. The fields must exist on the document type.
    # write_back:
    #   delivered:
    #     fields: {ErpId: receipt.id, ErpUrl: receipt.url, SyncedOn: today()}
    #     status: CONFIRMED
""")

_NEXT = """\
Wrote {config} and {mapping}.

Next:
  1. export DOCFLO_API_KEY=...  SF_CONSUMER_KEY=...  SF_CONSUMER_SECRET=...
  2. docflo-connector database upgrade{option}
  3. docflo-connector check{option}        # names what is missing, and what to do
  4. docflo-connector preview invoices-to-crm{option}
  5. docflo-connector sync{option}\
"""


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write config.yaml and mappings/.")] = Path(),
    tenant_id: Annotated[
        str, typer.Option(prompt="Docflo tenant id (Docflo: Integrations)", help="Docflo tenant id.")
    ] = "",
    domain: Annotated[
        str,
        typer.Option(
            prompt="Salesforce My Domain, such as acme.my, or its full https:// address",
            help="My Domain or login address of the org.",
        ),
    ] = "",
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day to carry documents from; today by default."),
    ] = None,
    base_url: Annotated[str, typer.Option(help="Docflo's address.")] = "https://api.docflo.ai",
) -> None:
    """Write a first config.yaml and a mapping from invoices to Salesforce. Overwrites nothing."""
    from connector.shipped_files import shipped

    config = folder / "config.yaml"
    mapping = folder / "mappings" / "invoice-salesforce.yaml"
    there = [str(path) for path in (config, mapping) if path.exists()]
    if there:
        typer.echo(
            f"error: {' and '.join(there)} exist(s); nothing was written.\n  remedy: name another folder",
            err=True,
        )
        raise typer.Exit(Exit.CONFIGURATION)
    mapping.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        _CONFIG.substitute(
            base_url=base_url,
            tenant_id=f'"{tenant_id}"',
            login=f"login_url: {domain}" if "://" in domain else f"domain: {domain}",
            since=(since or datetime.now(UTC)).date().isoformat(),
        ),
        encoding="utf-8",
    )
    shutil.copy(shipped("mappings") / "invoice-salesforce.yaml", mapping)
    option = "" if folder == Path() else f" --config {config}"
    typer.echo(_NEXT.format(config=config, mapping=mapping, option=option))
