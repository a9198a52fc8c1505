"""Replies that refer to their values: a path finds them where they belong, once."""

import pytest

from connector.adapters.soap.reply import Reply, compile_xpath, read_reply
from connector.adapters.soap.wire import Answer

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
ENCODING_12 = "http://www.w3.org/2003/05/soap-encoding"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def reply(content: str, soap: str = SOAP_11) -> Reply:
    body = (
        f'<s:Envelope xmlns:s="{soap}" xmlns:i="{XSI}" xmlns:e="{ENCODING_12}">'
        f"<s:Body>{content}</s:Body></s:Envelope>"
    )
    return read_reply(Answer(status=200, headers={"Content-Type": "text/xml"}, body=body.encode()))


def found(answer: Reply, path: str) -> list[str]:
    return answer.texts(compile_xpath(path, {}))


AXIS = """
<r:findResponse xmlns:r="urn:erp"><findReturn href="#id0"/></r:findResponse>
<multiRef id="id0" i:type="r:Page" xmlns:r="urn:erp"><count href="#id1"/>
  <rows><row href="#id2"/><row href="#id3"/></rows></multiRef>
<multiRef id="id2"><number>VI-7</number><supplier href="#id4"/></multiRef>
<multiRef id="id3"><number>VI-8</number><supplier href="#id4"/></multiRef>
<multiRef id="id4"><taxId>51</taxId></multiRef>
<multiRef id="id1" i:type="xsd:int">2</multiRef>
"""


def test_a_value_is_found_where_it_is_referred_to_and_nowhere_else() -> None:
    answer = reply(AXIS)

    assert found(answer, "//*[local-name()='findResponse']/findReturn/count") == ["2"]
    assert found(answer, "//row/number") == ["VI-7", "VI-8"]
    assert found(answer, "//row/supplier/taxId") == ["51", "51"]
    assert found(answer, "count(//number)") == ["2"]
    assert found(answer, "//multiRef") == []
    assert found(answer, f"//findReturn/@*[namespace-uri()='{XSI}']") == ["r:Page"]


def test_a_fault_that_refers_to_its_detail_is_read_whole() -> None:
    answer = reply(
        "<s:Fault><faultcode>s:Server</faultcode><faultstring>no</faultstring>"
        '<detail><why href="#d"/></detail></s:Fault><multiRef id="d"><code>PERIOD</code></multiRef>'
    )

    assert answer.fault is not None
    assert found(answer, "//detail/why/code") == ["PERIOD"]


def test_references_as_soap_12_encodes_them_are_followed() -> None:
    answer = reply(
        '<r:findResponse xmlns:r="urn:erp"><first e:id="a"><number>7</number></first><last e:ref="a"/>'
        "</r:findResponse>",
        SOAP_12,
    )

    assert found(answer, "//last/number") == ["7"]
    assert found(answer, "//first/number") == ["7"]


@pytest.mark.parametrize(
    "content",
    [
        '<r><link href="#top"/><part id="top"><x>1</x></part></r>',  # literal: a link of its own
        '<r><file href="cid:1"/></r><other id="cid:1"/>',
        '<r><gone href="#nowhere"/></r>',
        "",
    ],
)
def test_what_is_no_reference_to_a_value_stays_as_it_is(content: str) -> None:
    answer = reply(content)

    assert answer.envelope is not None
    assert found(answer, "//*/@href") == found(reply(content), "//*/@href")
    assert found(answer, "count(//link/*) + count(//file/*) + count(//gone/*)") == ["0"]


def test_a_circle_ends_where_it_closes() -> None:
    answer = reply(
        '<r><node href="#a"/></r><multiRef id="a"><name>a</name><next href="#b"/></multiRef>'
        '<multiRef id="b"><name>b</name><next href="#a"/></multiRef>'
    )

    assert found(answer, "//name") == ["a", "b"]


def test_references_that_multiply_are_no_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.adapters.soap.references._MOST_NODES", 1_000)
    levels = "".join(
        f'<multiRef id="n{at}">{f"<x href={chr(34)}#n{at + 1}{chr(34)}/>" * 10}</multiRef>' for at in range(9)
    )

    answer = reply(f'<r><x href="#n0"/></r>{levels}')

    assert answer.envelope is None
    assert "more and more" in answer.why_not
