"""Both sandboxes on loopback, and a configuration that points at them. Shared by `demo` and `sandbox`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from connector.clock import utc_now
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.docflo.demo import demo_documents
from connector.sandbox.salesforce.sandbox import SalesforceSandbox
from connector.sandbox.server import SandboxServer
from connector.shipped_files import shipped

TENANT = "sandbox-tenant"
SECRETS = {
    "docflo-api-key": "sandbox-key",
    "salesforce-consumer-key": "sandbox-consumer",
    "salesforce-consumer-secret": "sandbox-secret",
}

_CONFIG = """\
# Points at the sandbox on this machine. The shape is that of config.example.yaml.
docflo:
  base_url: {docflo}
  tenant_id: {tenant}
  api_key: ${{file:secrets/docflo-api-key}}

database: sqlite:///connector.db

web: {{port: 0}}  # any free one; the log of `run` tells it

targets:
  crm:
    adapter: salesforce
    login_url: {salesforce}
    consumer_key: ${{file:secrets/salesforce-consumer-key}}
    consumer_secret: ${{file:secrets/salesforce-consumer-secret}}

pipelines:
  invoices-to-crm:
    documents: {{types: [invoice], statuses: [APPROVED], since: {since}}}
    mapping: mappings/invoice-salesforce.yaml
    target: crm
    write_back:
      delivered:
        fields: {{ErpId: receipt.id, ErpUrl: receipt.url, SyncedOn: today()}}
        status: CONFIRMED
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sandboxes:
    """The two servers, and the data behind them."""

    docflo: DocfloSandbox
    docflo_url: str
    salesforce: SalesforceSandbox
    salesforce_url: str


@contextmanager
def sandboxes(
    *, docflo_port: int = 0, salesforce_port: int = 0, docflo: DocfloSandbox | None = None
) -> Iterator[Sandboxes]:
    """Start a Docflo, by default with the demo's documents, and an empty Salesforce; stop them at the end."""
    docflo = docflo or DocfloSandbox(tenant_id=TENANT, documents=demo_documents(utc_now()))
    salesforce = SalesforceSandbox()
    with (
        SandboxServer(docflo.app, port=docflo_port) as docflo_server,
        SandboxServer(salesforce.app, port=salesforce_port) as salesforce_server,
    ):
        yield Sandboxes(
            docflo=docflo,
            docflo_url=docflo_server.url,
            salesforce=salesforce,
            salesforce_url=salesforce_server.url,
        )


def write_sandbox_config(folder: Path, running: Sandboxes) -> Path:
    """Write config.yaml, its secrets and the invoice mapping into `folder`; give the config's path."""
    secrets = folder / "secrets"
    secrets.mkdir(parents=True, exist_ok=True)
    for name, value in SECRETS.items():
        (secrets / name).write_text(value + "\n", encoding="utf-8")
    mappings = folder / "mappings"
    mappings.mkdir(exist_ok=True)
    shutil.copy(shipped("mappings") / "invoice-salesforce.yaml", mappings)
    path = folder / "config.yaml"
    path.write_text(
        _CONFIG.format(
            docflo=running.docflo_url,
            salesforce=running.salesforce_url,
            tenant=TENANT,
            since=(utc_now() - timedelta(days=60)).date(),
        ),
        encoding="utf-8",
    )
    return path
