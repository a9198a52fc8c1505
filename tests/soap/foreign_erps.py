"""ERPs that speak SOAP in ways of their own, each strict about it. Their rows are what was really created.

They check what they get with the schema itself where the message is literal, and by the rules of SOAP 1.1
section 5 where it is encoded; nothing of the connector is used to do so.
"""

import base64
import json
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from lxml import etree

from tests.soap.tiny import Request, Response, envelope

FOLDER = Path(__file__).parent / "foreign"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
XS = "{http://www.w3.org/2001/XMLSchema}"
XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
ENC = "{http://schemas.xmlsoap.org/soap/encoding/}"


class RefusedError(Exception):
    """What the ERP does not take, and why."""


@dataclass
class Foreign(ABC):
    """What all of them have: rows by key, and a way to lose or replace the next answer to a create."""

    rows: dict[str, list[Decimal]] = field(default_factory=dict)
    instead: Callable[[bytes], Response] | None = None  # of the answer to the next create, which takes place
    refuse: Response | None = None  # the next create, which does not
    refusals: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Response:
        try:
            return self._answer(request)
        except (RefusedError, AssertionError, StopIteration) as error:
            self.refusals.append(str(error) or traceback.format_exc())
            return self.sent(
                f"<s:Fault><faultcode>s:Client</faultcode><faultstring>{error}</faultstring></s:Fault>", 500
            )

    def _answer(self, request: Request) -> Response:
        root = etree.fromstring(request.body)
        body = next(node for node in root if etree.QName(node).localname == "Body")
        call = etree.fromstring(etree.tostring(body[0]))
        name = etree.QName(call).localname
        self.check(request, root, call)
        if name not in CREATES:
            return self.sent(self.find(call))
        if self.refuse is not None:
            refused, self.refuse = self.refuse, None
            return refused
        content = self.add(call, str(sum(map(len, self.rows.values())) + 1))
        instead, self.instead = self.instead, None
        sent = self.sent(content)
        return sent if instead is None else instead(sent.body)

    def sent(self, content: str, status: int = 200) -> Response:
        return Response(status, envelope(content), {"Content-Type": "text/xml; charset=utf-8"})

    @abstractmethod
    def check(self, request: Request, root: Any, call: Any) -> None: ...

    @abstractmethod
    def add(self, call: Any, number: str) -> str: ...

    @abstractmethod
    def find(self, call: Any) -> str: ...

    def row(self, key: str, total: str) -> None:
        self.rows.setdefault(key, []).append(Decimal(total))


CREATES = frozenset({"save", "post", "Book", "AddInvoice"})


def _fits(schema: etree.XMLSchema, call: Any) -> None:
    if not schema.validate(call):
        raise RefusedError(str(schema.error_log[0].message))


class Ledger(Foreign):
    """Document/literal: an abstract type, elements that stand for others, any, recursion."""

    schema = etree.XMLSchema(etree.parse(FOLDER / "records/types/messages.xsd"))

    def check(self, request: Request, _root: Any, call: Any) -> None:
        assert request.headers["SOAPAction"] == f'"urn:{etree.QName(call).localname}"'
        _fits(self.schema, call)

    def add(self, call: Any, number: str) -> str:
        record = call.find("{*}record")
        assert record.find("{*}due").get(f"{XSI}nil") == "true"
        assert call.findtext("{urn:ledger:purchases}supplier/{*}id")
        assert call.findtext("{urn:extra}tag/{urn:extra}source") == "docflo"
        self.row(record.get("externalId"), record.findtext("{*}total"))
        return (
            f'<m:saveResponse xmlns:m="urn:ledger:messages"><m:status isSuccess="true"/>'
            f"<m:internalId>{number}</m:internalId></m:saveResponse>"
        )

    def find(self, call: Any) -> str:
        found = "".join(
            f'<m:found internalId="{at}"><m:record xmlns:p="urn:ledger:purchases" xmlns:i="{XSI[1:-1]}" '
            f'i:type="p:Bill"><p:total currency="EUR">{total}</p:total></m:record></m:found>'
            for at, total in enumerate(self.rows.get(call.findtext("{*}externalId"), ()), 1)
        )
        return f'<m:findResponse xmlns:m="urn:ledger:messages">{found}</m:findResponse>'


class Posting(Foreign):
    """rpc/encoded: every value names its type, every array its length."""

    def check(self, _request: Request, _root: Any, call: Any) -> None:
        assert call.tag.startswith("{urn:posting}")
        assert call.get("{http://schemas.xmlsoap.org/soap/envelope/}encodingStyle") == ENC[1:-1]
        for node in call.iterdescendants():
            if node.get(f"{XSI}nil") == "true":
                continue
            if node.get(f"{XSI}type") is None:
                raise RefusedError(f"{node.tag} names no type")
            count = node.get(f"{ENC}arrayType")
            if count is not None and not count.endswith(f"[{len(node)}]"):
                raise RefusedError(f"{node.tag} says {count} and has {len(node)}")

    def add(self, call: Any, number: str) -> str:
        document, extra = etree.fromstring(call.findtext("document")), json.loads(call.findtext("extra"))
        assert [node.text for node in call.find("tags")] == ["new", "EUR"]
        assert [node.tag for node in call.find("lines")] == ["line"] * len(document.findall("LINE"))
        assert extra["memo"] == "a & b"
        assert document.get("number") == self.keys(call)["NUM"]
        self.row(self.keys(call)["KEY"], document.findtext("TOTAL"))
        return f'<p:postResponse xmlns:p="urn:posting"><postReturn>{number}</postReturn></p:postResponse>'

    def find(self, call: Any) -> str:
        found = "".join(
            f"<item>{at}</item>" for at, _ in enumerate(self.rows.get(self.keys(call)["KEY"], ()), 1)
        )
        return f'<p:queryResponse xmlns:p="urn:posting"><queryReturn>{found}</queryReturn></p:queryResponse>'

    def keys(self, call: Any) -> Mapping[str, str]:
        return {entry.findtext("name"): entry.findtext("value") for entry in call.find("keys")}


