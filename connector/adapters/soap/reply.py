"""A reply as XML, read by nobody's types: the envelope, its fault, and XPath on both. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from lxml import etree
from requests_toolbelt.multipart.decoder import (
    ImproperBodyPartContentException,
    MultipartDecoder,
    NonMultipartContentTypeException,
)

from connector.adapters.soap.documents import safe_parser
from connector.adapters.soap.references import put_in_place
from connector.adapters.soap.wire import Answer

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"

_KNOWS_ITS_ENCODING = re.compile(rb"\s*<\?xml[^>]*encoding=")

XPath: TypeAlias = etree.XPath


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A SOAP fault of either version."""

    codes: tuple[str, ...]  # local names: "Server", or "Receiver" and its subcodes
    string: str
    detail: Any = field(repr=False)  # lxml element; None when there is none

    @property
    def is_ours(self) -> bool:
        """Whether the fault blames the request."""
        return self.codes[:1] in {("Client",), ("Sender",)} or bool(
            self.codes and self.codes[0].startswith("Client.")
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What an ERP answered, whatever it was."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    envelope: Any = field(repr=False)  # lxml element; None when it is no SOAP
    fault: Fault | None = None
    why_not: str = ""  # it is no SOAP: what it is instead

    def text(self, xpath: XPath) -> str:
        """Give the text that an XPath finds first; empty when it finds nothing."""
        return "" if self.envelope is None else _text(xpath(self.envelope))

    def texts(self, xpath: XPath) -> list[str]:
        """Give the texts of everything that an XPath finds."""
        if self.envelope is None:
            return []
        found = xpath(self.envelope)
        return [_text([each]) for each in found] if isinstance(found, list) else [_text(found)]

    def is_true(self, xpath: XPath) -> bool:
        """Tell whether an XPath holds, or finds something."""
        return self.envelope is not None and bool(xpath(self.envelope))


def compile_xpath(text: str, ns: Mapping[str, str]) -> XPath:
    """Give an XPath, ready to use.

    Raises: ValueError that says what is wrong with it.
    """
    try:
        xpath = etree.XPath(text, namespaces=dict(ns) or None, regexp=False)
        xpath(etree.Element("probe"))  # unknown prefixes and functions show only when it runs
    except etree.XPathError as error:
        message = f"`{text}` is no XPath: {error}"
        raise ValueError(message) from error
    return xpath


def read_reply(answer: Answer) -> Reply:
    """Read an answer. Never raises: what is no SOAP is a reply without an envelope."""
    body = _root_part(answer)
    if not body.strip():
        return _unread(answer, "an empty answer")
    if body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")):
        return _unread(answer, "an HTML page")
    try:
        root = _parse(body, answer)
    except (etree.XMLSyntaxError, ValueError) as error:
        return _unread(answer, f"no XML that can be read ({_short(error)})")
    name = etree.QName(root)
    if root.getroottree().docinfo.doctype:
        return _unread(answer, "XML with a DOCTYPE, which is not read")
    if name.localname != "Envelope" or name.namespace not in {SOAP_11, SOAP_12}:
        return _unread(answer, f"XML that is no SOAP ({name.localname})")
    body_node = root.find(f"{{{name.namespace}}}Body")
    if body_node is None:
        return _unread(answer, "a SOAP envelope without a body")
    try:
        put_in_place(body_node)
    except ValueError as error:
        return _unread(answer, f"a SOAP envelope that is not read: {error}")
    fault = body_node.find(f"{{{name.namespace}}}Fault")
    return Reply(
        status=answer.status,
        headers=answer.headers,
        envelope=root,
        fault=_fault(fault) if fault is not None else None,
    )


def _root_part(answer: Answer) -> bytes:
    content_type = answer.headers.get("Content-Type", "")
    if not content_type.lower().startswith("multipart/related"):
        return answer.body
    try:
        parts = MultipartDecoder(answer.body, content_type).parts
    except (ImproperBodyPartContentException, NonMultipartContentTypeException, ValueError):
        return answer.body
    named = re.search(r'start="?([^";]+)', content_type)
    start = named[1].encode() if named else b""
    roots = [part for part in parts if part.headers.get(b"Content-ID", b"").strip() == start]
    return next((part.content for part in [*roots, *parts]), b"")


def _parse(body: bytes, answer: Answer) -> Any:
    """Parse in the encoding that the document names, or else the header: old servers name it there alone.

    Raises: etree.XMLSyntaxError, ValueError.
    """
    named = re.search(r'charset="?([\w-]+)', answer.headers.get("Content-Type", ""))
    try:
        return etree.fromstring(body, safe_parser())
    except etree.XMLSyntaxError:
        if named is None or _KNOWS_ITS_ENCODING.match(body):
            raise
    try:
        return etree.fromstring(body, safe_parser(named[1]))
    except LookupError as error:
        message = f"the encoding {named[1]} is not known"
        raise ValueError(message) from error


def _unread(answer: Answer, why: str) -> Reply:
    return Reply(status=answer.status, headers=answer.headers, envelope=None, why_not=why)


def _fault(node: Any) -> Fault:
    children = {etree.QName(child).localname: child for child in node if isinstance(child.tag, str)}
    if "faultcode" in children or "faultstring" in children:
        code = _node_text(children.get("faultcode"))
        codes = (code.rpartition(":")[2],) if code else ()
        return Fault(
            codes=codes, string=_node_text(children.get("faultstring")), detail=children.get("detail")
        )
    code_node = children.get("Code")
    values = [] if code_node is None else list(code_node.iter(f"{{{SOAP_12}}}Value"))
    return Fault(
        codes=tuple(_node_text(value).rpartition(":")[2] for value in values),
        string=_node_text(children.get("Reason")),
        detail=children.get("Detail"),
    )


def _node_text(node: Any) -> str:
    return "" if node is None else " ".join("".join(node.itertext()).split())


def _text(found: Any) -> str:
    if isinstance(found, list):
        found = found[0] if found else ""
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, float):
        return f"{found:.0f}" if found.is_integer() else str(found)
    if isinstance(found, str):
        return found.strip()
    return "".join(found.itertext()).strip()


def _short(error: Exception) -> str:
    return re.sub(r"\s+", " ", getattr(error, "msg", None) or type(error).__name__)[:120]
