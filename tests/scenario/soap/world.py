"""A Docflo, an ERP behind a proxy that breaks things, and a configuration between them."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from starlette.types import ASGIApp

from connector.cli.bar import Bar
from connector.cli.cycle import Cycle, run_cycle
from connector.cli.sandbox_setup import TENANT
from connector.cli.session import open_session, upgrade_quietly
from connector.clock import utc_now
from connector.ledger.delivery import Delivery, State
from connector.record import record_key
from connector.sandbox.docflo import SandboxDocument, generate_documents
from connector.sandbox.docflo.app import DocfloSandbox
from connector.sandbox.erp.rpc.sandbox import RPC_PATH, RPC_WSDL, RpcErpSandbox
from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.proxy.server import FaultProxy
from connector.sandbox.server import SandboxServer
from connector.shipped_files import shipped
from connector.wiring import connect
from tests.factories import HandClock

PIPELINE = "invoices-to-erp"
HOUR = timedelta(hours=1)
NOT_DELIVERED = frozenset({State.PENDING, State.DEAD, State.SKIPPED})
HAS_IT = frozenset({State.DELIVERED, State.COMPLETED})
CONFIG = """\
docflo: {{base_url: "{docflo}", tenant_id: {tenant}, api_key: "${{file:key}}"}}
database: sqlite:///connector.db
targets:
  erp:
    adapter: soap
    profile: soap/{profile}.yaml
    settings: {settings}
    secrets: {secrets}
pipelines:
  {pipeline}:
    documents: {{types: [invoice], statuses: [APPROVED], since: {since}}}
    mapping: mappings/{mapping}.yaml
    target: erp
    halt_after: 0
    in_doubt: {{settle: 30s}}
    write_back: {{delivered: {{status: CONFIRMED, fields: {{ErpId: receipt.id}}}}}}
