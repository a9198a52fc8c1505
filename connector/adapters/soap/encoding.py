"""Messages as SOAP 1.1 encodes them (section 5): each element names its type. zeep leaves the types out."""

from typing import Any

from lxml import etree
from zeep.xsd import AnyType, ComplexType
from zeep.xsd.types.simple import AnySimpleType

from connector.adapters.soap.plans import entry_of, is_array

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_ENCODING_STYLE = "{http://schemas.xmlsoap.org/soap/envelope/}encodingStyle"
_STRING = etree.QName("http://www.w3.org/2001/XMLSchema", "string")
_ENCODED = "http://schemas.xmlsoap.org/soap/encoding/"


def add_types(envelope: Any, type_: Any) -> None:
    """Name the type of every element in the body; `type_` is what the operation takes."""
    body = next(node for node in envelope if etree.QName(node).localname == "Body")
    for wrapper in body:
        wrapper.set(_ENCODING_STYLE, _ENCODED)
        _type_children(wrapper, type_)


def _type_children(node: Any, type_: Any) -> None:
    if is_array(type_):
        for child in node:
            _type(child, entry_of(type_).type)
        return
    elements = {each.qname.text: each for _, each in getattr(type_, "elements", ()) if hasattr(each, "qname")}
    for child in node:
        if child.tag in elements:
            _type(child, elements[child.tag].type)


def _type(node: Any, type_: Any) -> None:
    if node.get(f"{_XSI}type") is not None or node.get(f"{_XSI}nil") is not None:
        return  # it is of a derived type, which it names, or of none
    if _is_anything(type_):
        if len(node) == 0:
            node.set(f"{_XSI}type", _STRING)
    elif type_.is_global and type_.qname is not None:
        node.set(f"{_XSI}type", type_.qname)
    _type_children(node, type_)


def _is_anything(type_: Any) -> bool:
    return isinstance(type_, AnyType) and not isinstance(type_, AnySimpleType | ComplexType)
