"""The WSDL and the schemas of the strict ERP: served as files, and every call held against them."""

import re
from functools import cache
from pathlib import Path
from urllib.parse import quote

from lxml import etree
from lxml.etree import _Element as Element

from connector.sandbox.erp.soap import SoapFaultError

FOLDER = Path(__file__).parent / "wsdl"
COMMON = "urn:sandbox-erp:common"
PURCHASING = "urn:sandbox-erp:purchasing"
MESSAGES = "urn:sandbox-erp:messages"
WSDL = "erp.wsdl"
SCHEMAS = ("common.xsd", "purchasing.xsd", "messages.xsd")
WRITTEN_ADDRESS = "http://erp.internal/erp/soap"
"""What the file says, as in many installations: a host that only the ERP's own network knows."""


def wsdl(address: str | None) -> bytes:
    """Give the WSDL; with `address`, its imports and its port point there instead of beside the file."""
    text = (FOLDER / WSDL).read_text(encoding="utf-8")
    if address is not None:
        text = text.replace(WRITTEN_ADDRESS, address)
        text = _with_imports_at(address, text)
    return text.encode()


def schema(name: str, address: str) -> bytes | None:
    """Give one imported schema, whose own imports point at `address`; None: there is none of this name."""
    if name not in SCHEMAS:
        return None
    return _with_imports_at(address, (FOLDER / name).read_text(encoding="utf-8")).encode()


def _with_imports_at(address: str, text: str) -> str:
    return re.sub(
        r'schemaLocation="([^"]+)"', lambda found: f'schemaLocation="{address}?xsd={quote(found[1])}"', text
    )


@cache
def _schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(FOLDER / "messages.xsd"))


def check_call(call: Element) -> None:
    """Hold a call against the schema: elements, order, types and facets.

    Raises: SoapFaultError Client with the first thing that does not fit.
    """
    alone = etree.fromstring(etree.tostring(call))  # a part of a tree is validated with its document
    found = _schema()
    if not found.validate(alone):
        raise SoapFaultError("Client", f"The call does not fit the schema: {found.error_log[0].message}")