"""


class AnyErp(Protocol):
    """What both ERPs show to a test."""

    @property
    def app(self) -> ASGIApp: ...

    def rows_by_key(self, kind: str = "invoice") -> Counter[str]: ...


@dataclass(kw_only=True)
class Kind:
    """One of the ERPs with the shipped profile for it."""

    erp: AnyErp
    path: str
    profile: str
    mapping: str
    create: str  # the operation that creates
    settings: str
    secrets: str = "{}"
    edits: dict[str, list[tuple[str, str]]] = field(default_factory=dict)  # file -> old, new


def strict(erp: ErpSandbox | None = None) -> Kind:
    return Kind(
        erp=erp or ErpSandbox(),
        path=PATH,
        profile="sandbox-erp-invoice",
        mapping="invoice-erp",
        create="CreateVendorInvoice",
        settings='{{address: "{address}", account: "4000", payment_terms: 30D}}',
        edits={
            "soap/sandbox-erp-invoice.yaml": [
                ("{connect: 5, read: 10, deadline: 20}", "{connect: 5, read: 1, deadline: 2}"),
            ]
        },
    )


def sloppy(erp: RpcErpSandbox | None = None) -> Kind:
    """Give the rpc/encoded ERP in the names of Dolibarr, with the shipped profile for that."""
    return Kind(
        erp=erp or RpcErpSandbox(namespace="http://www.dolibarr.org/ns/"),
        path=RPC_PATH,
        profile="dolibarr-invoice",
        mapping="customer-invoice-erp",
        create="createInvoice",
        settings='{{address: "{address}"}}',
        secrets='{key: "${file:erp-key}", login: "${file:erp-login}", password: "${file:erp-password}"}',
        edits={
            "soap/dolibarr-invoice.yaml": [
                ('{url: "${settings.address}?wsdl"}', "{file: wsdl/rpc.wsdl}"),
                ("{connect: 10, read: 60, deadline: 90}", "{connect: 5, read: 1, deadline: 2}"),
            ],
            # The generated documents have no customer, and their lines say nothing of the tax.
            "mappings/customer-invoice-erp.yaml": [
                ("Party: {from: CustomerId,", "Party: {from: VendorTaxId,"),
                ("Total: {from: InvoiceTotal.amount,", "Total: {from: SubTotal.amount,"),
                ("InvoiceTotal: {amount", "SubTotal: {amount"),
                ("CustomerId:", "VendorTaxId:"),
            ],
        },
    )


def invoices(number: int, *, seed: str = "soap") -> list[SandboxDocument]:
    """Make approved invoices that both ERPs can take as they are."""
    made = generate_documents(number * 20, seed=seed, now=utc_now())
    return [document for document in made if _is_plain(document.fields)][:number]


def _is_plain(fields: Mapping[str, Any]) -> bool:
    def amounts() -> Iterator[Decimal]:
        yield from (fields[name]["value"]["amount"] for name in ("SubTotal", "TotalTax", "InvoiceTotal"))
        for row in fields["Items"]["value"]:
            price, quantity = row["UnitPrice"]["value"]["amount"], row["Quantity"]["value"]
            amount = row["Amount"]["value"]["amount"]
            yield from (price, amount, *([] if price * quantity == amount else [Decimal("0.001")]))

    try:
        found = list(amounts())
    except (KeyError, TypeError):
        return False
    identified = fields.get("VendorTaxId", {}).get("value") and fields["InvoiceId"]["value"]
    rows = fields["Items"]["value"]
    total = sum((row["Amount"]["value"]["amount"] for row in rows), Decimal(0))
    return bool(identified and rows and total == fields["SubTotal"]["value"]["amount"]) and all(
        amount == amount.quantize(Decimal("0.01")) for amount in found
    )


@dataclass(kw_only=True)
class World:
    """Everything that runs, and the questions that a test asks."""

    kind: Kind
    docflo: DocfloSandbox
    proxy: FaultProxy
    config: Path
    clock: HandClock

    def key(self, document_id: str) -> str:
        return record_key(TENANT, PIPELINE, document_id)

    def rows(self, document_id: str) -> int:
        return self.kind.erp.rows_by_key()[self.key(document_id)]

    def cycle(self, *, full: bool = False) -> Cycle:
        """Run one cycle as `sync` does, in a process that was just started."""
        with connect(open_session(self.config), clock=self.clock) as connector:
            return run_cycle(connector, full=full, bar=Bar("test"))

    def deliveries(self) -> dict[str, Delivery]:
        with connect(open_session(self.config), clock=self.clock) as connector:
            return {delivery.document_id: delivery for delivery in connector.store.find(limit=1000)}

    def wait_for_the_erp(self, wanted: Callable[[], bool]) -> None:
        """Let work end that goes on without its caller: the settle time promises as much."""
        end = time.monotonic() + 20
        while not wanted() and time.monotonic() < end:
            time.sleep(0.02)

    def assert_honest(self) -> None:
        """Require that nothing is there twice, and that the ledger says nothing that is not so."""
        for document_id, delivery in self.deliveries().items():
            rows = self.rows(document_id)
            assert rows <= 1, f"{document_id} is there {rows} times"
            assert not (delivery.state in HAS_IT and rows == 0), f"{document_id}: delivered, and no row"
            assert not (delivery.state in NOT_DELIVERED and rows), (
                f"{document_id}: {delivery.state}, with a row"
            )


@contextmanager
def soap_world(folder: Path, kind: Kind, documents: list[SandboxDocument]) -> Iterator[World]:
    """Start everything and write the configuration."""
    docflo = DocfloSandbox(tenant_id=TENANT, documents=documents, rate_limit=None)
    with (
        SandboxServer(docflo.app) as docflo_server,
        SandboxServer(kind.erp.app) as erp_server,
        FaultProxy(erp_server.url) as proxy,
    ):
        config = _write(folder, kind, docflo_server.url, proxy.url + kind.path)
        upgrade_quietly(config)
        yield World(kind=kind, docflo=docflo, proxy=proxy, config=config, clock=HandClock(now=utc_now()))


def _write(folder: Path, kind: Kind, docflo_url: str, address: str) -> Path:
    for name in ("soap", "mappings"):
        shutil.copytree(shipped(name), folder / name)
    (folder / "soap/wsdl").mkdir(exist_ok=True)
    (folder / "soap/wsdl/rpc.wsdl").write_text(dolibarr_wsdl(), encoding="utf-8")
    for name, edits in kind.edits.items():
        edit(folder / name, edits)
    secrets = {"key": "sandbox-key", "erp-key": "sandbox-key", "erp-login": "erp-user"}
    for name, value in {**secrets, "erp-password": "erp-password"}.items():
        (folder / name).write_text(value + "\n", encoding="utf-8")
    config = folder / "config.yaml"
    config.write_text(
        CONFIG.format(
            docflo=docflo_url,
            tenant=TENANT,
            profile=kind.profile,
            mapping=kind.mapping,
            pipeline=PIPELINE,
            settings=kind.settings.format(address=address),
            secrets=kind.secrets,
            since=(utc_now() - timedelta(days=60)).date(),
        ),
        encoding="utf-8",
    )
    return config


def edit(path: Path, edits: list[tuple[str, str]]) -> None:
    """Replace texts of a file; each must be there."""
    text = path.read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, f"{path.name} has no {old!r}"
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def dolibarr_wsdl() -> str:
    """Give our own WSDL in the names that Dolibarr documents: not a copy of theirs."""
    text = RPC_WSDL.read_text(encoding="utf-8").replace("urn:sandbox-erp:rpc", "http://www.dolibarr.org/ns/")
    text = text.replace('name="key"', 'name="dolibarrkey"')
    return text.replace("SandboxRpcErp", "WebServicesDolibarrInvoice")
