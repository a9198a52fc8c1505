"""A made tree as text: for ERPs that take an XML or JSON document inside of a string."""

from collections.abc import Mapping
from typing import Any

import msgspec
from lxml import etree

from connector.adapters.soap.convert import legal_xml
from connector.adapters.soap.filters import UnfitValueError
from connector.adapters.soap.made import Branch, Leaf, Made, Many, Nil
from connector.adapters.soap.template import as_text

_XSI_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"


def as_xml(made: Made, ns: Mapping[str, str]) -> str:
    """Give an XML document. Names may have a prefix of `ns`; names with @ are attributes.

    Raises: UnfitValueError when the tree has not exactly one root, or text that XML cannot hold.
    """
    roots = list(made.fields.items()) if isinstance(made, Branch) else []
    if len(roots) != 1 or isinstance(roots[0][1], Many):
        message = "an XML document has exactly one root element"
        raise UnfitValueError(message)
    return str(etree.tostring(element(roots[0][0], roots[0][1], ns), encoding="unicode"))


def element(name: str, made: Made, ns: Mapping[str, str]) -> Any:
    """Give one element with all that is in it.

    Raises: UnfitValueError for text that XML cannot hold, or a prefix that `ns` does not name.
    """
    node = etree.Element(qualified(name, ns))
    match made:
        case Leaf():
            node.text = legal_xml(as_text(made.value))
        case Nil():
            node.set(_XSI_NIL, "true")
        case Branch():
            fill(node, made, ns)
        case Many():
            message = f"`{name}` is a list where one element is expected"
            raise UnfitValueError(message)
    return node


def qualified(name: str, ns: Mapping[str, str]) -> str:
    """Give `{namespace}name` for `prefix:name`.

    Raises: UnfitValueError for a prefix that `ns` does not name.
    """
    prefix, colon, local = name.partition(":")
    if not colon or name.startswith("{"):
        return name
    if prefix not in ns:
        message = f"`ns` names no prefix `{prefix}`"
        raise UnfitValueError(message)
    return f"{{{ns[prefix]}}}{local}"


def as_json(made: Made) -> str:
    """Give a JSON document; decimals keep their digits."""
    return msgspec.json.Encoder(decimal_format="number").encode(_plain(made)).decode()


def fill(node: Any, made: Branch, ns: Mapping[str, str]) -> None:
    """Put elements and attributes into an element.

    Raises: as `element`.
    """
    for name, inner in made.fields.items():
        if name == "@text":
            node.text = legal_xml(as_text(inner.value)) if isinstance(inner, Leaf) else None
        elif name.startswith("@") and isinstance(inner, Leaf):
            node.set(qualified(name[1:], ns), legal_xml(as_text(inner.value)))
        else:
            for each in inner.items if isinstance(inner, Many) else [inner]:
                node.append(element(name, each, ns))


def _plain(made: Made) -> Any:
    match made:
        case Leaf():
            return as_text(made.value) if isinstance(made.value, bytes) else made.value
        case Branch():
            return {name: _plain(inner) for name, inner in made.fields.items()}
        case Many():
            return [_plain(inner) for inner in made.items]
        case _:
            return None
