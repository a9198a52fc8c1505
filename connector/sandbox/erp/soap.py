"""SOAP 1.1 on the wire: reading an envelope, writing an answer or a fault. Both ERPs speak it."""

from collections.abc import Mapping
from dataclasses import dataclass

from lxml import etree
from lxml.etree import _Element as Element
from starlette.responses import Response

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XML = "text/xml; charset=utf-8"


class SoapFaultError(Exception):
    """A refusal as SOAP says it, with HTTP status 500 unless the transport has a better one."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        detail: Element | None = None,
        status: int = 500,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.detail = detail
        self.status = status
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What stands in an envelope: the header blocks and the one call of the body."""

    headers: tuple[Element, ...]
    call: Element

    @property
    def operation(self) -> str:
        """Give the local name of the call."""
        return str(etree.QName(self.call).localname)


def read_message(body: bytes) -> Message:
    """Read an envelope. Entities, document types and networks are off.

    Raises: SoapFaultError for what is not a SOAP 1.1 envelope with one call.
    """
    root = _parse(body)
    if etree.QName(root).localname != "Envelope":
        raise SoapFaultError("Client", "The request is not a SOAP envelope")
    if etree.QName(root).namespace != ENVELOPE:
        raise SoapFaultError("VersionMismatch", "Only SOAP 1.1 is spoken here")
    content = root.find(f"{{{ENVELOPE}}}Body")
    calls = [] if content is None else [child for child in content if isinstance(child.tag, str)]
    if len(calls) != 1:
        raise SoapFaultError("Client", f"The body must hold one call, not {len(calls)}")
    header = root.find(f"{{{ENVELOPE}}}Header")
    blocks = () if header is None else tuple(child for child in header if isinstance(child.tag, str))
    return Message(headers=blocks, call=calls[0])


def _parse(body: bytes) -> Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SoapFaultError("Client", f"The request is not well-formed XML: {error}") from error
    if root.getroottree().docinfo.doctype:
        raise SoapFaultError("Client", "A document type declaration is not allowed")
    return root


def answer_response(answer: Element) -> Response:
    """Give the answer of a call in an envelope, HTTP 200."""
    return Response(_envelope(answer), media_type=XML)


def fault_response(fault: SoapFaultError) -> Response:
    """Give a fault in an envelope."""
    content = etree.Element(f"{{{ENVELOPE}}}Fault", nsmap={"soap": ENVELOPE})
    etree.SubElement(content, "faultcode").text = f"soap:{fault.code}"
    etree.SubElement(content, "faultstring").text = fault.message
    if fault.detail is not None:
        etree.SubElement(content, "detail").append(fault.detail)
    return Response(_envelope(content), status_code=fault.status, headers=fault.headers, media_type=XML)


def _envelope(content: Element) -> bytes:
    envelope = etree.Element(f"{{{ENVELOPE}}}Envelope", nsmap={"soap": ENVELOPE})
    etree.SubElement(envelope, f"{{{ENVELOPE}}}Body").append(content)
    return bytes(etree.tostring(envelope, xml_declaration=True, encoding="utf-8"))
