"""Calls of the strict ERP over real HTTP; every answer is held against the ERP's own schema."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from lxml import etree
from lxml.etree import _Element as Element

from connector.sandbox.erp.sandbox import PATH, ErpSandbox
from connector.sandbox.erp.service_files import FOLDER

ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:m="urn:sandbox-erp:messages" '
    'xmlns:p="urn:sandbox-erp:purchasing" xmlns:c="urn:sandbox-erp:common">'
    "<s:Header>{headers}</s:Header><s:Body>{call}</s:Body></s:Envelope>"
)
LINE = (
    "<p:line><p:lineNumber>1</p:lineNumber><p:account>4000</p:account><p:description>Paper</p:description>"
    "<p:quantity>2</p:quantity><p:unitPrice>50.00</p:unitPrice><p:amount>100.00</p:amount>{allocations}</p:line>"
)
INVOICE = (
    "<m:CreateVendorInvoice><m:invoice><p:ourReference>{reference}</p:ourReference><p:supplier>{supplier}</p:supplier>"
    "<p:supplierInvoiceNumber>{number}</p:supplierInvoiceNumber><p:kind>Invoice</p:kind>"
    "<p:invoiceDate>{date}</p:invoiceDate>{due}<p:currency>EUR</p:currency>"
    "<p:netTotal>{net}</p:netTotal><p:grossTotal>119.00</p:grossTotal><p:lines>{line}</p:lines>"
    "</m:invoice></m:CreateVendorInvoice>"
)
SCHEMA = etree.XMLSchema(etree.parse(FOLDER / "messages.xsd"))


@dataclass(kw_only=True)
class Clock:
    now: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def invoice(reference: str = "K-1", *, allocations: str = "", **changes: str) -> str:
    parts = {
        "supplier": "S-1",
        "number": "INV-7",
        "date": "2026-03-01",
        "due": "<p:paymentTerms>30D</p:paymentTerms>",
        "net": "100.00",
        "line": LINE.format(allocations=allocations),
    }
    return INVOICE.format(reference=reference, **{**parts, **changes})


@dataclass(kw_only=True)
class Desk:
    erp: ErpSandbox
    url: str
    clock: Clock
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=5))

    def post(self, call: str, headers: str = "", **extra: str) -> httpx.Response:
        sent = {
            "content-type": "text/xml; charset=utf-8",
            "soapaction": '"urn:sandbox-erp:service/X"',
            **extra,
        }
        content = ENVELOPE.format(headers=headers, call=call)
        return self.client.post(f"{self.url}{PATH}", content=content.encode(), headers=sent)

    def call(self, call: str, headers: str = "") -> Element:
        """Give the answer's element of a call that is answered 200."""
        response = self.post(call, headers)
        assert response.status_code == 200, response.text
        answer = etree.fromstring(response.content)[0][0]
        SCHEMA.assertValid(etree.fromstring(etree.tostring(answer)))
        return answer

    def find(self, reference: str = "K-1", operation: str = "FindVendorInvoices") -> list[str]:
        """Give the numbers found under a reference."""
        criteria = f"<m:criteria><m:ourReference>{reference}</m:ourReference></m:criteria>"
        answer = self.call(f"<m:{operation}>{criteria}</m:{operation}>")
        return [str(number.text) for number in answer.findall(".//{*}stored/{*}id/{*}number")]

    def id_call(self, operation: str, number: str = "VI-000001") -> str:
        found = f"<m:id><p:number>{number}</p:number><p:fiscalYear>2026</p:fiscalYear></m:id>"
        return f"<m:{operation}>{found}</m:{operation}>"


def code(answer: Element) -> str:
    return str(answer.findtext("{*}result/{*}code"))


def fault(response: httpx.Response) -> tuple[int, str, str]:
    """Give status, fault code and the ERP's own code of a fault."""
    found = etree.fromstring(response.content).find(".//{*}Fault")
    own = found.findtext("detail/{*}ErpFault/{*}code") or ""
    return response.status_code, found.findtext("faultcode"), own
