"""The sloppy ERP: credentials in the body, errors inside a 200, encoded arrays, success that is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import zeep
from lxml import etree
from lxml.etree import _Element as Element

from connector.sandbox.erp.rpc.sandbox import RPC_PATH, RpcErpSandbox
from connector.sandbox.server import SandboxServer
from tests.sandbox.erp.desk import Clock

ENVELOPE = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
    '<n:{operation} xmlns:n="urn:sandbox-erp:rpc"><authentication><key>{key}</key><login>erp-user</login>'
    "<password>{password}</password></authentication>{content}</n:{operation}></s:Body></s:Envelope>"
)
LINE = "<line><desc>{desc}</desc><qty>{qty}</qty></line>"
INVOICE = (
    "<invoice><ref_ext>{reference}</ref_ext><thirdparty_id>{party}</thirdparty_id><date>2026-03-01</date>"
    "<lines>{lines}</lines></invoice>"
)
ENCODING_SCHEMA = b"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"
  xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" targetNamespace="http://schemas.xmlsoap.org/soap/encoding/">
  <xs:complexType name="Array"><xs:sequence>
  <xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>
  </xs:sequence><xs:attribute name="arrayType" type="xs:string"/></xs:complexType>
  <xs:attribute name="arrayType" type="xs:string"/></xs:schema>"""


@dataclass(kw_only=True)
class RpcDesk:
    erp: RpcErpSandbox
    url: str
    clock: Clock
    client: httpx.Client

    def post(self, operation: str, content: str = "", **credentials: str) -> httpx.Response:
        known = {"key": "sandbox-key", "password": "erp-password", **credentials}
        text = ENVELOPE.format(operation=operation, content=content, **known)
        return self.client.post(self.url, content=text, headers={"content-type": "text/xml"})

    def call(self, operation: str, content: str = "", **credentials: str) -> Element:
        response = self.post(operation, content, **credentials)
        assert response.status_code == 200, response.text
        return etree.fromstring(response.content)[0][0]

    def create(self, reference: str = "K-1", party: str = "12", qty: str = "2") -> Element:
        lines = LINE.format(desc="Paper", qty=qty) + LINE.format(desc="Ink", qty="1")
        return self.call("createInvoice", INVOICE.format(reference=reference, party=party, lines=lines))


def code(answer: Element) -> str:
    return str(answer.findtext("result/result_code"))


@pytest.fixture
def desk() -> Iterator[RpcDesk]:
    clock = Clock()
    erp = RpcErpSandbox(clock=clock)
    with SandboxServer(erp.app) as server, httpx.Client(timeout=5) as client:
        yield RpcDesk(erp=erp, url=server.url + RPC_PATH, clock=clock, client=client)


def test_an_invoice_is_stored_and_read_back_with_an_encoded_array_of_lines(desk: RpcDesk) -> None:
    made = desk.create()

    read = desk.call("getInvoice", "<ref_ext>K-1</ref_ext>")

    assert (code(made), made.findtext("id"), made.findtext("ref")) == ("OK", "1", "(PROV1)")
    assert [line["desc"] for line in desk.erp.rows()[0].values["lines"]] == ["Paper", "Ink"]
    assert read.findtext("invoice/thirdparty_id") == "12"
    assert [item.findtext("desc") for item in read.findall("invoice/lines/item")] == ["Paper", "Ink"]


def test_a_second_create_answers_ok_and_a_lookup_names_only_the_first(desk: RpcDesk) -> None:
    desk.create()
    again = desk.create()

    assert (code(again), desk.erp.rows_by_key()) == ("OK", {"K-1": 2})
    assert desk.call("getInvoice", "<ref_ext>K-1</ref_ext>").findtext("invoice/id") == "1"
    assert (
        len(desk.call("getInvoicesForThirdParty", "<idthirdparty>12</idthirdparty>").findall("invoices/item"))
        == 2
    )


@pytest.mark.parametrize(
    ("credentials", "expected"),
    [({"key": "wrong"}, "BAD_VALUE_FOR_SECURITY_KEY"), ({"password": "wrong"}, "BAD_CREDENTIALS")],
)
def test_wrong_credentials_are_said_in_a_200(
    desk: RpcDesk, credentials: dict[str, str], expected: str
) -> None:
    content = INVOICE.format(reference="K-1", party="12", lines="")

    assert code(desk.call("createInvoice", content, **credentials)) == expected
    assert desk.erp.rows() == ()