def modern_fault(subcode: str, text: str, blame: str = "Receiver") -> Response:
    content = (
        f"<s:Fault><s:Code><s:Value>s:{blame}</s:Value><s:Subcode><s:Value xmlns:e='urn:booking'>e:{subcode}"
        f"</s:Value></s:Subcode></s:Code><s:Reason><s:Text xml:lang='en'>{text}</s:Text></s:Reason></s:Fault>"
    )
    return Response(500, _envelope_12(content), {"Content-Type": "application/soap+xml; charset=utf-8"})


def _envelope_12(content: str) -> bytes:
    return f'<s:Envelope xmlns:s="{SOAP_12}"><s:Body>{content}</s:Body></s:Envelope>'.encode()


def _schema_of(wsdl: Path, namespace: str) -> etree.XMLSchema:
    """Give the schema inside of a WSDL, which names the files that it includes relative to itself."""
    found = etree.parse(wsdl).iter(f"{XS}schema")
    root = next(each for each in found if each.get("targetNamespace") == namespace)
    return etree.XMLSchema(etree.fromstring(etree.tostring(root), base_url=str(wsdl)))


class Booking(Foreign):
    """SOAP 1.2, local elements without a namespace, a choice that repeats."""

    schema = _schema_of(FOLDER / "modern/booking.wsdl", "urn:booking")

    def check(self, request: Request, root: Any, call: Any) -> None:
        assert root.tag == f"{{{SOAP_12}}}Envelope"
        action = f'action="urn:booking/{etree.QName(call).localname}"'
        assert "application/soap+xml" in request.headers["Content-Type"]
        assert action in request.headers["Content-Type"]
        _fits(self.schema, call)

    def add(self, call: Any, number: str) -> str:
        assert call.findtext("voucher/costCentres") == "CC1 S1"
        assert base64.b64decode(call.findtext("scan")) == b"scan of the invoice"
        amounts = [Decimal(each.text) for each in call.iterfind("voucher/item/amount")]
        self.row(call.findtext("voucher/reference"), str(sum(amounts)))
        return f'<b:BookResponse xmlns:b="urn:booking"><number>{number}</number></b:BookResponse>'

    def find(self, call: Any) -> str:
        found = "".join(f"<number>{at}</number>" for at, _ in enumerate(self.rows.get(call.text, ()), 1))
        return f'<b:SearchResponse xmlns:b="urn:booking">{found}</b:SearchResponse>'

    def sent(self, content: str, status: int = 200) -> Response:
        return Response(
            status, _envelope_12(content), {"Content-Type": "application/soap+xml; charset=utf-8"}
        )


class DotNet(Foreign):
    """Two ports, credentials in the header, any XML, a data set in the answer."""

    def check(self, _request: Request, root: Any, call: Any) -> None:
        assert root.findtext(".//{http://tempuri.org/}AuthHeader/{*}Password") == "open-sesame"
        names = [etree.QName(node).localname for node in call.iterfind("{*}invoice/*")]
        assert names in ([], ["Guid", "Date", "Paid", "Lines", "Pdf", "Tag"])

    def add(self, call: Any, number: str) -> str:
        invoice = call.find("{*}invoice")
        assert invoice.findtext("{*}Date") == "2026-01-15T00:00:00"
        assert invoice.findtext("{*}Tag/{urn:data}Source") == "docflo"
        assert call.findtext("{*}xml/{urn:data}Extra/{urn:data}Memo") == "a & b"
        [line] = invoice.iterfind("{*}Lines/{*}Line")
        assert dict(line.attrib) == {"No": "1", "Amount": "net", "{urn:data}from": "docflo"}
        self.row(invoice.findtext("{*}Guid"), invoice.findtext("{*}Lines/{*}Line/{*}Amount"))
        return (
            f'<t:AddInvoiceResponse xmlns:t="http://tempuri.org/" id="{number}">'
            "<t:AddInvoiceResult>OK</t:AddInvoiceResult></t:AddInvoiceResponse>"
        )

    def find(self, call: Any) -> str:
        rows = "".join(
            f'<Row id="{at}" xmlns=""><Amount>{total}</Amount></Row>'
            for at, total in enumerate(self.rows.get(call.findtext("{*}guid"), ()), 1)
        )
        return (
            '<t:GetInvoicesResponse xmlns:t="http://tempuri.org/"><t:GetInvoicesResult>'
            f'<xs:schema xmlns:xs="{XS[1:-1]}"/><diffgram>{rows}</diffgram>'
            "</t:GetInvoicesResult></t:GetInvoicesResponse>"
        )
