"""`init`: a first config.yaml and mapping, asking only what it must. ERPs: `init_erp.py`."""

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
Wrote {config} and what it names.

Next:
  1. export {exports}
  2. docflo-connector database upgrade{option}
  3. docflo-connector check{option}        # names what is missing, and what to do
  4. docflo-connector preview{option} {pipeline}
  5. docflo-connector sync{option}\
"""


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write config.yaml and mappings/.")] = Path(),
    tenant_id: Annotated[
        str, typer.Option(prompt="Docflo tenant id (Docflo: Integrations)", help="Docflo tenant id.")
    ] = "",
    domain: Annotated[
        str, typer.Option(help="My Domain or login address of the Salesforce org; asked for if missing.")
    ] = "",
    profile: Annotated[
        str,
        typer.Option(
            help="Instead of Salesforce: a shipped profile of a SOAP ERP, such as sap-bapi-invoice."
        ),
    ] = "",
    settings: Annotated[
        list[str],
        typer.Option("--set", help="A setting of the profile: address=https://...; else asked for."),
    ] = [],  # noqa: B006 typer reads it and never changes it
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="First day to carry documents from; today by default."),
    ] = None,
    base_url: Annotated[str, typer.Option(help="Docflo's address.")] = "https://api.docflo.ai",
) -> None:
    """Write a first config.yaml and a mapping to Salesforce, or to an ERP. Overwrites nothing."""
    config = folder / "config.yaml"
    day = (since or datetime.now(UTC)).date().isoformat()
    if profile:
        from connector.cli.init_erp import mapping_of, pipeline_of, write_erp_config

        _refuse(
            config, folder / "soap" / f"{profile}.yaml", folder / "mappings" / f"{mapping_of(profile)}.yaml"
        )
        secrets = write_erp_config(
            folder, profile, settings, tenant_id=tenant_id, base_url=base_url, since=day
        )
        pipeline = pipeline_of(profile)
    else:
        mapping = folder / "mappings" / "invoice-salesforce.yaml"
        _refuse(config, mapping)
        login = domain or typer.prompt("Salesforce My Domain, such as acme.my, or its full https:// address")
        _write_salesforce(config, mapping, login, tenant_id=tenant_id, base_url=base_url, since=day)
        secrets, pipeline = ["SF_CONSUMER_KEY", "SF_CONSUMER_SECRET"], "invoices-to-crm"
    exports = "  ".join(f"{name}=..." for name in ["DOCFLO_API_KEY", *secrets])
    option = "" if folder == Path() else f" --config {config}"
    typer.echo(_NEXT.format(config=config, exports=exports, option=option, pipeline=pipeline))


def _refuse(*paths: Path) -> None:
    there = [str(path) for path in paths if path.exists()]
    if there:
        typer.echo(
            f"error: {' and '.join(there)} exist(s); nothing was written.\n  remedy: name another folder",
            err=True,
        )
        raise typer.Exit(Exit.CONFIGURATION)


def _write_salesforce(
    config: Path, mapping: Path, domain: str, *, tenant_id: str, base_url: str, since: str
) -> None:
    from connector.shipped_files import shipped

    mapping.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        _CONFIG.substitute(
            base_url=base_url,
            tenant_id=f'"{tenant_id}"',
            login=f"login_url: {domain}" if "://" in domain else f"domain: {domain}",
            since=since,
        ),
        encoding="utf-8",
    )
    shutil.copy(shipped("mappings") / mapping.name, mapping)