def test_an_unknown_party_is_refused_in_the_words_of_the_database(desk: RpcDesk) -> None:
    desk.erp.behave(parties={"1"})

    answer = desk.create()

    assert (code(answer), desk.erp.rows()) == ("KO", ())
    assert "foreign key" in str(answer.findtext("result/result_label"))


def test_an_error_may_come_without_a_label(desk: RpcDesk) -> None:
    desk.erp.behave(parties=(), empty_labels=True)

    assert desk.create().findtext("result/result_label") == ""


@pytest.mark.parametrize(
    ("content", "expected"),
    [("<ref_ext>K-9</ref_ext>", "NOT_FOUND"), ("<id>1</id><ref_ext>K-1</ref_ext>", "BAD_PARAMETERS")],
)
def test_lookups_that_cannot_answer_say_why(desk: RpcDesk, content: str, expected: str) -> None:
    desk.create()

    assert code(desk.call("getInvoice", content)) == expected


def test_a_new_row_is_found_only_after_the_lag(desk: RpcDesk) -> None:
    desk.erp.behave(lag=timedelta(seconds=5))
    desk.create()

    before = code(desk.call("getInvoice", "<ref_ext>K-1</ref_ext>"))
    desk.clock.advance(5)

    assert (before, code(desk.call("getInvoice", "<ref_ext>K-1</ref_ext>"))) == ("NOT_FOUND", "OK")


def test_a_word_where_a_number_belongs_is_a_500_without_a_body(desk: RpcDesk) -> None:
    content = INVOICE.format(reference="K-1", party="12", lines=LINE.format(desc="Paper", qty="two"))

    response = desk.post("createInvoice", content)

    assert (response.status_code, response.content, desk.erp.rows()) == (500, b"", ())


def test_a_database_that_is_off_is_a_page_with_202_for_calls_and_for_the_wsdl(desk: RpcDesk) -> None:
    desk.erp.behave(database_off=True)

    called, asked = desk.post("createInvoice"), desk.client.get(desk.url + "?wsdl")

    assert (called.status_code, asked.status_code) == (202, 202)
    assert called.headers["content-type"].startswith("text/html")


def test_a_module_that_is_off_is_a_sentence_with_200(desk: RpcDesk) -> None:
    desk.erp.behave(module_off=True)

    assert desk.post("createInvoice").status_code == 200
    assert desk.post("createInvoice").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(("nothing", "expected"), [(False, "1"), (True, "0")])
def test_an_update_answers_ok_whether_or_not_it_does_anything(
    desk: RpcDesk, *, nothing: bool, expected: str
) -> None:
    desk.erp.behave(updates_do_nothing=nothing)
    desk.create()

    answer = desk.call("updateInvoice", "<invoice><id>1</id><status>1</status></invoice>")

    assert code(answer) == "OK"
    assert desk.call("getInvoice", "<id>1</id>").findtext("invoice/status") == expected


def test_orders_are_stored_found_and_validated(desk: RpcDesk) -> None:
    content = "<order><ref_ext>K-2</ref_ext><thirdparty_id>12</thirdparty_id></order>"

    made = desk.call("createOrder", content)
    desk.call("validOrder", f"<id>{made.findtext('id')}</id>")

    assert desk.call("getOrder", "<ref_ext>K-2</ref_ext>").findtext("order/status") == "1"


def test_an_unknown_operation_is_a_fault(desk: RpcDesk) -> None:
    response = desk.post("createSupplierInvoice")

    assert (response.status_code, "is not defined" in response.text) == (500, True)


def test_a_soap_library_builds_calls_from_the_wsdl(desk: RpcDesk) -> None:
    class Catalogue(zeep.Transport):
        def load(self, url: str) -> Any:
            if url.startswith("http://schemas.xmlsoap.org/"):
                return ENCODING_SCHEMA
            return super().load(url)  # type: ignore[no-untyped-call]

    client = zeep.Client(desk.url + "?wsdl", transport=Catalogue())  # type: ignore[no-untyped-call]
    skip = zeep.xsd.SkipValue
    who = {"key": "sandbox-key", "sourceapplication": skip, "login": "erp-user", "password": "erp-password"}

    answer = client.service.getInvoice(
        authentication={**who, "entity": skip}, id=skip, ref=skip, ref_ext="K-9"
    )

    assert answer["result"]["result_code"] == "NOT_FOUND"
