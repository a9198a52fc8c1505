"""SOAP-encoded answers: every part with its `xsi:type`, lists as arrays of `item`, whatever the WSDL says."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from lxml import etree
from lxml.etree import _Element as Element

XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"

Part: TypeAlias = Element
"""One unqualified child of an answer."""


def part(name: str, text: str) -> Part:
    """Give a piece of text."""
    return _typed(name, "xsd:string", text)


def struct(name: str, type_name: str, parts: Sequence[Part]) -> Part:
    """Give a struct of a type of the service."""
    made = _typed(name, f"tns:{type_name}", None)
    made.extend(parts)
    return made


def array(name: str, type_name: str, items: Sequence[Part]) -> Part:
    """Give a list: an encoded array, although the WSDL declares a sequence of named elements."""
    made = _typed(name, "SOAP-ENC:Array", None)
    made.set(f"{{{ENCODING}}}arrayType", f"tns:{type_name}[{len(items)}]")
    made.extend(items)
    return made


def copied(name: str, kind: str, source: Element, own: Mapping[str, str], *, created: datetime) -> Part:
    """Give a stored object: its fields as sent, what the ERP set itself, and its lines."""
    fields = {etree.QName(child).localname: child.text or "" for child in source if len(child) == 0}
    fields |= {**own, "date_creation": created.isoformat(timespec="seconds")}
    parts = [part(field, text) for field, text in fields.items() if field != "lines"]
    lines = [_line(line) for line in source.findall("{*}lines/*")]
    return struct(name, kind, [*parts, array("lines", "line", lines)])


def _line(source: Element) -> Part:
    return struct("item", "line", [part(etree.QName(child).localname, child.text or "") for child in source])


def answer(operation: str, namespace: str, parts: Sequence[Part]) -> Element:
    """Give the element of an answer, with all prefixes that `xsi:type` uses declared on it."""
    names = {"ns1": namespace, "tns": namespace, "xsd": XSD, "xsi": XSI, "SOAP-ENC": ENCODING}
    made = etree.Element(f"{{{namespace}}}{operation}Response", nsmap=names)
    made.extend(parts)
    return made


def _typed(name: str, type_name: str, text: str | None) -> Element:
    made = etree.Element(name)
    made.set(f"{{{XSI}}}type", type_name)
    made.text = text
    return made
