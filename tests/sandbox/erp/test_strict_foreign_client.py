"""The strict ERP as a SOAP library of others meets it: the WSDL from the server, typed calls, tokens."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from zeep import Client
from zeep.exceptions import Fault
from zeep.wsse.username import UsernameToken

from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.erp.service_files import FOLDER
from connector.sandbox.server import SandboxServer

INVOICE: dict[str, Any] = {
    "ourReference": "K-1",
    "supplier": "S-1",
    "supplierInvoiceNumber": "INV-7",
    "kind": "Invoice",
    "invoiceDate": date(2026, 3, 1),
    "dueDate": date(2026, 4, 1),
    "currency": "EUR",
    "grossTotal": Decimal("119.00"),
    "lines": {"line": [{"lineNumber": 1, "account": "4000", "description": "Paper", "amount": Decimal(100)}]},
}


@pytest.fixture
def erp() -> Iterator[tuple[ErpSandbox, str]]:
    erp = ErpSandbox()
    with SandboxServer(erp.app) as server:
        yield erp, f"{server.url}{PATH}?wsdl"


def test_the_wsdl_and_its_imports_come_from_the_server(erp: tuple[ErpSandbox, str]) -> None:
    client = Client(erp[1])

    answer = client.service.CreateVendorInvoice(invoice=INVOICE)
    found = client.service.FindVendorInvoices(criteria={"ourReference": "K-1"})

    assert (answer.result.code, answer.id.number, answer.id.fiscalYear) == ("OK", "VI-000001", 2026)
    assert found.invoices.stored[0].invoice.grossTotal == Decimal("119.00")


def test_the_file_names_a_host_that_nobody_outside_knows() -> None:
    client = Client(str(FOLDER / "erp.wsdl"))

    assert client.service._binding_options["address"] == "http://erp.internal/erp/soap"  # noqa: SLF001 zeep shows it nowhere else


@pytest.mark.parametrize("digest", [False, True], ids=["text", "digest"])
def test_a_user_name_token_is_accepted(erp: tuple[ErpSandbox, str], digest: bool) -> None:  # noqa: FBT001
    sandbox, wsdl = erp
    sandbox.behave(login="wsse")
    token = UsernameToken("erp-user", "erp-password", use_digest=digest, created=datetime.now(UTC))

    Client(wsdl, wsse=token).service.CreateVendorInvoice(invoice=INVOICE)

    assert len(sandbox.rows()) == 1


@pytest.mark.parametrize("digest", [False, True], ids=["text", "digest"])
def test_a_wrong_user_name_token_is_refused(erp: tuple[ErpSandbox, str], digest: bool) -> None:  # noqa: FBT001
    sandbox, wsdl = erp
    sandbox.behave(login="wsse")
    client = Client(
        wsdl, wsse=UsernameToken("erp-user", "wrong", use_digest=digest, created=datetime.now(UTC))
    )

    with pytest.raises(Fault, match="could not be authenticated"):
        client.service.CreateVendorInvoice(invoice=INVOICE)

    assert sandbox.rows() == ()


def test_a_token_without_the_timestamp_that_is_asked_for_is_refused(erp: tuple[ErpSandbox, str]) -> None:
    sandbox, wsdl = erp
    sandbox.behave(login="wsse", wsse_timestamp=True)

    with pytest.raises(Fault):
        Client(wsdl, wsse=UsernameToken("erp-user", "erp-password")).service.CreateVendorInvoice(
            invoice=INVOICE
        )

    assert sandbox.rows() == ()
