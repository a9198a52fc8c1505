"""Puts messages together with zeep, which gets texts that are right already. Sends nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import zeep
import zeep.exceptions
from lxml import etree
from zeep import xsd
from zeep.proxy import ServiceProxy
from zeep.wsdl.bindings import Soap12Binding

from connector.adapters.soap.encoding import add_types
from connector.adapters.soap.fit import Fit, Misfit
from connector.adapters.soap.made import Branch, Leaf, Made
from connector.adapters.soap.shape import Shaper
from connector.adapters.soap.wsdl import Wsdl, operation
from connector.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One request: where it goes and what it says. Authentication may still be added to it."""

    operation: str
    address: str
    envelope: Any = field(repr=False)  # lxml element
    headers: dict[str, str] = field(repr=False)

    def body(self) -> bytes:
        """Give the bytes that are sent."""
        return bytes(etree.tostring(self.envelope, xml_declaration=True, encoding="utf-8"))


class MisfitError(Exception):
    """A body that the schema does not take; every reason at once."""

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        super().__init__(f"{len(misfits)} misfits")
        self.misfits = misfits


class _Capture:
    """What zeep takes for a transport: gives the message back instead of sending it."""

    def post_xml(self, address: str, envelope: Any, headers: Mapping[str, str]) -> Any:
        """Give the message back."""
        return (address, envelope, dict(headers))


class Endpoint:
    """One port of a WSDL, at one address. Safe to use from several threads."""

    def __init__(
        self,
        wsdl: Wsdl,
        *,
        service: str | None,
        port: str | None,
        address: str | None,
        ns: Mapping[str, str],
        skip_missing: bool = False,
        xsi_types: bool | None = None,
        cut: bool = False,
    ) -> None:
        self.wsdl = wsdl
        self.port = wsdl.port(service, port)
        self.address = address or (self.port.binding_options or {}).get("address") or ""
        self.is_encoded = self.port.binding.name.text in wsdl.facets.lineage.encoded
        self._xsi_types = self.is_encoded if xsi_types is None else xsi_types
        self._shaper = Shaper(wsdl, ns, skip_missing=skip_missing, cut=cut)
        client = zeep.Client(wsdl.document, transport=_Capture(), settings=zeep.Settings(raw_response=True))
        self._service = ServiceProxy(client, self.port.binding, address=self.address)

    @property
    def is_soap12(self) -> bool:
        """Whether the port speaks SOAP 1.2."""
        return isinstance(self.port.binding, Soap12Binding)

    def require(self, name: str) -> None:
        """Refuse an operation that the port does not have.

        Raises: ConfigError naming what there is.
        """
        operation(self.port, name, self.wsdl)

    def build(self, name: str, body: Made, headers: Mapping[str, Made] | None = None) -> Message:
        """Give the message of an operation.

        Raises: MisfitError with all that the schema does not take; ConfigError for an unknown operation.
        """
        declared = operation(self.port, name, self.wsdl)
        fit = Fit()
        arguments = self._arguments(declared, body, fit)
        blocks = [self._shaper.header_block(tag, made, fit) for tag, made in (headers or {}).items()]
        if fit.misfits:
            raise MisfitError(fit.misfits)
        if blocks:
            arguments["_soapheaders"] = blocks
        address, envelope, http = self._put_together(name, arguments)
        if self._xsi_types:
            add_types(envelope, declared.input.body.type)
        return Message(operation=name, address=address, envelope=envelope, headers=http)

    def _arguments(self, declared: Any, body: Made, fit: Fit) -> dict[str, Any]:
        root = declared.input.body
        if root is None:
            return {}
        if isinstance(root.type, xsd.ComplexType):
            made = body if isinstance(body, Branch) else Branch({})
            return self._shaper.fields(root.type, made, "", fit)
        value = (
            body if isinstance(body, Leaf) else next(iter(getattr(body, "fields", {}).values()), Leaf(None))
        )
        if not isinstance(value, Leaf) or value.value is None:
            fit.misfits.append(Misfit(path=root.name, source="", message="the WSDL takes one value here"))
            return {}
        return {"value": self._shaper.text(root.type, value, root.name, fit)}

    def _put_together(self, name: str, arguments: dict[str, Any]) -> tuple[str, Any, dict[str, str]]:
        try:
            address, envelope, headers = self._service[name](**arguments)
        except zeep.exceptions.ValidationError as error:
            path = "/".join(str(part) for part in error.path or ())
            raise MisfitError([Misfit(path=path, source="", message=str(error.message))]) from error
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            # A schema that zeep reads in another way than we do: nothing has been sent.
            raise ConfigError(f"{name} cannot be put together: {type(error).__name__}: {error}") from error
        return address, envelope, headers


def body_type(endpoint: Endpoint, name: str) -> Any:
    """Give the type of what an operation takes; None when it takes nothing."""
    root = operation(endpoint.port, name, endpoint.wsdl).input.body
    return None if root is None else root.type
