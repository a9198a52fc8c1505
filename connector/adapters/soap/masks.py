"""Envelopes as people may see them: secrets and what the profile names are hidden."""

from collections.abc import Collection, Sequence
from copy import deepcopy
from typing import Any

from lxml import etree

from connector.adapters.soap.reply import XPath

HIDDEN = "***"
_ALWAYS = frozenset({"Password", "password", "BinarySecurityToken", "SignatureValue", "Nonce", "signature"})
_SHORTEST = 4  # a shorter secret would hide half of the text


def shown(root: Any, masks: Sequence[XPath], secrets: Collection[str]) -> str:
    """Give an envelope indented, with the text of what `masks` find, of passwords and of secrets hidden."""
    copy = deepcopy(root)
    for node in copy.iter():
        if isinstance(node.tag, str) and etree.QName(node).localname in _ALWAYS and node.text:
            node.text = HIDDEN
    for xpath in masks:
        found = xpath(copy)
        for node in found if isinstance(found, list) else []:
            _hide(node)
    etree.indent(copy)
    text = str(etree.tostring(copy, encoding="unicode"))
    for secret in sorted((each for each in secrets if len(each) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _hide(node: Any) -> None:
    if isinstance(node, str):
        parent = node.getparent()  # type: ignore[attr-defined]
        if getattr(node, "is_attribute", False):
            parent.set(node.attrname, HIDDEN)  # type: ignore[attr-defined]
            return
        node = parent
    for child in list(node):
        node.remove(child)
    node.text = HIDDEN
